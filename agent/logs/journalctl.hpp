/// One journalctl as a child of this process.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace fairlead::logs {

/// Killed when this object goes, and by the kernel when this process does.
class Journalctl {
public:
    /// Started without a shell and with nothing of our environment. Errc::unavailable.
    static Result<Journalctl> start(const std::vector<std::string>& argv);

    Journalctl(Journalctl&& other) noexcept;
    Journalctl& operator=(Journalctl&&) = delete;
    ~Journalctl();

    /// What it says, and what it complains of: non-blocking pipes.
    int output() const { return output_.get(); }
    int errors() const { return errors_.get(); }

    /// Waits for its end, which is near when it has closed its output; gives its exit code, 128 and
    /// the signal where one ended it.
    int wait();

private:
    Journalctl(pid_t pid, Descriptor output, Descriptor errors)
        : pid_(pid), output_(std::move(output)), errors_(std::move(errors)) {}

    pid_t pid_ = -1;
    Descriptor output_, errors_;
};

} // namespace fairlead::logs
