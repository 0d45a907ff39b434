#include "controller/imports/imports.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/environments/masking.hpp"
#include "controller/environments/refusals.hpp"
#include "controller/environments/view.hpp"
#include "controller/members/source_domains.hpp"
#include "controller/operations/view.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::imports {
namespace {

using api::conflict;
using operations::cut;
using operations::NewOperation;
using operations::Operation;
using proto::Outcome;

constexpr std::size_t most_modules = 3000, most_extensions = 100;

boost::json::value number(std::uint64_t value) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

/// The server's word, cut to size.
boost::json::object shown(const proto::ImportAnalysis& a) {
    boost::json::array modules, extensions;
    for (const auto& module : a.modules) {
        if (modules.size() == most_modules) break;
        modules.push_back(
            {{"name", cut(module.name, 100)},
             {"version", cut(module.version, 40)},
             {"missing", module.missing}}
        );
    }
    for (const auto& extension : a.extensions)
        if (extensions.size() < most_extensions) extensions.emplace_back(cut(extension, 63));
    return {
        {"format", json::enum_name(a.format)},
        {"odoo_version", cut(a.odoo_version, 16)},
        {"edition", a.edition == "enterprise" ? "enterprise" : "community"},
        {"postgresql_version", cut(a.postgresql_version, 40)},
        {"source_bytes", number(a.source_bytes)},
        {"database_bytes", number(a.database_bytes)},
        {"tables", number(a.tables)},
        {"attachments", number(a.attachments)},
        {"files", number(a.files)},
        {"file_bytes", number(a.file_bytes)},
        {"missing_files", number(a.missing_files)},
        {"modules", std::move(modules)},
        {"extensions", std::move(extensions)},
        {"checks", operations::to_json(a.checks)},
        {"fits", a.fits}};
}

/// Which one, not what is in it: its list of modules is as long as a server makes it, and the room
/// for events that are kept is everybody's.
api::Event event(const OrgId& org, std::string type, const Import& import) {
    boost::json::object shown{
        {"id", import.id.str()}, {"environment_id", import.environment_id.str()}};
    return {org,          std::move(type), boost::json::serialize(shown), "backups.view",
            std::nullopt, false,           import.project_id.str()};
}

NewOperation about(const environments::Environment& environment) {
    NewOperation wanted;
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.project = environment.project_id;
    wanted.target_name = environment.name;
    return wanted;
}

} // namespace

Result<> Imports::put(Unit& unit, const Scope& scope, const Import& import) {
    FAIRLEAD_CHECK(ImportRepo(unit.db(), scope).update(import));
    api::publish(unit, parts_.events, {event(scope.org(), "import.updated", import)});
    return {};
}

Result<Import> Imports::analyse(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment,
    const Wanted& wanted, const api::Principal& by
) {
    proto::ImportAnalyseArgs args;
    FAIRLEAD_TRY(domains, members::listed_domains(unit.db(), scope));
    args.domains = std::move(domains);
    if (wanted.url) {
        api::Checks checks;
        checks.that(
            proto::among(args.domains, wanted.url->host), "url",
            fmt::format(
                "is at {}, which is not among the domains that the organization's security "
                "settings let data come from",
                wanted.url->host
            )
        );
        FAIRLEAD_CHECK(checks.result());
    }
    FAIRLEAD_CHECK(check_reachable(environment));
    ImportRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(held, repo.held(environment.id));
    if (held >= max_held)
        return conflict(
            "too_many_imports",
            fmt::format(
                "The server of {} holds {} imports already. Run or remove one of them first.",
                environment.name, held
            )
        );
    Import row;
    row.id = ImportId::make(parts_.clock.now());
    row.environment_id = environment.id;
    row.project_id = environment.project_id;
    row.server_id = environment.server_id;
    row.path = wanted.path;
    row.filestore = wanted.filestore;
    row.sha256 = wanted.sha256;
    row.created_ms = parts_.clock.now();
    row.created_by = by.user;
    row.created_by_email = by.email;
    std::optional<store::Blob> sealed;
    if (wanted.url) {
        row.url = wanted.url->text();
        if (!wanted.url->query.empty())
            sealed =
                store::Blob{parts_.keys.seal(Secret(wanted.url->query), query_context(row.id))};
    }
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.import_id = row.id.str();
    args.source = {row.path, row.url, row.filestore, row.sha256};
    auto operation = about(environment);
    operation.kind = proto::kind::import_analyse;
    operation.mutating = false; // it looks, beside the environment
    operation.args = proto::write_text(args);
    operation.note = wanted.note;
    operation.facts = {{"import_id", row.id.str()}, {"source", row.source()}};
    if (!row.filestore.empty()) operation.facts["filestore"] = row.filestore;
    // The query comes with the delivery, for which the row has to be there already.
    operation.id = OperationId::make(parts_.clock.now());
    row.operation_id = operation.id;
    FAIRLEAD_CHECK(repo.insert(row, sealed));
    FAIRLEAD_CHECK(repo.forget_old(environment.id, max_listed));
    FAIRLEAD_CHECK(parts_.operations.create(unit, scope, actor, std::move(operation)));
    FAIRLEAD_CHECK(put(unit, scope, row));
    return row;
}

