/// Whole small files: read with a limit, written so that a crash leaves the old or the new one.
#pragma once

#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead {

/// Reads at most `limit` bytes. Errc::not_found, Errc::forbidden, Errc::invalid when larger,
/// Errc::internal.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

/// Writes a temporary file beside `path`, syncs it, renames it over, syncs the folder. The file has
/// `mode` from the first byte on. Errc::internal with the reason.
Result<> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

/// Makes renames and new names in `folder` durable.
Result<> sync_folder(const std::filesystem::path& folder);

/// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() {
        int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset();

private:
    int fd_ = -1;
};

} // namespace fairlead
