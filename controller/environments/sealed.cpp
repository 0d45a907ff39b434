#include "controller/environments/sealed.hpp"

#include "controller/environments/credential_repo.hpp"
#include "controller/environments/variable_repo.hpp"

namespace fairlead::environments {
namespace {

struct Place {
    OrgId org_id;
    EnvironmentId environment_id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Place, (), (org_id, environment_id, name))

struct CredentialPlace {
    OrgId org_id;
    CredentialId id;
};
BOOST_DESCRIBE_STRUCT(CredentialPlace, (), (org_id, id))

Result<> visit_credentials(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_TRY(
        places, db.all<CredentialPlace>("SELECT org_id, id FROM git_credential ORDER BY org_id, id")
    );
    for (const auto& place : places) {
        const auto& org = place.org_id;
        const auto& id = place.id;
        FAIRLEAD_TRY(
            sealed, db.one<store::Blob>(
                        "SELECT sealed FROM git_credential WHERE org_id = $1 AND id = $2", org, id
                    )
        );
        auto put = [&](const store::Blob& now) {
            return db.run(
                "UPDATE git_credential SET sealed = $3 WHERE org_id = $1 AND id = $2", org, id, now
            );
        };
        FAIRLEAD_CHECK(api::visit_one(visit, *sealed, credential_context(id.str()), put));
    }
    return {};
}

} // namespace

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_CHECK(visit_credentials(db, visit));
    FAIRLEAD_TRY(
        places, db.all<Place>("SELECT org_id, environment_id, name FROM environment_variable WHERE "
                              "sealed IS NOT NULL ORDER BY org_id, environment_id, name")
    );
    for (const auto& place : places) {
        const auto& org = place.org_id;
        const auto& environment = place.environment_id;
        const auto& name = place.name;
        FAIRLEAD_TRY(
            sealed,
            db.one<store::Blob>(
                "SELECT sealed FROM environment_variable WHERE org_id = $1 AND environment_id = $2"
                " AND name = $3",
                org, environment, name
            )
        );
        auto put = [&](const store::Blob& now) {
            return db.run(
                "UPDATE environment_variable SET sealed = $4 WHERE org_id = $1 AND environment_id "
                "= $2 AND name = $3",
                org, environment, name, now
            );
        };
        FAIRLEAD_CHECK(api::visit_one(visit, *sealed, variable_context(environment, name), put));
    }
    return {};
}

} // namespace fairlead::environments
