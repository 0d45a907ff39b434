#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fairlead {
namespace {

tl::unexpected<Error> failed(std::string_view what, const std::filesystem::path& path) {
    int error = errno;
    auto kind = error == ENOENT || error == ENOTDIR ? Errc::not_found
                : error == EACCES || error == EPERM ? Errc::forbidden
                                                    : Errc::internal;
    return fail(kind, fmt::format("Cannot {} {}: {}.", what, path.string(), std::strerror(error)));
}

Result<> write_all(int fd, std::string_view content, const std::filesystem::path& path) {
    while (!content.empty()) {
        auto written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed("write", path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace

void Descriptor::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return failed("open", path);
    std::string content;
    char block[16384];
    for (;;) {
        auto got = ::read(fd.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read", path);
        if (got == 0) return content;
        content.append(block, static_cast<std::size_t>(got));
        if (content.size() > limit)
            return fail(
                Errc::invalid, fmt::format("{} is larger than {} bytes.", path.string(), limit)
            );
    }
}

Result<> sync_folder(const std::filesystem::path& folder) {
    Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed("open", folder);
    if (::fsync(fd.get()) != 0) return failed("sync", folder);
    return {};
}

Result<> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    auto temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
    Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return failed("create a file in", folder);
    auto give_up = [&](Result<> why) {
        ::unlink(temporary.c_str());
        return why;
    };
    if (::fchmod(fd.get(), mode) != 0) return give_up(failed("set the mode of", temporary));
    if (auto written = write_all(fd.get(), content, path); !written)
        return give_up(std::move(written));
    if (::fsync(fd.get()) != 0) return give_up(failed("sync", temporary));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up(failed("replace", path));
    return sync_folder(folder);
}

} // namespace fairlead
