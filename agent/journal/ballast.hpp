/// Disk space held back, so that an operation can still be undone when somebody fills the disk:
/// undoing has to be written down before it is done.
#pragma once

#include <cstdint>
#include <filesystem>

namespace fairlead::journal {

class Ballast {
public:
    /// Holds it, where it can.
    explicit Ballast(std::filesystem::path file);

    /// Makes the file where it is missing and the disk has plenty beside it; else there is none
    /// until the next call.
    void hold();

    /// Gives the space back to the disk. False when there was none to give.
    bool drop();

    /// The same, where the disk has less left than that.
    bool drop_if_full();

    /// PostgreSQL takes no connection without a few hundred KiB, and undoing writes some MiB.
    static constexpr std::uint64_t bytes = 32 << 20;
    static constexpr std::uint64_t plenty = 128 << 20;

private:
    std::filesystem::path file_;
};

} // namespace fairlead::journal
