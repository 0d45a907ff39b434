#include "controller/environments/view.hpp"

#include "common/json/json.hpp"
#include "controller/api/nullable.hpp"
#include "controller/domains/standing.hpp"
#include "controller/environments/reach.hpp"
#include "controller/environments/spec.hpp"
#include "controller/operations/repo.hpp"
#include "controller/operations/view.hpp"

namespace fairlead::environments {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

template <class T>
value or_null(const std::optional<T>& from) {
    return from ? value(*from) : value(nullptr);
}
object user(const UserId& id, const std::string& email) {
    return {{"id", id.str()}, {"email", email}};
}

value status_detail(const Environment& e, bool last_failed) {
    if (e.status == "unknown")
        return e.server_status == "revoked" ? "Its server is revoked."
                                            : "Its server is not connected, so nobody can know.";
    if (e.busy_state == "queued") return "Waits for its server to take the operation.";
    if (e.status == "new")
        return last_failed ? "The first deployment failed and was undone: nothing is on the server."
                           : "Not deployed yet.";
    if (e.live_state == "starting") return "Odoo is starting.";
    return api::text_or_null(e.live_detail);
}

value time(const std::optional<Timestamp>& at) {
    return at ? value(to_rfc3339(*at)) : value(nullptr);
}

object backup_summary(const Environment& e) {
    return {
        {"enabled", e.backup_enabled},
        {"last_backup_at", time(e.last_backup_ms)},
        {"last_restored_at", time(e.last_restored_ms)},
        {"last_drill_at", time(e.last_drill_ms)},
        {"last_drill_passed", e.last_drill_ms ? value(e.last_drill_passed) : value(nullptr)},
        {"next_backup_at", time(e.next_backup_ms)},
        {"next_drill_at", time(e.next_drill_ms)},
        {"recipient", api::text_or_null(e.backup_recipient)}};
}

object connector(const Environment& e, const std::optional<ConnectorToken>& token) {
    auto state = e.connector_state.empty()     ? "none"
                 : e.server_status != "online" ? "unknown"
                                               : e.connector_state.c_str();
    return {{"state", state}, {"token", token ? value(to_json(*token)) : value(nullptr)}};
}

object branches(const BranchByType& by_type) {
    object body;
    if (by_type.development) body["development"] = *by_type.development;
    if (by_type.staging) body["staging"] = *by_type.staging;
    if (by_type.production) body["production"] = *by_type.production;
    return body;
}

} // namespace

object to_json(const Credential& c) {
    return {
        {"id", c.id.str()},
        {"name", c.name},
        {"host", c.host},
        {"kind", c.kind},
        {"username", api::text_or_null(c.username)},
        {"fingerprint", api::text_or_null(c.fingerprint)},
        {"created_at", to_rfc3339(c.created_ms)},
        {"created_by", user(c.created_by, c.created_by_email)}};
}

object to_json(const Project& p) {
    auto source = p.source();
    array addons;
    auto repositories = p.repositories();
    for (std::size_t i = 0; i < repositories.size(); ++i) {
        const auto& addon = repositories[i];
        object body{
            {"name", addon.name},
            {"url", addon.url},
            {"branch", addon.branch},
            {"credential_id", or_null(addon.credential_id)},
            {"follows_environment", follows(repositories, i)}};
        if (addon.branch_by_type) body["branch_by_type"] = branches(*addon.branch_by_type);
        addons.push_back(std::move(body));
    }
    return {
        {"id", p.id.str()},
        {"name", p.name},
        {"slug", p.slug},
        {"odoo_version", p.odoo_version},
        {"odoo_source",
         {{"url", source.url},
          {"branch", source.branch},
          {"credential_id", or_null(source.credential_id)}}},
        {"addons", std::move(addons)},
        {"environments",
         {{"development", p.development}, {"staging", p.staging}, {"production", p.production}}},
        {"created_at", to_rfc3339(p.created_ms)}};
}

object to_json(const Release& r) {
    array commits;
    for (const auto& commit :
         json::decode<std::vector<proto::Commit>>(r.commits, json::Strictness::lenient)
             .value_or(std::vector<proto::Commit>()))
        commits.push_back(object{
            {"repository", commit.repository},
            {"url", commit.url},
            {"branch", commit.branch},
            {"commit", commit.commit},
            {"subject", api::text_or_null(commit.subject)}});
    array packages;
    for (const auto& package : strings(r.python_packages)) {
        auto split = package.find("==");
        packages.push_back(object{
            {"name", package.substr(0, split)},
            {"version", split == std::string::npos ? "" : package.substr(split + 2)}});
    }
    return {
        {"id", r.id.str()},
        {"environment_id", r.environment_id.str()},
        {"number", r.number},
        {"state", json::enum_name(r.state)},
        {"commits", std::move(commits)},
        {"python_packages", std::move(packages)},
        {"manifest_sha256", api::text_or_null(r.manifest_sha256)},
        {"has_database_snapshot", r.has_database_snapshot},
        {"created_at", to_rfc3339(r.created_ms)},
        {"created_by",
         r.created_by ? value(user(*r.created_by, r.created_by_email)) : value(nullptr)},
        {"operation_id", r.operation_id ? value(r.operation_id->str()) : value(nullptr)}};
}

