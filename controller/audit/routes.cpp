#include "controller/audit/routes.hpp"

#include "common/crypto/encoding.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/audit/export.hpp"
#include "controller/audit/tree.hpp"
#include "controller/audit/witnesses.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace fairlead::audit {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

/// Words of small letters and underscores with dots between them.
bool is_action(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos &&
           text.find("..") == std::string_view::npos;
}

/// Entries from before it are hidden by the plan, also while an earlier plan's time keeps them.
Result<std::optional<Timestamp>>
shown_since(const Call& call, Connection& db, const RouteParts& parts) {
    std::optional<Timestamp> since;
    FAIRLEAD_TRY(
        plan, db.one<orgs::Plan>("SELECT plan FROM org WHERE id = $1", call.scope().org())
    );
    // The installation's own log is of no plan.
    auto days = plan ? parts.plans.terms(*plan).audit_days : 0;
    if (days > 0) since = call.now() - std::chrono::days(days);
    return since;
}

Result<Filter> filter_of(const Call& call) {
    Filter filter;
    api::Checks checks;
    auto text = [&](std::string_view name, std::string& into) {
        into = call.query(name).value_or("");
        if (call.query(name)) checks.length(name, into, 1, 64);
    };
    auto time = [&](std::string_view name, std::optional<Timestamp>& into) {
        auto given = call.query(name);
        if (!given) return;
        auto at = from_rfc3339(*given);
        if (at)
            into = *at;
        else
            checks.wrong(name, "must be a time such as 2026-01-31T23:59:59Z");
    };
    text("actor", filter.actor);
    text("action", filter.action);
    text("target", filter.target);
    text("connect_session", filter.connect_session);
    if (!filter.action.empty())
        checks.that(
            is_action(filter.action), "action",
            "must be an action such as environment.deploy, or what stands before its dot"
        );
    time("after", filter.after);
    time("before", filter.before);
    FAIRLEAD_CHECK(checks.result());
    return filter;
}

boost::json::value hashes(const std::vector<crypto::Digest>& proof) {
    return boost::json::value_from(crypto::merkle::proof_to_text(proof));
}

boost::json::object to_json(const SignedCheckpoint& checkpoint) {
    return {
        {"size", checkpoint.size},
        {"at", to_rfc3339(checkpoint.at)},
        {"note", checkpoint.note},
    };
}

Result<Entry> entry_of(const Call& call, Connection& db, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<AuditId>("entry"));
    FAIRLEAD_TRY(since, shown_since(call, db, parts));
    FAIRLEAD_TRY(entry, EntryRepo(db, call.scope()).find(id));
    if (entry && since && entry->at < *since) entry.reset();
    return store::present(
        Result<std::optional<Entry>>(std::move(entry)), "There is no such entry."
    );
}

Result<Response> list(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(filter, filter_of(call));
    auto rows = [&](Connection& db, const api::Page& page) -> Result<std::vector<Entry>> {
        filter.below = page.after;
        filter.limit = page.limit + 1;
        FAIRLEAD_TRY(since, shown_since(call, db, parts));
        filter.after = std::max(filter.after, since);
        return EntryRepo(db, call.scope()).list(filter);
    };
    return api::list_page(call, parts.desk.store, rows);
}

Result<Response> one(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(entry, parts.desk.store.read([&](Connection& db) {
        return entry_of(call, db, parts);
    }));
    return api::answer(to_json(entry));
}

/// What shows, with nothing but the public key, that an entry is in the log.
Result<Response> proof(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(checkpoint, parts.notary.sign_now(call.scope(), call.now()));
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(entry, entry_of(call, db, parts));
        FAIRLEAD_TRY(path, Tree(db, call.scope()).inclusion(entry.seq, checkpoint.size));
        auto leaf = leaf_of(entry, call.scope().org());
        return api::answer(
            {{"seq", entry.seq},
             {"leaf", leaf},
             {"leaf_hash", crypto::base64_encode(crypto::merkle::leaf_hash(leaf).view())},
             {"path", hashes(path)},
             {"checkpoint", to_json(checkpoint)},
             {"key", parts.notary.verifier().str()}}
        );
    });
}

