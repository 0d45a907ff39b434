/// The executor process, put together.
#pragma once

#include <filesystem>
#include <string>

namespace fairlead::app {

struct ExecutorOptions {
    std::filesystem::path state = "/var/lib/fairlead/executor";
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::filesystem::path socket; ///< empty: the one that systemd hands over
    std::filesystem::path recordings = "/var/lib/fairlead/recordings";
    std::string link_user = "fairlead";
    std::string version; ///< of this program
    int idle_seconds = 30;
};

/// The exit code. Ends when idle.
int run_executor(const ExecutorOptions& options);

} // namespace fairlead::app
