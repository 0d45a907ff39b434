#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/backups/routes.hpp"
#include "controller/backups/view.hpp"
#include "controller/operations/routes.hpp"

namespace fairlead::backups {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::EnvironmentRepo;
using store::Connection;

struct NoteBody {
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(NoteBody, (), (note))

Result<Response> list_of(const Call& call, Backups& backups, BackupFilter filter) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(state, api::query_enum<BackupState>(call, "state"));
    filter.state = state;
    filter.below = page.after;
    filter.limit = page.limit + 1;
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(rows, BackupRepo(db, call.scope()).list(filter));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> list(const Call& call, Backups& backups) {
    BackupFilter filter;
    FAIRLEAD_TRY(environment, api::query_id<EnvironmentId>(call, "environment"));
    FAIRLEAD_TRY(storage, api::query_id<StorageId>(call, "storage"));
    filter.environment = environment;
    filter.storage = storage;
    return list_of(call, backups, std::move(filter));
}

Result<Response> list_of_environment(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_CHECK(backups.parts().store.read([&](Connection& db) {
        return EnvironmentRepo(db, call.scope()).get(id);
    }));
    BackupFilter filter;
    filter.environment = id.str();
    return list_of(call, backups, std::move(filter));
}

Result<Response> get(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<BackupId>("backup"));
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, BackupRepo(db, call.scope()).get(id));
        return api::answer(to_json(row));
    });
}

Result<Response> create(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    NoteBody body;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, call.body<NoteBody>());
        body = std::move(given);
    }
    api::Checks checks;
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(
            operation,
            backups.create(
                change.unit(), change.scope(), change.actor(), environment, body.note.value_or("")
            )
        );
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> remove(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<BackupId>("backup"));
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, BackupRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(call.confirmed(row.id.str()));
        FAIRLEAD_TRY(operation, backups.remove(change.unit(), change.scope(), change.actor(), row));
        return operation ? operations::accepted(change.scope(), *operation) : api::no_content();
    });
}

Result<Response> drill(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<BackupId>("backup"));
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, BackupRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(operation, backups.drill(change.unit(), change.scope(), change.actor(), row));
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> drill_environment(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(operation, backups.drill(change.unit(), change.scope(), change.actor(), row));
        return operations::accepted(change.scope(), operation);
    });
}

} // namespace

void add_backup_routes(api::RouteTable& table, Backups& backups) {
    api::Routes all(table, backups, "/api/v1/orgs/{org}/backups");
    all.get("", "backups.view", &list);
    all.get("/{backup}", "backups.view", &get);
    all.remove("/{backup}", "backups.delete", &remove);
    all.post("/{backup}/drill", "drills.create", &drill);
    api::Routes own(table, backups, "/api/v1/orgs/{org}/environments/{environment}");
    own.get("/backups", "backups.view", &list_of_environment);
    own.post("/backups", "backups.create", &create);
    own.post("/drill", "drills.create", &drill_environment);
}

} // namespace fairlead::backups
