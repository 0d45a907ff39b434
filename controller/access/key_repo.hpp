/// The SQL of API keys.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// `read_only` keys ask by GET and HEAD alone, whatever their permissions are.
BOOST_DEFINE_ENUM_CLASS(KeyKind, read_only, read_write)

struct ApiKey {
    KeyId id;
    OrgId org_id;
    std::string name;
    KeyKind kind = KeyKind::read_only;
    std::string hint;               ///< how the key begins, to tell it by
    std::string permissions = "[]"; ///< JSON list of codes
    bool limited = false;           ///< to the projects that `project_limit` names for it
    std::string addresses = "[]";   ///< JSON list of addresses and networks; empty: any
    std::optional<Timestamp> expires_ms;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    std::optional<Timestamp> last_used_ms; ///< as of at most a minute ago
};
BOOST_DESCRIBE_STRUCT(
    ApiKey, (),
    (id, org_id, name, kind, hint, permissions, limited, addresses, expires_ms, created_ms,
     created_by, created_by_email, last_used_ms)
)

class KeyRepo {
public:
    KeyRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const ApiKey& key, std::string_view hash);
    Result<ApiKey> get(const KeyId& id);
    Result<std::vector<ApiKey>> list(std::string_view below, std::int64_t limit);
    Result<std::int64_t> count();
    /// With its projects. The audit log keeps what it did.
    Result<> remove(const KeyId& id);

    /// Those that somebody made, oldest first.
    Result<std::vector<ApiKey>> made_by(const UserId& maker);

    /// What a limited key sees.
    Result<std::vector<ProjectId>> projects(const KeyId& id);
    Result<> limit_to(const KeyId& id, const std::vector<ProjectId>& projects);
    /// False when whoever made it is no member any more: then it opens nothing.
    Result<bool> maker_is_member(const ApiKey& key);

private:
    store::Connection& db_;
    OrgId org_;
};

/// Which key this is: the one look-up before an organization is known.
Result<std::optional<ApiKey>> key_by_hash(store::Connection& db, std::string_view hash);

} // namespace fairlead::access
