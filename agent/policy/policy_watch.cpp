#include "agent/policy/policy_watch.hpp"

#include <sys/timerfd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fairlead::policy {
namespace {

constexpr long interval_ns = 500'000'000;

/// All zeros for a file that is not there.
struct ::stat facts_of(const std::filesystem::path& file) {
    struct ::stat facts {};
    if (::stat(file.c_str(), &facts) != 0) facts = {};
    return facts;
}

/// Every change of contents, owner or mode sets the time of the last one.
bool alike(const struct ::stat& one, const struct ::stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
           one.st_size == other.st_size && one.st_ctim.tv_sec == other.st_ctim.tv_sec &&
           one.st_ctim.tv_nsec == other.st_ctim.tv_nsec;
}

} // namespace

PolicyWatch::PolicyWatch(std::filesystem::path file)
    : file_(std::move(file)), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      seen_(facts_of(file_)) {
    itimerspec every{{0, interval_ns}, {0, interval_ns}};
    if (!timer_ || ::timerfd_settime(timer_.get(), 0, &every, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot watch the policy");
}

bool PolicyWatch::changed() {
    auto now = facts_of(file_);
    return !alike(std::exchange(seen_, now), now);
}

} // namespace fairlead::policy
