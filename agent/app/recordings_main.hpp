/// The process that shows recordings of terminals to the console, put together.
#pragma once

#include <filesystem>
#include <string>

namespace fairlead::app {

struct RecordingsOptions {
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::filesystem::path recordings = "/var/lib/fairlead/recordings";
    std::string link_user = "fairlead";
};

/// The exit code. Standard input is the connection of the link that systemd took.
int run_recordings(const RecordingsOptions& options);

} // namespace fairlead::app