Result<Operation> Imports::run(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment, Import row,
    const RunRequest& request
) {
    FAIRLEAD_CHECK(check_reachable(environment));
    if (row.state != ImportState::analysed)
        return conflict(
            "import_not_analysed",
            row.state == ImportState::analysing ? "This import is still being looked at."
            : row.state == ImportState::failed
                ? "Nothing could be made of this import. Analyse its source anew."
            : row.state == ImportState::imported
                ? "This import is in its environment already. To do it again, analyse its source "
                  "anew."
                : "This import is under way already."
        );
    if (!row.fits)
        return conflict(
            "import_does_not_fit", fmt::format(
                                       "These data do not fit {}: see the checks of the analysis. "
                                       "Put right what they name, "
                                       "and analyse the source anew.",
                                       environment.name
                                   )
        );
    if (row.server_id != environment.server_id)
        return conflict(
            "import_not_analysed", "It was looked at on another server. Analyse its source anew."
        );
    proto::ImportRunArgs args;
    args.environment_id = environment.id.str();
    args.slug = environment.slug;
    args.import_id = row.id.str();
    FAIRLEAD_CHECK(environments::check_masking(environment, request.mask));
    args.neutralise = request.neutralise;
    args.mask = request.mask;
    args.update = request.update;
    if (request.safety_backup) {
        FAIRLEAD_TRY(
            safety, parts_.backups.plan(unit, scope, environment, proto::BackupKind::pre_restore)
        );
        if (!safety)
            return conflict(
                "no_storage",
                fmt::format(
                    "{} has no storage for a safety backup. Choose one in its backup policy, or "
                    "import without one.",
                    environment.name
                )
            );
        args.safety = std::move(safety);
    }
    auto wanted = about(environment);
    wanted.kind = proto::kind::import_run;
    wanted.args = proto::write_text(args);
    wanted.note = request.note;
    wanted.facts = {
        {"import_id", row.id.str()},
        {"source", row.source()},
        {"neutralise", request.neutralise},
        {"mask", environments::names_of(request.mask)},
        {"update", request.update},
        {"safety_backup_id",
         args.safety ? boost::json::value(args.safety->backup_id) : boost::json::value(nullptr)}};
    FAIRLEAD_TRY(operation, parts_.operations.create(unit, scope, actor, std::move(wanted)));
    if (args.safety)
        FAIRLEAD_CHECK(parts_.backups.begun(unit, scope, environment, operation, *args.safety));
    row.state = ImportState::running;
    row.operation_id = operation.id;
    row.error_code.clear();
    row.error_message.clear();
    row.finished_ms.reset();
    FAIRLEAD_CHECK(put(unit, scope, row));
    return operation;
}

Result<std::optional<Operation>> Imports::remove(
    Unit& unit, const Scope& scope, const Actor& actor, const Environment& environment, Import row
) {
    if (row.state == ImportState::analysing || row.state == ImportState::running)
        return conflict(
            "import_busy", "The server is at work on this import. Cancel its operation first."
        );
    bool reachable = environment.server_status != "revoked";
    if (row.held() && reachable) {
        proto::ImportDiscardArgs args{environment.id.str(), environment.slug, row.id.str()};
        auto wanted = about(environment);
        wanted.kind = proto::kind::import_discard;
        wanted.mutating = false;
        wanted.args = proto::write_text(args);
        wanted.facts = {{"import_id", row.id.str()}, {"source", row.source()}};
        FAIRLEAD_TRY(operation, parts_.operations.create(unit, scope, actor, std::move(wanted)));
        row.state = ImportState::removing;
        row.operation_id = operation.id;
        FAIRLEAD_CHECK(put(unit, scope, row));
        return std::optional(std::move(operation));
    }
    auto act = environments::act_on(environment, "import.forget");
    act.after = boost::json::object{
        {"import_id", row.id.str()},
        {"source", row.source()},
        {"state", json::enum_name(row.state)}};
    parts_.audit.record(unit, scope, actor, std::move(act));
    FAIRLEAD_CHECK(ImportRepo(unit.db(), scope).remove(row.id));
    api::publish(unit, parts_.events, {event(scope.org(), "import.deleted", row)});
    return std::optional<Operation>();
}

Result<std::map<std::string, std::string>> Imports::secrets(
    store::Connection& db, const Scope& scope, const Operation& operation, const std::string& text
) {
    std::map<std::string, std::string> secrets;
    if (operation.kind != proto::kind::import_analyse) return secrets;
    FAIRLEAD_TRY(args, proto::read_text<proto::ImportAnalyseArgs>(text));
    auto id = ImportId::trusted(args.import_id);
    FAIRLEAD_TRY(sealed, ImportRepo(db, scope).sealed_query(id));
    if (!sealed) return secrets;
    auto opened = parts_.keys.open(sealed->bytes, query_context(id));
    if (!opened)
        return fail(
            Errc::internal,
            "The address of the import cannot be opened with this controller's keystore. Ask for "
            "the import anew.",
            opened.error().message()
        );
    secrets.emplace("import:" + args.import_id, std::string(opened->reveal()));
    return secrets;
}

