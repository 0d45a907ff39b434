/// The SQL of git credentials.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::environments {

struct Credential {
    CredentialId id;
    std::string name;
    std::string host;
    std::string kind; ///< "token" or "ssh_key"
    std::string username;
    std::string fingerprint;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
};
BOOST_DESCRIBE_STRUCT(
    Credential, (),
    (id, name, host, kind, username, fingerprint, created_ms, created_by, created_by_email)
)

class CredentialRepo {
public:
    CredentialRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()) {}

    Result<> insert(const Credential& credential, const store::Blob& sealed);
    Result<Credential> get(const CredentialId& id);
    Result<std::optional<Credential>> find(std::string_view id);
    Result<std::vector<Credential>> list(std::string_view below, std::int64_t limit);
    Result<std::optional<store::Blob>> sealed(std::string_view id);
    Result<std::int64_t> count();
    /// The name of a project that uses it, if there is one.
    Result<std::optional<std::string>> used_by(const CredentialId& id);
    Result<> remove(const CredentialId& id);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What a sealed credential is bound to.
std::string credential_context(std::string_view id);

} // namespace fairlead::environments
