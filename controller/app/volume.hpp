/// Whether a folder lies on an encrypted volume.
#pragma once

#include <filesystem>

namespace fairlead::app {

enum class Volume {
    encrypted,
    plain,
    unknown, ///< the kernel does not tell, as for network file systems
};

/// Looks at the block devices below the file system: dm-crypt (LUKS) anywhere below counts, through
/// LVM, partitions and software RAID when every part of it is encrypted. What a provider encrypts
/// beneath a virtual disk cannot be seen.
Volume volume_of(const std::filesystem::path& folder);

/// The same by the device number of a file system; `system` is "/", and a folder in tests.
Volume volume_of_device(const std::filesystem::path& system, unsigned major, unsigned minor);

} // namespace fairlead::app
