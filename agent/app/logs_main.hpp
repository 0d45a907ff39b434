/// The process of one reading of a log, put together.
#pragma once

#include "agent/logs/command.hpp"

#include <filesystem>
#include <string>

namespace fairlead::app {

struct LogsOptions {
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::string link_user = "fairlead";
    logs::CommandOptions command;
};

/// The exit code. Standard input is the connection of the link that systemd took.
int run_logs(const LogsOptions& options);

} // namespace fairlead::app
