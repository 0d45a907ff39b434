#include "controller/imports/routes.hpp"

#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/environments/masking.hpp"
#include "controller/environments/refusals.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

namespace fairlead::imports {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;
using store::Connection;

struct AnalyseBody {
    std::optional<std::string> path, url, filestore, sha256, note;
};
BOOST_DESCRIBE_STRUCT(AnalyseBody, (), (path, url, filestore, sha256, note))

struct RunBody {
    std::optional<bool> neutralise, update, safety_backup;
    std::optional<std::vector<proto::PersonalData>> mask;
    std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(RunBody, (), (neutralise, mask, update, safety_backup, note))

void check_path(api::Checks& checks, std::string_view field, const std::string& path) {
    checks.that(
        proto::is_source_path(path), std::string(field),
        "must be an absolute path on the server, of letters, digits and . _ ~ + @ : - between "
        "slashes, without \"..\""
    );
}

Wanted read(AnalyseBody body, api::Checks& checks) {
    Wanted wanted;
    checks.that(
        body.path.has_value() != body.url.has_value(), body.path ? "url" : "path",
        body.path ? "must be left out where a path is given: an import comes from one place"
                  : "must be given, or an address (url) in its place"
    );
    if (body.path) {
        check_path(checks, "path", *body.path);
        wanted.path = *body.path;
    }
    if (body.filestore) {
        check_path(checks, "filestore", *body.filestore);
        wanted.filestore = *body.filestore;
    }
    if (body.url) {
        auto url = proto::parse_source_url(*body.url);
        checks.that(url.has_value(), "url", url ? "" : url.error().message());
        if (url) wanted.url = std::move(*url);
    }
    if (body.sha256) {
        auto text = *body.sha256;
        for (char& c : text)
            if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        checks.that(
            text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos,
            "sha256", "must be 64 hexadecimal digits"
        );
        checks.that(body.url.has_value(), "sha256", "is for what comes from an address");
        wanted.sha256 = std::move(text);
    }
    checks.length("note", body.note.value_or(""), 0, 500);
    wanted.note = body.note.value_or("");
    return wanted;
}

Result<Response> list(const Call& call, Imports& imports) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(page, api::Page::of(call));
    return imports.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(rows, ImportRepo(db, call.scope()).list(id, page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, Imports& imports) {
    FAIRLEAD_TRY(environment, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(id, call.path_id<ImportId>("import"));
    return imports.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, ImportRepo(db, call.scope()).get(environment, id));
        return api::answer(to_json(row));
    });
}

Result<Response> analyse(const Call& call, Imports& imports) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<AnalyseBody>());
    api::Checks checks;
    auto wanted = read(std::move(body), checks);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, imports.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(
            row,
            imports.analyse(
                change.unit(), change.scope(), change.actor(), environment, wanted, call.principal()
            )
        );
        return api::answer(to_json(row), 202);
    });
}

Result<Response> run(const Call& call, Imports& imports) {
    FAIRLEAD_TRY(environment_id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(id, call.path_id<ImportId>("import"));
    RunBody body;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, call.body<RunBody>());
        body = std::move(given);
    }
    api::Checks checks;
    checks.length("note", body.note.value_or(""), 0, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, imports.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(environment_id));
        FAIRLEAD_TRY(row, ImportRepo(change.db(), change.scope()).get(environment.id, id));
        FAIRLEAD_CHECK(
            environments::check_replacing(call, environment.name, environment.type, false)
        );
        RunRequest request;
        // Production is what it is going to be; anywhere else it is a copy of production, most
        // likely.
        request.neutralise =
            body.neutralise.value_or(environment.type != proto::EnvironmentType::production);
        request.mask = environments::masks_of(body.mask);
        request.update = body.update.value_or(true);
        request.safety_backup = body.safety_backup.value_or(true);
        request.note = body.note.value_or("");
        FAIRLEAD_TRY(
            operation,
            imports.run(
                change.unit(), change.scope(), change.actor(), environment, std::move(row), request
            )
        );
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> remove(const Call& call, Imports& imports) {
    FAIRLEAD_TRY(environment_id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(id, call.path_id<ImportId>("import"));
    return api::change(call, imports.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(environment_id));
        FAIRLEAD_TRY(row, ImportRepo(change.db(), change.scope()).get(environment.id, id));
        FAIRLEAD_TRY(
            operation,
            imports.remove(
                change.unit(), change.scope(), change.actor(), environment, std::move(row)
            )
        );
        return operation ? operations::accepted(change.scope(), *operation) : api::no_content();
    });
}

} // namespace

void add_routes(api::RouteTable& table, Imports& imports) {
    api::Routes own(table, imports, "/api/v1/orgs/{org}/environments/{environment}/imports");
    own.get("", "backups.view", &list);
    own.post("", "restores.create", &analyse);
    own.get("/{import}", "backups.view", &get);
    own.remove("/{import}", "restores.create", &remove);
    own.post("/{import}/run", "restores.create", &run);
}

} // namespace fairlead::imports