Result<Response> checkpoint(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(newest, parts.notary.sign_now(call.scope(), call.now()));
    auto object = to_json(newest);
    object["key"] = parts.notary.verifier().str();
    return api::answer(object);
}

Result<Response> consistency(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(newest, parts.notary.sign_now(call.scope(), call.now()));
    auto most = static_cast<std::uint64_t>(newest.size);
    FAIRLEAD_TRY(to, api::query_number(call, "to", 0, most));
    FAIRLEAD_TRY(from, api::query_number(call, "from", 0, to.value_or(most)));
    auto older = static_cast<std::int64_t>(from.value_or(0));
    auto newer = static_cast<std::int64_t>(to.value_or(most));
    FAIRLEAD_TRY(path, parts.desk.store.read([&](Connection& db) {
        return Tree(db, call.scope()).consistency(older, newer);
    }));
    return api::answer({{"from", older}, {"to", newer}, {"path", hashes(path)}});
}

Result<Response> witnesses(const Call& call, const RouteParts& parts) {
    auto rows = [&](Connection& db, const api::Page& page) {
        return WitnessRepo(db, call.scope()).list(page.after, page.limit + 1);
    };
    return api::list_page(call, parts.desk.store, rows);
}

Response file_of(const Call& call, ExportFormat format, std::shared_ptr<Export> whole) {
    bool csv = format == ExportFormat::csv;
    Response response;
    response.content_type = csv ? "text/csv; charset=utf-8" : "application/jsonl";
    response.headers.emplace_back(
        "Content-Disposition",
        fmt::format(
            "attachment; filename=\"audit-{}.{}\"", call.scope().org().str(), csv ? "csv" : "jsonl"
        )
    );
    response.pieces = [whole = std::move(whole)] { return whole->next(); };
    return response;
}

Result<Response> exported(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(filter, filter_of(call));
    FAIRLEAD_TRY(name, api::query_word(call, "format", {"jsonl", "csv"}));
    auto format = name == "csv" ? ExportFormat::csv : ExportFormat::jsonl;
    // The export itself is the last entry in it.
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        api::Act act{"audit.export", "audit_log", call.scope().org().str(), ""};
        act.after = boost::json::object{{"format", name}};
        change.record(std::move(act));
        FAIRLEAD_TRY(since, shown_since(call, change.db(), parts));
        filter.after = std::max(filter.after, since);
        FAIRLEAD_TRY(newest, parts.notary.sign(change.unit(), call.scope(), call.now()));
        return file_of(
            call, format,
            std::make_shared<Export>(
                parts.desk.store, call.scope(), format, std::move(filter), std::move(newest),
                parts.notary
            )
        );
    });
}

} // namespace

void add_audit_routes(api::RouteTable& table, RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/audit");
    api::Marks log{.feature = orgs::feature::audit_log};
    routes.get("", "audit.view", &list, log);
    routes.get("/checkpoint", "audit.view", &checkpoint, log);
    routes.get("/consistency", "audit.view", &consistency, log);
    routes.get("/export", "audit.export", &exported, {.feature = orgs::feature::audit_export});
    routes.get("/witnesses", "audit.view", &witnesses, log);
    routes.get("/{entry}", "audit.view", &one, log);
    routes.get("/{entry}/proof", "audit.view", &proof, log);
}

void add_installation_audit_routes(api::RouteTable& table, RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/installation/audit");
    routes.get("", api::operators_alone, &list);
    routes.get("/checkpoint", api::operators_alone, &checkpoint);
    routes.get("/consistency", api::operators_alone, &consistency);
    routes.get("/export", api::operators_alone, &exported);
    routes.get("/{entry}", api::operators_alone, &one);
    routes.get("/{entry}/proof", api::operators_alone, &proof);
}

} // namespace fairlead::audit
