#include "controller/pushes/pushes.hpp"

namespace fairlead::pushes {
namespace {

struct Sealed {
    std::int64_t row = 0;
    OrgId org_id;
    EnvironmentId environment_id;
    store::Blob sealed;
    std::optional<store::Blob> sealed_old;
};
BOOST_DESCRIBE_STRUCT(Sealed, (), (row, org_id, environment_id, sealed, sealed_old))

} // namespace

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<Sealed>(
        db,
        "SELECT rowid AS row, org_id, environment_id, sealed, sealed_old FROM push_hook WHERE "
        "rowid > $1 ORDER BY rowid LIMIT $2",
        [&](const Sealed& hook) -> Result<> {
            auto context = secret_context(hook.environment_id);
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE push_hook SET sealed = $3 WHERE org_id = $1 AND environment_id = $2",
                    hook.org_id, hook.environment_id, now
                );
            };
            FAIRLEAD_CHECK(api::visit_one(visit, hook.sealed, context, put));
            if (!hook.sealed_old) return {};
            auto put_old = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE push_hook SET sealed_old = $3 WHERE org_id = $1 AND environment_id = "
                    "$2",
                    hook.org_id, hook.environment_id, now
                );
            };
            return api::visit_one(visit, *hook.sealed_old, context, put_old);
        }
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM push_delivery WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM push WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM push_hook WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::pushes
