/// The SQL of servers of one organization.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::fleet {

BOOST_DEFINE_ENUM_CLASS(ServerStatus, online, offline, unknown, revoked)

/// How often a server may get a certificate by its bound key alone.
inline constexpr std::int64_t max_recoveries = 3;

/// A row, and how many environments name the server.
struct Server {
    ServerId id;
    std::string name;
    std::string labels; ///< a JSON object
    ServerStatus status = ServerStatus::unknown;
    std::optional<Timestamp> last_seen_ms;
    Timestamp enrolled_ms;
    std::optional<Timestamp> revoked_ms;
    std::optional<TokenId> token_id;
    std::string agent_version;
    std::optional<std::int64_t> capability;
    std::string facts; ///< proto::Facts as JSON
    std::string terminal_users =
        "[]"; ///< a JSON list: of its Unix users, as its last hello named them
    std::string spki_sha256;
    std::string serial;
    Timestamp not_after_ms;
    std::int64_t recoveries = 0;
    std::int64_t environments = 0;
};
BOOST_DESCRIBE_STRUCT(
    Server, (),
    (id, name, labels, status, last_seen_ms, enrolled_ms, revoked_ms, token_id, agent_version,
     capability, facts, terminal_users, spki_sha256, serial, not_after_ms, recoveries, environments)
)

class ServerRepo {
public:
    ServerRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Errc::conflict when the key or the name is taken.
    Result<> insert(const Server& server);
    /// Errc::not_found.
    Result<Server> get(const ServerId& id);
    Result<std::optional<Server>> find(const ServerId& id);
    /// Without revoked ones.
    Result<std::int64_t> count();
    Result<bool> has_name(std::string_view name);
    /// By name; after the server `after`, "" from the start. Errc::invalid (bad_cursor) when it is
    /// gone.
    Result<std::vector<Server>>
    list(std::string_view status, std::string_view after, std::int64_t limit);

    /// Errc::conflict (name_in_use).
    Result<> rename(const ServerId& id, std::string_view name, std::string_view labels);
    Result<> revoke(const Server& server, Timestamp at);
    Result<> remove(const ServerId& id);
    Result<> came_online(
        const ServerId& id, Timestamp at, std::string_view agent_version, std::int64_t capability,
        std::string_view terminal_users
    );
    Result<> went_offline(const ServerId& id, Timestamp at);
    Result<> store_facts(const ServerId& id, Timestamp at, std::string_view facts);
    Result<> store_certificate(const ServerId& id, std::string_view serial, Timestamp not_after);
    /// False when they are used up.
    Result<bool> count_recovery(const ServerId& id);
    /// Servers whose link is there.
    Result<std::vector<ServerId>> online();
    /// Servers awaited since the start of the controller, seen before.
    Result<std::vector<ServerId>> awaited();
    Result<> forget_online();

private:
    store::Connection& db_;
    OrgId org_;
};

/// True when a server with this key was revoked, in whatever organization.
Result<bool> key_is_revoked(store::Connection& db, std::string_view spki_sha256);
/// The organization of a server that has not proved itself yet: for recovery only.
Result<std::optional<OrgId>> org_of_server(store::Connection& db, const ServerId& id);
/// Organizations with servers of this status that were seen at least once.
Result<std::vector<OrgId>> orgs_seen_as(store::Connection& db, ServerStatus status);

} // namespace fairlead::fleet
