#include "agent/policy/policy_watch.hpp"

#include <sys/inotify.h>

#include <cerrno>
#include <system_error>

namespace fairlead::policy {

/// The folder, since editors and packages put a new file in the old one's place.
PolicyWatch::PolicyWatch(const std::filesystem::path& file)
    : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    constexpr auto changes =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF;
    if (!fd_ || ::inotify_add_watch(fd_.get(), file.parent_path().c_str(), changes) < 0)
        throw std::system_error(errno, std::generic_category(), "cannot watch the policy");
}

} // namespace fairlead::policy
