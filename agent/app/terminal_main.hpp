/// The process of one terminal, put together.
#pragma once

#include <filesystem>
#include <string>

namespace fairlead::app {

struct TerminalOptions {
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::filesystem::path recordings = "/var/lib/fairlead/recordings";
    std::string link_user = "fairlead";
};

/// The exit code. Standard input is the connection of the link that systemd took.
int run_terminal(const TerminalOptions& options);

} // namespace fairlead::app
