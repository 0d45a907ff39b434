/// A folder in memory for one run of the client: keys are in the clear there, so it is on no disk.
#pragma once

#include "common/runtime/result.hpp"

#include <filesystem>

namespace fairlead::certificates {

/// Where runs have their folder: $RUNTIME_DIRECTORY (systemd's, in memory), else one in /dev/shm
/// for this user and `data`. Errc::forbidden where the latter belongs to somebody else.
Result<std::filesystem::path> place_for_runs(const std::filesystem::path& data);

/// Empty, mode 0700; what an earlier run left in it is gone, and so is all of it at the end. One at
/// a time.
class Workplace {
public:
    /// Errc::internal.
    static Result<Workplace> make(const std::filesystem::path& base);
    Workplace(Workplace&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    ~Workplace();

    const std::filesystem::path& path() const { return path_; }

private:
    explicit Workplace(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

} // namespace fairlead::certificates
