/// All that knows Odoo: its configuration, its commands, its modules, and what its output means.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "proto/messages.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::odoo {

/// Where the parts of a release are on this server; all absolute.
struct Installation {
    std::filesystem::path source;              ///< Odoo's own tree, with odoo-bin
    std::vector<std::filesystem::path> addons; ///< as in the specification: later ones win
    std::filesystem::path python;              ///< of the virtual environment
    std::filesystem::path config;
    std::filesystem::path data;
    std::string database;
    std::filesystem::path serve{}; ///< what `serve_script` makes
};

/// 19 for "19.0" and "saas-19.1"; 0 where the name does not say.
int major_version(std::string_view version);

/// Name of the option for the port of websockets: "gevent_port", "longpolling_port" before 16.
std::string_view websocket_port_option(std::string_view version);

/// Where an environment hands its mail in whose mail is captured; on 127.0.0.1.
struct MailSink {
    std::uint16_t port = 0;
    std::string user, password;
};

/// odoo.conf. `admin_password` is random: the database manager is off, and this bars its last door.
/// With a sink, what no mail server of the database takes goes there; see capture.hpp for the rest.
std::string configuration(
    const proto::EnvironmentSpec& environment, const Installation& installation,
    std::string_view admin_password, const std::optional<MailSink>& sink = std::nullopt
);

enum class Migration { none, install, update };

/// One run that installs or updates modules and ends. Its exit status is not enough: see
/// `unsettled_query`.
std::vector<std::string> migrate_command(
    const Installation& installation, Migration migration, const std::vector<std::string>& modules
);

/// Modules that are not where a finished migration leaves them: rows "name|state".
std::string unsettled_query();
/// Names of installed modules.
std::string installed_query();

/// Gives the user that a new database has (`first_login`) a password, in the form in which Odoo
/// keeps it. Returns one row when it did. Empty for Odoo before 12, which keeps it elsewhere. Takes
/// most of a second.
std::string first_password_query(std::string_view version, const Secret& password);
inline constexpr std::string_view first_login = "admin";

/// One run that makes a copy harmless by Odoo's own means; empty where the version has none (it
/// came with 16).
std::vector<std::string>
neutralise_command(const Installation& installation, std::string_view version);

/// The same by SQL, for every version, and for what Odoo's own leaves: no mail out or in, no
/// scheduled action, no payment provider, no outgoing webhook. May be run again.
std::string neutralise_query();

/// One run that loads all installed modules and ends; changes no module.
std::vector<std::string> load_command(const Installation& installation);

/// Tables that every Odoo has, whose rows a backup counts.
const std::vector<std::string>& counted_tables();
/// How many tables a database has that are not PostgreSQL's own.
std::string table_count_query();
/// Paths below the database's filestore that attachments name, one a row.
std::string attachments_query();

/// Content hashes of the modules in an exported tree, by module name: every file of a module
/// counts. `manifest` lists the tree's files ("<sha256>  <path>"); `core` is Odoo's own tree, whose
/// modules are in two folders.
Result<std::map<std::string, std::string>> module_hashes(std::string_view manifest, bool core);

/// What is in both and differs.
std::vector<std::string> changed(
    const std::map<std::string, std::string>& before,
    const std::map<std::string, std::string>& after
);

/// Severity of a line that Odoo logged.
proto::LogLevel level_of(std::string_view line);

/// "Loading module x (3/12)" → 25.
std::optional<std::uint32_t> percent_of(std::string_view line);

/// One sentence from the last lines of a run that failed: the exception, and where it was.
std::string explain(const std::vector<std::string>& last_lines);

} // namespace fairlead::odoo
