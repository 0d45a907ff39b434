// Restore and clone: what replaces the data of an environment, and what copies data into another.
#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/backups/routes.hpp"
#include "controller/backups/view.hpp"
#include "controller/environments/checks.hpp"
#include "controller/environments/masking.hpp"
#include "controller/environments/refusals.hpp"
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

struct NewEnvironmentBody {
    std::string name;
    std::string server_id;
    std::optional<proto::EnvironmentType> type;
    std::optional<std::string> slug;
    std::optional<std::string> branch;
};
BOOST_DESCRIBE_STRUCT(NewEnvironmentBody, (), (name, server_id, type, slug, branch))

struct RestoreBody {
    std::optional<std::string> environment_id;
    std::optional<NewEnvironmentBody> new_environment;
    std::optional<proto::RestoreParts> parts;
    std::optional<bool> neutralise;
    std::optional<std::vector<proto::PersonalData>> mask;
    std::optional<bool> safety_backup;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(
    RestoreBody, (), (environment_id, new_environment, parts, neutralise, mask, safety_backup, note)
)

struct CloneBody {
    std::optional<std::string> target_environment_id;
    std::optional<NewEnvironmentBody> new_environment;
    std::optional<CloneBackup> backup;
    std::optional<bool> neutralise;
    std::optional<std::vector<proto::PersonalData>> mask;
    std::optional<bool> safety_backup;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(
    CloneBody, (),
    (target_environment_id, new_environment, backup, neutralise, mask, safety_backup, note)
)

/// One of the two.
struct Target {
    std::optional<EnvironmentId> there;
    std::optional<NewTarget> fresh;
};

Target read_target(
    api::Checks& checks, std::string_view field, const std::optional<std::string>& id,
    const std::optional<NewEnvironmentBody>& body
) {
    Target target;
    if (id.has_value() == body.has_value()) {
        checks.wrong(field, "must be given, or new_environment, and not both");
        return target;
    }
    if (id) {
        auto there = EnvironmentId::parse(*id);
        checks.that(there.has_value(), field, "is no environment's id");
        if (there) target.there = *there;
        return target;
    }
    NewTarget fresh;
    auto server = ServerId::parse(body->server_id);
    checks.that(server.has_value(), "new_environment.server_id", "is no server's id");
    if (server) fresh.server = *server;
    environments::check_name(checks, "new_environment.name", body->name);
    fresh.name = body->name;
    fresh.type = body->type.value_or(fresh.type);
    if (body->slug) environments::check_slug(checks, "new_environment.slug", *body->slug, 24);
    fresh.slug = body->slug;
    if (body->branch) environments::check_branch(checks, "new_environment.branch", *body->branch);
    fresh.branch = body->branch;
    target.fresh = std::move(fresh);
    return target;
}

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

/// The environment that the data go into; one that is made for it also asks for what making and
/// deploying one does.
Result<Environment> target_of(
    const Call& call, Change& change, Copies& copies, const Target& target,
    const ProjectId& project, const EnvironmentId& source, bool production_as_it_is
) {
    if (target.there) {
        FAIRLEAD_TRY(row, EnvironmentRepo(change.db(), change.scope()).get(*target.there));
        FAIRLEAD_CHECK(environments::check_replacing(call, row.name, row.type, production_as_it_is)
        );
        return row;
    }
    for (std::string_view permission : {"environments.create", "deployments.create"})
        if (!call.principal().may(permission))
            return environments::not_held(permission, "A new environment as the target");
    FAIRLEAD_CHECK(environments::check_replacing(
        call, target.fresh->name, target.fresh->type, production_as_it_is
    ));
    return copies.make_target(
        change.unit(), change.scope(), change.actor(), project, source, *target.fresh
    );
}

Result<Response> restore(const Call& call, Copies& copies) {
    FAIRLEAD_TRY(id, call.path_id<BackupId>("backup"));
    FAIRLEAD_TRY(body, call.body<RestoreBody>());
    api::Checks checks;
    auto target = read_target(checks, "environment_id", body.environment_id, body.new_environment);
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, copies.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(backup, BackupRepo(change.db(), change.scope()).get(id));
        bool copy = target.there != backup.environment_id;
        // Whether there is such an environment comes before whether copying is allowed.
        if (target.there)
            FAIRLEAD_CHECK(EnvironmentRepo(change.db(), change.scope()).get(*target.there));
        if (copy) FAIRLEAD_CHECK(check_copying(change));
        CopyRequest request;
        request.parts = body.parts.value_or(request.parts);
        request.neutralise = body.neutralise.value_or(copy);
        request.mask = environments::masks_of(body.mask);
        request.safety_backup = body.safety_backup.value_or(true);
        request.note = body.note.value_or("");
        if (!request.mask.empty() && request.parts == proto::RestoreParts::filestore) {
            api::Checks masks;
            masks.wrong("mask", "is of the database, which parts leaves out");
            return fail(std::move(masks.result()).error());
        }
        if (target.fresh && request.parts != proto::RestoreParts::both) {
            api::Checks parts;
            parts.wrong("parts", "must be both for a new environment, which has nothing yet");
            return fail(std::move(parts.result()).error());
        }
        bool as_it_is = copy && !request.neutralise &&
                        backup.environment_type == proto::EnvironmentType::production;
        FAIRLEAD_TRY(
            row,
            target_of(
                call, change, copies, target, backup.project_id, backup.environment_id, as_it_is
            )
        );
        FAIRLEAD_TRY(
            operation, copies.restore(
                           change.unit(), change.scope(), change.actor(), backup, row,
                           target.fresh.has_value(), request
                       )
        );
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> clone(const Call& call, Copies& copies) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<CloneBody>());
    api::Checks checks;
    auto target = read_target(
        checks, "target_environment_id", body.target_environment_id, body.new_environment
    );
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, copies.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(source, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(check_copying(change));
        CopyRequest request;
        request.neutralise = body.neutralise.value_or(true);
        request.mask = environments::masks_of(body.mask);
        request.safety_backup = body.safety_backup.value_or(true);
        request.note = body.note.value_or("");
        bool as_it_is = !request.neutralise && source.type == proto::EnvironmentType::production;
        FAIRLEAD_TRY(
            row, target_of(call, change, copies, target, source.project_id, source.id, as_it_is)
        );
        FAIRLEAD_TRY(
            operation,
            copies.clone(
                change.unit(), change.scope(), change.actor(), source, row,
                target.fresh.has_value(), body.backup.value_or(CloneBackup::fresh), request
            )
        );
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> list(const Call& call, Copies& copies) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    CopyFilter filter;
    FAIRLEAD_TRY(environment, api::query_id<EnvironmentId>(call, "environment"));
    FAIRLEAD_TRY(operation, api::query_id<OperationId>(call, "operation"));
    FAIRLEAD_TRY(state, api::query_enum<CopyState>(call, "state"));
    filter.environment = environment;
    filter.operation = operation;
    filter.state = state;
    filter.below = page.after;
    filter.limit = page.limit + 1;
    return copies.parts().store.read([&](store::Connection& db) -> Result<Response> {
        CopyRepo repo(db, call.scope());
        FAIRLEAD_TRY(rows, repo.list(filter));
        boost::json::array items;
        for (const auto& row : rows) {
            FAIRLEAD_TRY(steps, repo.steps(row.id));
            items.push_back(to_json(row, steps));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, Copies& copies) {
    FAIRLEAD_TRY(id, call.path_id<CopyId>("copy"));
    return copies.parts().store.read([&](store::Connection& db) -> Result<Response> {
        CopyRepo repo(db, call.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        FAIRLEAD_TRY(steps, repo.steps(row.id));
        return api::answer(to_json(row, steps));
    });
}

} // namespace

void add_copy_routes(api::RouteTable& table, Copies& copies) {
    api::Routes all(table, copies, "/api/v1/orgs/{org}/backups");
    all.post("/{backup}/restore", "restores.create", &restore);
    api::Routes own(table, copies, "/api/v1/orgs/{org}/environments/{environment}");
    own.post("/clone", "environments.clone", &clone);
    api::Routes routes(table, copies, "/api/v1/orgs/{org}/copies");
    routes.get("", "backups.view", &list);
    routes.get("/{copy}", "backups.view", &get);
}

} // namespace fairlead::backups
