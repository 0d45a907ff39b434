/// The SQL of SSH keys of one organization.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/ssh/ids.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::ssh {

BOOST_DEFINE_ENUM_CLASS(
    KeyState, adding, ///< asked for, and not yet in place
    active,           ///< in place, as the server says
    proving,          ///< in place, and to go when the key that replaces it is known to work
    removing,         ///< asked to go, and perhaps still in place
    missing           ///< was in place, and is not any more without anybody here having asked
)

/// A row.
struct Key {
    SshKeyId id;
    ServerId server_id;
    std::string unix_user;
    std::string label;
    std::string public_key; ///< type and base64
    std::string fingerprint;
    std::string type;
    std::uint32_t bits = 0;
    KeyState state = KeyState::adding;
    std::optional<SshKeyId> replaces;
    Timestamp created_ms;
    std::optional<UserId> created_by; ///< unset: it was found on the server
    std::string created_by_email;
    std::optional<Timestamp> confirmed_ms;
};
BOOST_DESCRIBE_STRUCT(
    Key, (),
    (id, server_id, unix_user, label, public_key, fingerprint, type, bits, state, replaces,
     created_ms, created_by, created_by_email, confirmed_ms)
)

/// What a server was asked for last for one of its users.
struct List {
    std::string unix_user;
    OperationId operation_id;
    std::string problem_code; ///< of that operation's failure; "": none
    std::string problem;
};
BOOST_DESCRIBE_STRUCT(List, (), (unix_user, operation_id, problem_code, problem))

/// What a server says of itself.
struct ServerWord {
    std::string users = "[]"; ///< a JSON list of Unix users
    std::int64_t port = 0;    ///< of its sshd; 0: it lets no stream there
    std::string problem;
    Timestamp told_ms{};
};
BOOST_DESCRIBE_STRUCT(ServerWord, (), (users, port, problem, told_ms))

/// Of a server, found ones among them.
inline constexpr std::size_t max_keys = 256;

class KeyRepo {
public:
    KeyRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// False where this user of this server has that key already, or the id is taken.
    Result<bool> insert(const Key& key);
    /// State, what it replaces, and when it was confirmed.
    Result<> update(const Key& key);
    Result<> remove(const SshKeyId& id);
    /// Errc::not_found.
    Result<Key> get(const ServerId& server, const SshKeyId& id);
    /// By user, then oldest first.
    Result<std::vector<Key>> of_server(const ServerId& server);
    Result<std::vector<Key>> of_user(const ServerId& server, std::string_view user);

    Result<std::vector<List>> lists(const ServerId& server);
    Result<std::optional<List>> list(const ServerId& server, std::string_view user);
    Result<> put(const ServerId& server, const List& list);

    Result<std::optional<ServerWord>> word(const ServerId& server);
    Result<> put(const ServerId& server, const ServerWord& word);

    /// Everything of a server; how many keys that were.
    Result<std::int64_t> forget(const ServerId& server);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::ssh
