/// Odoo's server as it runs in an environment: it ends only when the requests under way have ended.
#pragma once

#include "agent/odoo/odoo.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::odoo {

/// How long a server that was told to stop lets the requests that it has taken go on.
inline constexpr std::chrono::seconds drain_limit{45};

/// How long a request waits for one of the connections that Odoo's pool has to the database.
inline constexpr std::chrono::seconds connection_limit{20};

/// What systemd shows as the status of a unit once its modules are loaded.
inline constexpr std::string_view serving = "serving";

/// A Python program for the release's folder that does what odoo-bin does, and mends how it ends
/// and how it begins. Odoo's threaded server (workers = 0) closes the database under requests one
/// second after SIGTERM; its prefork server waits by itself. Requests that come together, as after
/// a restart, wait for a connection of the pool instead of failing. Answers links to log in
/// (login.hpp). Any version.
std::string serve_script(const Installation& installation);

/// The server as a long-running process, by the script at `installation.serve`.
std::vector<std::string> serve_command(const Installation& installation);

} // namespace fairlead::odoo
