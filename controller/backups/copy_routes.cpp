// Restore and clone: what replaces the data of an environment, and what copies data into another.
#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/backups/routes.hpp"
#include "controller/members/security.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

namespace fairlead::backups {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;

struct RestoreBody {
    std::string environment_id;
    std::optional<proto::RestoreParts> parts;
    std::optional<bool> neutralise;
    std::optional<bool> safety_backup;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(RestoreBody, (), (environment_id, parts, neutralise, safety_backup, note))

struct CloneBody {
    std::string target_environment_id;
    std::optional<bool> neutralise;
    std::optional<bool> safety_backup;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(CloneBody, (), (target_environment_id, neutralise, safety_backup, note))

/// The organization's one switch over every route that copies data into another environment.
Result<> check_copying(Change& change) {
    FAIRLEAD_TRY(security, members::SecurityRepo(change.db(), change.scope()).get());
    if (security.clone_enabled) return {};
    return fail(
        Error(
            Errc::forbidden,
            "This organization switched the copying of data into other environments off. An owner "
            "can switch it on in the security settings."
        )
            .with_code("clone_disabled")
    );
}

/// May the caller have the data of `target` replaced? Its name is typed back where that is
/// production, or where what comes is production as it is.
Result<> check_target(const Call& call, const Environment& target, bool production_as_it_is) {
    constexpr std::string_view permission = "restores.production";
    bool production = target.type == proto::EnvironmentType::production;
    if (production && !call.principal().may(permission))
        return fail(Error(
                        Errc::forbidden,
                        fmt::format(
                            "{} is production, and to replace its data needs the permission {}, "
                            "which you do not hold. An administrator of the organization can "
                            "change that.",
                            target.name, permission
                        )
        )
                        .with_code("permission_denied")
                        .with_fact("permission", std::string(permission)));
    if (production || production_as_it_is) return call.confirmed(target.name);
    return {};
}

Result<Response> restore(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<BackupId>("backup"));
    FAIRLEAD_TRY(body, call.body<RestoreBody>());
    api::Checks checks;
    auto target_id = EnvironmentId::parse(body.environment_id);
    checks.that(target_id.has_value(), "environment_id", "is no environment's id");
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(backup, BackupRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(target, EnvironmentRepo(change.db(), change.scope()).get(*target_id));
        bool copy = target.id != backup.environment_id;
        if (copy) FAIRLEAD_CHECK(check_copying(change));
        RestoreRequest request;
        request.parts = body.parts.value_or(request.parts);
        request.neutralise = body.neutralise.value_or(copy);
        request.safety_backup = body.safety_backup.value_or(true);
        request.note = body.note.value_or("");
        bool as_it_is = copy && !request.neutralise &&
                        backup.environment_type == proto::EnvironmentType::production;
        FAIRLEAD_CHECK(check_target(call, target, as_it_is));
        FAIRLEAD_TRY(
            operation,
            backups.restore(change.unit(), change.scope(), change.actor(), backup, target, request)
        );
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> clone(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<CloneBody>());
    api::Checks checks;
    auto target_id = EnvironmentId::parse(body.target_environment_id);
    checks.that(target_id.has_value(), "target_environment_id", "is no environment's id");
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        EnvironmentRepo environments(change.db(), change.scope());
        FAIRLEAD_TRY(source, environments.get(id));
        FAIRLEAD_CHECK(check_copying(change));
        FAIRLEAD_TRY(target, environments.get(*target_id));
        CloneRequest request;
        request.neutralise = body.neutralise.value_or(true);
        request.safety_backup = body.safety_backup.value_or(true);
        request.note = body.note.value_or("");
        bool as_it_is = !request.neutralise && source.type == proto::EnvironmentType::production;
        FAIRLEAD_CHECK(check_target(call, target, as_it_is));
        FAIRLEAD_TRY(
            operation,
            backups.clone(change.unit(), change.scope(), change.actor(), source, target, request)
        );
        return operations::accepted(change.scope(), operation);
    });
}

} // namespace

void add_copy_routes(api::RouteTable& table, Backups& backups) {
    api::Routes all(table, backups, "/api/v1/orgs/{org}/backups");
    all.post("/{backup}/restore", "restores.create", &restore);
    api::Routes own(table, backups, "/api/v1/orgs/{org}/environments/{environment}");
    own.post("/clone", "environments.clone", &clone);
}

} // namespace fairlead::backups
