#include "agent/odoo/request_counts.hpp"

#include "common/runtime/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace fairlead::odoo {
namespace {

/// As serve.py writes it, by the machine's own byte order: the mark, then three numbers.
struct Layout {
    char mark[8];
    std::uint64_t requests, failures, ms;
};
static_assert(sizeof(Layout) == 32);

} // namespace

Result<RequestCounts> read_request_counts(const std::filesystem::path& file) {
    Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat what {};
    Layout found{};
    if (!open || ::fstat(open.get(), &what) != 0 || !S_ISREG(what.st_mode) ||
        ::pread(open.get(), &found, sizeof found, 0) != static_cast<ssize_t>(sizeof found) ||
        std::memcmp(found.mark, "FLREQ001", sizeof found.mark) != 0)
        return fail(Errc::not_found, "No requests are counted there.");
    return RequestCounts{found.requests, found.failures, found.ms};
}

} // namespace fairlead::odoo
