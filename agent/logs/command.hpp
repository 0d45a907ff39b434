/// What journalctl is asked for a reading.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/log.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::logs {

struct CommandOptions {
    std::string journalctl = "/usr/bin/journalctl";
    std::filesystem::path postgresql =
        "/etc/postgresql"; ///< one folder a version, in it one a cluster
    std::filesystem::path machine_id = "/etc/machine-id"; ///< machine-id(5)
};

/// The whole argument vector: one JSON object a line, of this system's own journal, of the units of
/// the log alone. `purpose` has passed check(), `slug` policy::check_slug() where it is Odoo's.
/// `now_us`: what is followed without a cursor begins there. Errc::invalid for a search that is
/// none.
Result<std::vector<std::string>> command_of(
    const proto::LogPurpose& purpose, const std::string& slug, std::int64_t now_us,
    const CommandOptions& options
);

} // namespace fairlead::logs
