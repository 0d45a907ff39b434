#include "controller/environments/credential_repo.hpp"

namespace fairlead::environments {
namespace {

#define FAIRLEAD_CREDENTIAL                                                                        \
    "id, name, host, kind, username, fingerprint, created_ms, created_by, created_by_email"

} // namespace

std::string credential_context(std::string_view id) {
    return "git_credential/" + std::string(id);
}

Result<> CredentialRepo::insert(const Credential& c, const store::Blob& sealed) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO git_credential (id, org_id, name, host, kind, username, fingerprint, sealed, "
        "created_ms, created_by,"
        " created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org_, c.id, c.name, c.host, c.kind, c.username, c.fingerprint, sealed, c.created_ms,
        c.created_by, c.created_by_email
    ));
    return {};
}

Result<std::optional<Credential>> CredentialRepo::find(std::string_view id) {
    return db_.one<Credential>(
        "SELECT " FAIRLEAD_CREDENTIAL " FROM git_credential WHERE id = $2 AND org_id = $1", org_, id
    );
}

Result<Credential> CredentialRepo::get(const CredentialId& id) {
    return store::present(find(id.str()), "There is no such git credential.");
}

Result<std::vector<Credential>> CredentialRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Credential>(
        "SELECT " FAIRLEAD_CREDENTIAL
        " FROM git_credential WHERE org_id = $1 AND ($2 = '' OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::optional<store::Blob>> CredentialRepo::sealed(std::string_view id) {
    return db_.one<store::Blob>(
        "SELECT sealed FROM git_credential WHERE id = $2 AND org_id = $1", org_, id
    );
}

Result<std::int64_t> CredentialRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM git_credential WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<std::optional<std::string>> CredentialRepo::used_by(const CredentialId& id) {
    return db_.one<std::string>(
        "SELECT project.name FROM project_credential JOIN project ON project.id = "
        "project_credential.project_id"
        " AND project.org_id = project_credential.org_id"
        " WHERE project_credential.org_id = $1 AND project_credential.credential_id = $2 LIMIT 1",
        org_, id
    );
}

Result<> CredentialRepo::remove(const CredentialId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM git_credential WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

} // namespace fairlead::environments
