/// Tells when the policy file has changed.
#pragma once

#include "common/runtime/file.hpp"

#include <sys/stat.h>

#include <filesystem>

namespace fairlead::policy {

/// Looks at the file twice a second. Events of the kernel would tell sooner, but a user has 128
/// listeners for them on most systems, and the processes of root's that watch the policy can be
/// more, beside what else on the server needs some. One thread.
class PolicyWatch {
public:
    /// Throws std::system_error where there is no timer.
    explicit PolicyWatch(std::filesystem::path file);

    /// Readable when it is time to ask changed(), until it was read.
    int fd() const { return timer_.get(); }

    /// Whether the file is another one, or its contents, owner or mode may be others, than when it
    /// was asked before, or at the beginning.
    bool changed();

private:
    std::filesystem::path file_;
    Descriptor timer_;
    struct ::stat seen_;
};

} // namespace fairlead::policy
