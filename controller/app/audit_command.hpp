/// `fairlead-controller audit …`: checks logs, also far from any controller.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/app/settings.hpp"

#include <filesystem>
#include <string>

namespace fairlead::app {

/// The log of every organization in the database, read beside the controller that may be serving;
/// without `key` against the key that the database names. A line for each log; Errc::conflict with
/// a line for each finding, the first wrong entry of a log first.
Result<std::string> verify_database(const Settings& settings, const std::string& key);

/// The same for an export in JSON lines; `key` is a C2SP verifier key. Needs no database, no
/// configuration and no network.
Result<std::string> verify_export(const std::filesystem::path& file, const std::string& key);

/// The key that checkpoints are signed with, for `key`.
Result<std::string> audit_key(const Settings& settings);

} // namespace fairlead::app