object to_json(const ConnectorToken& t) {
    return {
        {"tunnel_id", t.tunnel},
        {"set_at", to_rfc3339(t.set_ms)},
        {"set_by", user(t.set_by, t.set_by_email)}};
}

object to_json(const Variable& v) {
    return {
        {"name", v.name},
        {"secret", v.secret},
        {"value", v.secret ? value(nullptr) : value(v.value)},
        {"updated_at", to_rfc3339(v.updated_ms)},
        {"updated_by", user(v.updated_by, v.updated_by_email)}};
}

Result<object> describe(store::Connection& db, const api::OrgScope& scope, const Environment& e) {
    std::optional<Release> live;
    if (e.current_release) {
        FAIRLEAD_TRY(found, ReleaseRepo(db, scope).find(e.id, *e.current_release));
        live = std::move(found);
    }
    std::optional<operations::Operation> last;
    if (e.last_operation_id) {
        FAIRLEAD_TRY(found, operations::OperationRepo(db, scope).find(*e.last_operation_id));
        last = std::move(found);
    }
    FAIRLEAD_TRY(changes, pending_changes(db, scope, e, live));
    FAIRLEAD_TRY(token, ConnectorTokenRepo(db, scope).find(e.id));
    FAIRLEAD_TRY(names, domains::standings(db, scope, strings(e.domains)));
    array pending;
    for (const auto& change : changes)
        pending.push_back(object{{"field", change.field}, {"summary", change.summary}});
    bool last_failed =
        last && last->kind == proto::kind::deploy && last->state == operations::State::failed;
    return object{
        {"id", e.id.str()},
        {"slug", e.slug},
        {"name", e.name},
        {"project_id", e.project_id.str()},
        {"server_id", e.server_id.str()},
        {"type", json::enum_name(e.type)},
        {"branch", or_null(e.branch)},
        {"port", e.port},
        {"url", or_null(address_of(e, live))},
        {"domains", json::to_value(strings(e.domains))},
        {"exposure", json::enum_name(e.exposure)},
        {"exposure_detail", or_null(exposure_detail(e, token.has_value()))},
        {"connector", connector(e, token)},
        {"domain_states", domains::to_json(names)},
        {"modules", json::to_value(strings(e.modules))},
        {"resources",
         {{"memory_max_bytes", or_null(e.memory_max_bytes)},
          {"cpu_percent", or_null(e.cpu_percent)},
          {"tasks_max", or_null(e.tasks_max)},
          {"workers", e.workers}}},
        {"requirements", json::to_value(strings(e.requirements))},
        {"system_site_packages", e.system_site_packages},
        {"keep_releases", e.keep_releases},
        {"status", e.status},
        {"status_detail", status_detail(e, last_failed)},
        {"current_release", live ? value(to_json(*live)) : value(nullptr)},
        {"pending_changes", std::move(pending)},
        {"last_operation", last ? value(operations::reference(*last)) : value(nullptr)},
        {"backup", backup_summary(e)},
        {"created_at", to_rfc3339(e.created_ms)},
    };
}

api::Act act_on(const Environment& environment, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "environment";
    act.target_id = environment.id.str();
    act.target_name = environment.name;
    return act;
}

object told_of(const Environment& environment) {
    return {
        {"environment_id", environment.id.str()},
        {"environment_name", environment.name},
        {"project_id", environment.project_id.str()},
        {"server_id", environment.server_id.str()}};
}

api::Event event(const OrgId& org, std::string type, const ProjectId& project, const object& data) {
    std::string permission = type.starts_with("project") ? "projects.view" : "environments.view";
    return {
        org,   std::move(type), boost::json::serialize(data), std::move(permission), std::nullopt,
        false, project.str()};
}

api::Event
gone(const OrgId& org, std::string type, const ProjectId& project, const std::string& id) {
    return event(org, std::move(type), project, object{{"id", id}});
}

Result<api::Event> environment_event(
    store::Connection& db, const api::OrgScope& scope, const Environment& environment
) {
    FAIRLEAD_TRY(body, describe(db, scope, environment));
    return event(scope.org(), "environment.updated", environment.project_id, body);
}

} // namespace fairlead::environments
