/// What an operation asks of an agent: its kinds, their arguments and what comes back. Plain
/// described structs; members that a peer does not send keep the defaults written here.
#pragma once

#include <boost/describe.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::proto {

/// The kinds, as they stand in policies, in the API and on the wire.
namespace kind {
inline constexpr std::string_view ping = "agent.ping";
inline constexpr std::string_view preflight = "environment.preflight";
inline constexpr std::string_view deploy = "environment.deploy";
inline constexpr std::string_view rollback = "environment.rollback";
inline constexpr std::string_view start = "environment.start";
inline constexpr std::string_view stop = "environment.stop";
inline constexpr std::string_view restart = "environment.restart";
inline constexpr std::string_view remove = "environment.delete";
} // namespace kind

BOOST_DEFINE_ENUM_CLASS(EnvironmentType, development, staging, production)
BOOST_DEFINE_ENUM_CLASS(UpdateMode, automatic, none, all, modules)
BOOST_DEFINE_ENUM_CLASS(DatabaseChoice, keep, snapshot)
BOOST_DEFINE_ENUM_CLASS(CheckResult, passed, warning, failed)

/// A git repository to build from. `credential` names an entry of Operation::secrets
/// ("credential:gcr_…"), whose value is a password or token (with `username`) or an OpenSSH private
/// key.
struct Source {
    std::string name; ///< "odoo", or the addon repository's short name: a folder name
    std::string url;
    std::string branch;
    std::string credential;      ///< empty: none
    std::string credential_kind; ///< "token" or "ssh_key"
    std::string username;
};
BOOST_DESCRIBE_STRUCT(Source, (), (name, url, branch, credential, credential_kind, username))

/// Limits of the environment's systemd unit; 0 means none.
struct Resources {
    std::uint64_t memory_max_bytes = 0;
    std::uint32_t cpu_percent = 0; ///< of one core; 200 is two cores
    std::uint32_t tasks_max = 0;
    std::uint32_t workers = 0; ///< Odoo's worker processes; 0 is its threaded server
};
BOOST_DESCRIBE_STRUCT(Resources, (), (memory_max_bytes, cpu_percent, tasks_max, workers))

/// A variable of the Odoo process's environment. A secret one has no value here but an entry of
/// Operation::secrets named "variable:NAME".
struct Variable {
    std::string name;
    std::string value;
    bool secret = false;
};
BOOST_DESCRIBE_STRUCT(Variable, (), (name, value, secret))

/// Everything the server must know of an environment to build and run it.
struct EnvironmentSpec {
    std::string id;
    std::string slug; ///< [a-z][a-z0-9-]{0,30}: names the Unix user, the role, the database, the
                      ///< unit, the folder
    std::string name;
    EnvironmentType type = EnvironmentType::development;
    std::string odoo_version; ///< "19.0"
    Source odoo;
    std::vector<Source> addons; ///< later ones win
    std::uint16_t port = 0;
    std::uint16_t gevent_port = 0;
    std::vector<std::string> domains;
    Resources resources;
    std::vector<Variable> variables;
    std::vector<std::string> modules; ///< installed at the first deployment
    std::vector<std::string>
        requirements; ///< pip requirement lines beside the repositories' requirements.txt
    bool system_site_packages = true;
    std::uint32_t keep_releases = 5;
    std::string project_id;   ///< nothing is made of them on the server: they let a controller that
    std::string project_name; ///< was set back to an older copy put the environment in its place
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentSpec, (),
    (id, slug, name, type, odoo_version, odoo, addons, port, gevent_port, domains, resources,
     variables, modules, requirements, system_site_packages, keep_releases, project_id,
     project_name)
)

struct ReleaseRef {
    std::string id;
    std::uint32_t number = 0;
};
BOOST_DESCRIBE_STRUCT(ReleaseRef, (), (id, number))

struct DeployArgs {
    EnvironmentSpec environment;
    ReleaseRef release; ///< the one to make
    UpdateMode update = UpdateMode::automatic;
    std::vector<std::string> modules; ///< with UpdateMode::modules
};
BOOST_DESCRIBE_STRUCT(DeployArgs, (), (environment, release, update, modules))

struct PreflightArgs {
    EnvironmentSpec environment;
};
BOOST_DESCRIBE_STRUCT(PreflightArgs, (), (environment))

struct RollbackArgs {
    std::string environment_id;
    std::string slug;
    ReleaseRef release; ///< a kept one
    DatabaseChoice database = DatabaseChoice::keep;
};
BOOST_DESCRIBE_STRUCT(RollbackArgs, (), (environment_id, slug, release, database))

/// start, stop, restart, delete.
struct EnvironmentArgs {
    std::string environment_id;
    std::string slug;
    bool drop_data =
        false; ///< delete: the database and the filestore too; otherwise they stay on the server
};
BOOST_DESCRIBE_STRUCT(EnvironmentArgs, (), (environment_id, slug, drop_data))

struct PingArgs {
    std::string note;
};
BOOST_DESCRIBE_STRUCT(PingArgs, (), (note))

/// The tree of one repository in a release.
struct Commit {
    std::string repository; ///< Source::name
    std::string url;
    std::string branch;
    std::string commit;  ///< 40 hex digits
    std::string subject; ///< first line of the message
};
BOOST_DESCRIBE_STRUCT(Commit, (), (repository, url, branch, commit, subject))

/// A release as the server holds it. Also the result of a deployment or rollback.
struct ReleaseInfo {
    std::string id;
    std::uint32_t number = 0;
    std::string operation; ///< that made it
    std::int64_t created_at_ms = 0;
    std::vector<Commit> commits;
    std::vector<std::string> python_packages; ///< "name==version"
    std::string manifest_sha256;
    bool has_database_snapshot =
        false; ///< the database as it was when this release was replaced is kept
    bool live = false;
};
BOOST_DESCRIBE_STRUCT(
    ReleaseInfo, (),
    (id, number, operation, created_at_ms, commits, python_packages, manifest_sha256,
     has_database_snapshot, live)
)

struct Check {
    std::string id; ///< "disk", "memory", "ports", …
    std::string title;
    CheckResult result = CheckResult::passed;
    std::string value;  ///< what was found
    std::string need;   ///< what is needed
    std::string remedy; ///< what to do, empty when passed
};
BOOST_DESCRIBE_STRUCT(Check, (), (id, title, result, value, need, remedy))

struct PreflightReport {
    std::vector<Check> checks;
};
BOOST_DESCRIBE_STRUCT(PreflightReport, (), (checks))

/// What a finished operation hands back, by kind; absent parts did not apply.
struct OperationResult {
    std::optional<PreflightReport> preflight;
    std::optional<ReleaseInfo> release;
    std::vector<std::uint32_t> removed_releases;
    std::optional<std::uint64_t> downtime_ms; ///< how long Odoo was down for it
};
BOOST_DESCRIBE_STRUCT(OperationResult, (), (preflight, release, removed_releases, downtime_ms))

} // namespace fairlead::proto
