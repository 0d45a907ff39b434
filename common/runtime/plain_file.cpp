#include "common/runtime/plain_file.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace fairlead {

Result<std::string> read_plain_file(const std::filesystem::path& path, std::size_t limit) {
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd)
        return fail(
            errno == ENOENT   ? Errc::not_found
            : errno == EACCES ? Errc::forbidden
                              : Errc::invalid,
            fmt::format("Cannot open {}: {}.", path.string(), std::strerror(errno))
        );
    struct stat what {};
    if (::fstat(fd.get(), &what) != 0 || !S_ISREG(what.st_mode))
        return fail(Errc::invalid, fmt::format("{} is no regular file.", path.string()));
    // Of the file that was looked at, whatever is at its path by now.
    return read_file(fmt::format("/proc/self/fd/{}", fd.get()), limit);
}

} // namespace fairlead
