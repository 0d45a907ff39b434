/// Tells when the policy file may have changed.
#pragma once

#include "common/runtime/file.hpp"

#include <filesystem>

namespace fairlead::policy {

class PolicyWatch {
public:
    /// Throws std::system_error where the kernel has no more watches to give.
    explicit PolicyWatch(const std::filesystem::path& file);

    /// Readable after a change in the file's folder, until taken.
    int fd() const { return fd_.get(); }

private:
    Descriptor fd_;
};

} // namespace fairlead::policy
