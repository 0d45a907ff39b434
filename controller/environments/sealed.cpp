#include "controller/environments/sealed.hpp"

#include "controller/environments/connector_token.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/variable_repo.hpp"

namespace fairlead::environments {
namespace {

struct SealedVariable {
    std::int64_t row = 0;
    OrgId org_id;
    EnvironmentId environment_id;
    std::string name;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedVariable, (), (row, org_id, environment_id, name, sealed))

struct SealedCredential {
    std::int64_t row = 0;
    OrgId org_id;
    CredentialId id;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedCredential, (), (row, org_id, id, sealed))

Result<> visit_credentials(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<SealedCredential>(
        db,
        "SELECT rowid AS row, org_id, id, sealed FROM git_credential WHERE rowid > $1 ORDER BY "
        "rowid LIMIT $2",
        [&](const SealedCredential& row) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE git_credential SET sealed = $3 WHERE org_id = $1 AND id = $2",
                    row.org_id, row.id, now
                );
            };
            return api::visit_one(visit, row.sealed, credential_context(row.id.str()), put);
        }
    );
}

struct SealedToken {
    std::int64_t row = 0;
    OrgId org_id;
    EnvironmentId environment_id;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedToken, (), (row, org_id, environment_id, sealed))

Result<> visit_connector_tokens(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<SealedToken>(
        db,
        "SELECT rowid AS row, org_id, environment_id, sealed FROM connector_token WHERE rowid > $1 "
        "ORDER BY rowid LIMIT $2",
        [&](const SealedToken& row) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE connector_token SET sealed = $3 WHERE org_id = $1 AND environment_id = "
                    "$2",
                    row.org_id, row.environment_id, now
                );
            };
            return api::visit_one(
                visit, row.sealed, connector_token_context(row.environment_id), put
            );
        }
    );
}

} // namespace

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_CHECK(visit_credentials(db, visit));
    FAIRLEAD_CHECK(visit_connector_tokens(db, visit));
    return api::each_row<SealedVariable>(
        db,
        "SELECT rowid AS row, org_id, environment_id, name, sealed FROM environment_variable WHERE "
        "sealed IS NOT NULL AND rowid > $1 ORDER BY rowid LIMIT $2",
        [&](const SealedVariable& row) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE environment_variable SET sealed = $4 WHERE org_id = $1 AND "
                    "environment_id = $2 AND name = $3",
                    row.org_id, row.environment_id, row.name, now
                );
            };
            auto context = variable_context(row.environment_id, row.name);
            return api::visit_one(visit, row.sealed, context, put);
        }
    );
}

} // namespace fairlead::environments
