/// SSH keys of servers: what people ask, what servers are told, and what they say is so.
#pragma once

#include "controller/api/change.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/fleet/ssh_watch.hpp"
#include "controller/operations/effects.hpp"
#include "controller/operations/operations.hpp"
#include "controller/ssh/key_repo.hpp"
#include "proto/ssh_key.hpp"

#include <optional>
#include <string>

namespace fairlead::ssh {

/// Somebody's key, as it was asked for and read.
struct Wanted {
    std::string user;
    std::string label;
    proto::SshPublicKey key;
};

struct Asked {
    Key key;
    std::optional<operations::Operation> operation; ///< none: the server need not be asked
};

/// Each change of a user's keys sends the server the whole list for that user, as an operation; of
/// several the last one counts there. A key is shown as active, or is gone, when the server says
/// so. Thread-safe: all of it is in the store. Hand it to Operations::use and AgentService::use.
class SshKeys final : public operations::Effects, public fleet::SshWatch {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        const Clock& clock;
    };
    explicit SshKeys(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    using Unit = store::UnitOfWork;
    using Scope = api::OrgScope;

    /// Errc::conflict: server_revoked, agent_too_old, ssh_keys_not_allowed, ssh_user_not_allowed,
    /// ssh_key_exists, too_many_ssh_keys.
    Result<Asked> add(api::Change& change, const fleet::Server& server, const Wanted& wanted);
    /// A new key beside this one, in its place later. As add(); also ssh_key_not_active,
    /// ssh_key_rotating.
    Result<Asked>
    rotate(api::Change& change, const fleet::Server& server, const Key& old, const Wanted& wanted);
    /// The key that `key` replaces goes, if somebody has logged in by `key`: the server knows.
    /// Errc::conflict: server_revoked, nothing_to_finish, ssh_key_not_active.
    Result<Asked> finish(api::Change& change, const fleet::Server& server, Key key);
    /// Errc::conflict: server_revoked.
    Result<Asked> revoke(api::Change& change, const fleet::Server& server, Key key);
    /// Asks again for every user where the last time failed. Errc::conflict: server_revoked. How
    /// many those are.
    Result<std::size_t> retry(api::Change& change, const fleet::Server& server);

    // ---- operations::Effects ----

    Result<std::map<std::string, std::string>>
    secrets(store::Connection&, const Scope&, const operations::Operation&, const std::string&)
        override {
        return std::map<std::string, std::string>();
    }
    Result<> moved(Unit&, const Scope&, const operations::Operation&) override { return {}; }
    Result<> finished(
        Unit& unit, const Scope& scope, const operations::Operation& operation,
        const std::string& args, const proto::Finished& finished
    ) override;

    // ---- fleet::SshWatch ----

    Result<>
    ssh(Unit& unit, const Scope& scope, const ServerId& server,
        const proto::SshState& found) override;
    Result<> revoked(Unit& unit, const Scope& scope, const ServerId& server) override;

    /// A server that is away for longer is asked anew when it comes back.
    static constexpr auto deadline = std::chrono::hours(24 * 30);

private:
    Result<> may_keep(
        store::Connection& db, const Scope& scope, const fleet::Server& server,
        const std::string& user
    );
    Result<Key> keep(
        api::Change& change, const fleet::Server& server, const Wanted& wanted,
        std::optional<SshKeyId> replaces
    );
    /// `proven`: the key that the new list counts on; those in `proving` are left out of it.
    Result<operations::Operation> tell(
        Unit& unit, const Scope& scope, const api::Actor& actor, const fleet::Server& server,
        const std::string& user, const std::string& proven = {}
    );
    Result<>
    tell_again(Unit& unit, const Scope& scope, const ServerId& server, const std::string& user);
    Result<bool> is_asked(store::Connection& db, const Scope& scope, const List& list);
    /// What became of an operation that had a key go in favour of a proven one.
    Result<> proved(
        Unit& unit, const Scope& scope, const ServerId& server, const proto::SshKeysArgs& args,
        bool done, bool newest
    );
    Result<> found(
        Unit& unit, const Scope& scope, const fleet::Server& server, const proto::SshKeyState& state
    );
    void record(
        Unit& unit, const Scope& scope, const Key& key, const fleet::Server& server,
        std::string action
    );

    Parts parts_;
};

} // namespace fairlead::ssh