Result<> Imports::analysed(
    Unit& unit, const Scope& scope, const Operation& operation, Import row,
    const proto::Finished& finished
) {
    ImportRepo repo(unit.db(), scope);
    FAIRLEAD_CHECK(repo.drop_query(row.id));
    row.finished_ms = operation.finished_ms;
    if (finished.outcome == Outcome::succeeded && finished.result.analysis) {
        const auto& found = *finished.result.analysis;
        row.state = ImportState::analysed;
        row.analysis = boost::json::serialize(shown(found));
        row.fits = found.fits;
        if (!found.sha256.empty()) row.sha256 = cut(found.sha256, 64);
        return put(unit, scope, row);
    }
    row.state = ImportState::failed;
    row.error_code = finished.error ? cut(finished.error->code, 64) : "failed";
    row.error_message = finished.error ? cut(finished.error->message, 2000)
                        : finished.outcome == Outcome::cancelled
                            ? "It was cancelled."
                            : "Its operation ended without a word of what was found.";
    return put(unit, scope, row);
}

Result<> Imports::gone(Unit& unit, const Scope& scope, const Environment& environment) {
    return ImportRepo(unit.db(), scope).remove_all(environment.id);
}

Result<> Imports::finished(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& text,
    const proto::Finished& finished
) {
    namespace k = proto::kind;
    ImportRepo repo(unit.db(), scope);
    if (operation.kind != k::import_analyse && operation.kind != k::import_run &&
        operation.kind != k::import_discard)
        return {};
    FAIRLEAD_TRY(args, proto::read_text<proto::ImportDiscardArgs>(text));
    FAIRLEAD_TRY(row, repo.find(ImportId::trusted(args.import_id)));
    // Another one was asked for since, or it is gone.
    if (!row || row->operation_id != operation.id) return {};
    if (operation.kind == k::import_analyse)
        return analysed(unit, scope, operation, std::move(*row), finished);
    if (operation.kind == k::import_discard && finished.outcome == Outcome::succeeded) {
        FAIRLEAD_CHECK(repo.remove(row->id));
        api::publish(unit, parts_.events, {event(scope.org(), "import.deleted", *row)});
        return {};
    }
    row->finished_ms = operation.finished_ms;
    bool imported = operation.kind == k::import_run && finished.outcome == Outcome::succeeded;
    row->state = imported ? ImportState::imported : ImportState::analysed;
    // A failure put everything back, and what was analysed is there as before.
    if (!imported && finished.error) {
        row->error_code = cut(finished.error->code, 64);
        row->error_message = cut(finished.error->message, 2000);
        if (row->error_code == "import_gone" || row->error_code == "import_changed")
            row->state = ImportState::failed;
    }
    return put(unit, scope, *row);
}

boost::json::object to_json(const Import& i) {
    using boost::json::value;
    auto text = [](const std::string& given) {
        return given.empty() ? value(nullptr) : value(given);
    };
    value error = nullptr, by = nullptr;
    if (!i.error_code.empty())
        error = boost::json::object{{"code", i.error_code}, {"message", i.error_message}};
    if (i.created_by)
        by = boost::json::object{{"id", i.created_by->str()}, {"email", i.created_by_email}};
    return {
        {"id", i.id.str()},
        {"environment_id", i.environment_id.str()},
        {"state", json::enum_name(i.state)},
        {"path", text(i.path)},
        {"url", text(i.url)},
        {"filestore", text(i.filestore)},
        {"sha256", text(i.sha256)},
        {"analysis", i.analysis ? boost::json::parse(*i.analysis) : value(nullptr)},
        {"operation_id", i.operation_id.str()},
        {"error", std::move(error)},
        {"finished_at", i.finished_ms ? value(to_rfc3339(*i.finished_ms)) : value(nullptr)},
        {"created_at", to_rfc3339(i.created_ms)},
        {"created_by", std::move(by)}};
}

namespace {

struct Place {
    std::int64_t row = 0;
    OrgId org_id;
    ImportId id;
    store::Blob sealed_query;
};
BOOST_DESCRIBE_STRUCT(Place, (), (row, org_id, id, sealed_query))

} // namespace

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<Place>(
        db,
        "SELECT rowid AS row, org_id, id, sealed_query FROM import WHERE sealed_query IS NOT NULL "
        "AND rowid > $1 ORDER BY rowid LIMIT $2",
        [&](const Place& place) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE import SET sealed_query = $3 WHERE org_id = $1 AND id = $2",
                    place.org_id, place.id, now
                );
            };
            return api::visit_one(visit, place.sealed_query, query_context(place.id), put);
        }
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM import WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::imports
