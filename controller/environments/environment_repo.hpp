/// The SQL of environments, with what their server and their operation make of their status.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::environments {

/// A row; `status`, `server_…` and `busy_…` come from the server and the operation that is not
/// over.
struct Environment {
    EnvironmentId id;
    ProjectId project_id;
    ServerId server_id;
    std::string name;
    std::string slug;
    proto::EnvironmentType type = proto::EnvironmentType::development;
    std::optional<std::string> branch;
    std::uint16_t port = 0;
    std::uint16_t gevent_port = 0;
    std::string modules = "[]"; ///< JSON, as are the next two
    std::string requirements = "[]";
    std::string domains = "[]";
    proto::Exposure exposure = proto::Exposure::port;
    std::optional<std::int64_t> memory_max_bytes;
    std::optional<std::int64_t> cpu_percent;
    std::optional<std::int64_t> tasks_max;
    std::int64_t workers = 0;
    bool system_site_packages = false;
    std::uint32_t keep_releases = 5;
    std::string live_state; ///< what the server said last: "running", "stopped", "failed",
                            ///< "starting"; "" when nothing is there
    std::string live_detail;
    std::string connector_state; ///< "connected", "disconnected"; "" where no cloudflared runs
    std::optional<ReleaseId> current_release;
    std::uint32_t next_release = 1;
    std::optional<OperationId> last_operation_id;
    Timestamp created_ms;
    // Of its backups, as its server said it last ...
    std::string backup_storage;   ///< id of the storage that the server goes by; "": it has none
    std::string backup_recipient; ///< "age1…" of the environment's own identity
    std::optional<Timestamp> next_backup_ms;
    std::optional<Timestamp> next_drill_ms;
    // ... and as `backups` keeps it.
    bool backup_enabled = false;
    std::optional<Timestamp> last_backup_ms;   ///< the newest good one
    std::optional<Timestamp> last_restored_ms; ///< by a drill that passed, or a restore
    std::optional<Timestamp> last_drill_ms;
    bool last_drill_passed = false;
    bool mail_capture = true; ///< wanted; of production it never is
    std::int64_t mail_days = 14, mail_messages = 10'000;
    std::int64_t mail_bytes = 2ll << 30;
    std::string status;
    std::string server_status;
    std::int64_t server_protocol = 0; ///< what its agent spoke last
    std::string busy_kind;
    std::string busy_state;

    /// What Odoo sends is to stay on the server.
    bool captures_mail() const {
        return mail_capture && type != proto::EnvironmentType::production;
    }
    /// Nothing of it is on its server.
    bool never_deployed() const { return !current_release && live_state.empty(); }
};
BOOST_DESCRIBE_STRUCT(
    Environment, (),
    (id, project_id, server_id, name, slug, type, branch, port, gevent_port, modules, requirements,
     domains, exposure, memory_max_bytes, cpu_percent, tasks_max, workers, system_site_packages,
     keep_releases, live_state, live_detail, connector_state, current_release, next_release,
     last_operation_id, created_ms, backup_storage, backup_recipient, next_backup_ms, next_drill_ms,
     backup_enabled, last_backup_ms, last_restored_ms, last_drill_ms, last_drill_passed,
     mail_capture, mail_days, mail_messages, mail_bytes, status, server_status, server_protocol,
     busy_kind, busy_state)
)

struct EnvironmentFilter {
    std::string project;
    std::string server;
    std::string status;
    std::string after; ///< an id
    std::int64_t limit = 50;
};

/// An environment that a server holds and this controller does not know.
struct Found {
    std::string slug;
    std::string environment; ///< its id
    std::uint16_t port = 0;
    std::string details; ///< proto::EnvironmentState as JSON
};
BOOST_DESCRIBE_STRUCT(Found, (), (slug, environment, port, details))

class EnvironmentRepo {
public:
    EnvironmentRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    /// False when the slug is taken on its server.
    Result<bool> insert(const Environment& environment);
    Result<Environment> get(const EnvironmentId& id);
    Result<std::optional<Environment>> find(const EnvironmentId& id);
    /// By name.
    Result<std::vector<Environment>> list(const EnvironmentFilter& filter);
    Result<std::vector<Environment>> on_server(const ServerId& server);
    Result<std::vector<Environment>> of_project(const ProjectId& project);
    /// Also those that the scope does not see.
    Result<std::int64_t> count_on_server(const ServerId& server);
    Result<std::int64_t> count_all();
    /// What a person can change.
    Result<> update(const Environment& environment);
    /// What a server and operations change.
    Result<> update_live(const Environment& environment);
    /// What its server, and its backups, make of its backup members.
    Result<> update_backup(const Environment& environment);
    /// Whether its mail is captured, and how much of it stays.
    Result<> update_mail(const Environment& environment);
    Result<> set_last_operation(const EnvironmentId& id, const OperationId& operation);
    /// The row and its ports.
    Result<> remove(const EnvironmentId& id);

    /// Does another environment, also one that the scope does not see, answer to `host`?
    Result<bool> another_has(const EnvironmentId& environment, std::string_view host);

    /// Slugs that the server is known to hold, beside those of rows.
    Result<bool> slug_found(const ServerId& server, std::string_view slug);
    Result<std::vector<std::int64_t>> taken_ports(const ServerId& server);
    /// Errc::conflict (port_in_use) when another environment of the server has one of them. Those
    /// it had stay its own.
    Result<> take_ports(const Environment& environment);
    /// Gives back what it does not use any more.
    Result<> release_old_ports(const Environment& environment);
    Result<> put_found(const ServerId& server, const std::vector<Found>& found);
    /// By id, after the one named. They are of no project, so a scope with a limit sees none.
    Result<std::vector<Found>>
    list_found(const ServerId& server, std::string_view after, std::int64_t limit);
    Result<std::optional<Found>> found(const ServerId& server, const EnvironmentId& environment);
    Result<> remove_found(const ServerId& server, const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// True for the words of EnvironmentStatus in the contract.
bool is_status(std::string_view word);

} // namespace fairlead::environments
