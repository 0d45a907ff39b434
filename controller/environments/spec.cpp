#include "controller/environments/spec.hpp"

#include "common/json/json.hpp"
#include "controller/environments/connector_token.hpp"
#include "controller/environments/credential_repo.hpp"
#include "controller/environments/project_repo.hpp"
#include "controller/members/source_domains.hpp"
#include "proto/codec.hpp"
#include "proto/messages.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace fairlead::environments {
namespace {

Result<proto::Source> source_of(
    CredentialRepo& credentials, const std::string& name, const std::string& url,
    const std::string& branch, const std::optional<std::string>& credential_id
) {
    proto::Source source;
    source.name = name;
    source.url = url;
    source.branch = branch;
    if (!credential_id) return source;
    FAIRLEAD_TRY(credential, credentials.find(*credential_id));
    if (!credential)
        return fail(
            Errc::not_found, fmt::format(
                                 "The git credential of the repository \"{}\" is gone. Choose "
                                 "another in the project.",
                                 name
                             )
        );
    source.credential = credential->id.str();
    source.credential_kind = credential->kind;
    source.username = credential->username;
    return source;
}

std::uint64_t or_none(const std::optional<std::int64_t>& limit) {
    return static_cast<std::uint64_t>(limit.value_or(0));
}

std::string joined(const std::vector<std::string>& items) {
    if (items.empty()) return "none";
    std::string text;
    for (const auto& item : items) {
        if (text.size() > 200) return text + ", …";
        text += (text.empty() ? "" : ", ") + item;
    }
    return text;
}

/// Collects "field: a → b" where a and b differ.
class Differ {
public:
    void compare(std::string field, const std::string& before, const std::string& after) {
        if (before != after)
            changes_.push_back({std::move(field), fmt::format("{} → {}", before, after)});
    }
    void add(std::string field, std::string summary) {
        changes_.push_back({std::move(field), std::move(summary)});
    }
    std::vector<PendingChange> take() { return std::move(changes_); }

private:
    std::vector<PendingChange> changes_;
};

std::string limit_text(std::uint64_t value, std::string_view unit) {
    return value == 0 ? "none" : fmt::format("{}{}", value, unit);
}

void compare_sources(
    Differ& differ, const std::string& field, const proto::Source& a, const proto::Source& b
) {
    differ.compare(field + ".url", a.url, b.url);
    differ.compare(field + ".branch", a.branch, b.branch);
    if (a.credential != b.credential)
        differ.add(field + ".credential_id", "another git credential");
}

void compare_addons(
    Differ& differ, const std::vector<proto::Source>& before,
    const std::vector<proto::Source>& after
) {
    auto find = [](const std::vector<proto::Source>& in, const std::string& name) {
        return std::find_if(in.begin(), in.end(), [&](const auto& source) {
            return source.name == name;
        });
    };
    for (const auto& old : before)
        if (find(after, old.name) == after.end())
            differ.add("addons." + old.name, "repository removed");
    std::vector<std::string> order_before, order_after;
    for (const auto& fresh : after) {
        auto old = find(before, fresh.name);
        if (old == before.end()) {
            differ.add(
                "addons." + fresh.name,
                fmt::format("repository added: {} {}", fresh.url, fresh.branch)
            );
            continue;
        }
        compare_sources(differ, "addons." + fresh.name, *old, fresh);
        order_after.push_back(fresh.name);
    }
    for (const auto& old : before)
        if (find(after, old.name) != after.end()) order_before.push_back(old.name);
    if (order_before != order_after)
        differ.compare("addons", joined(order_before), joined(order_after));
}

void compare_variables(
    Differ& differ, const proto::EnvironmentSpec& deployed, const proto::EnvironmentSpec& wanted,
    const std::vector<Variable>& variables, Timestamp deployed_at
) {
    std::map<std::string, proto::Variable> before;
    for (const auto& variable : deployed.variables) before.emplace(variable.name, variable);
    for (const auto& variable : wanted.variables) {
        auto field = "variables." + variable.name;
        auto old = before.find(variable.name);
        if (old == before.end()) {
            differ.add(field, variable.secret ? "added, secret" : "added");
            continue;
        }
        auto row = std::find_if(variables.begin(), variables.end(), [&](const auto& v) {
            return v.name == variable.name;
        });
        if (old->second.secret != variable.secret)
            differ.add(field, variable.secret ? "becomes secret" : "is not secret any more");
        else if (variable.secret && row != variables.end() && row->updated_ms > deployed_at)
            differ.add(field, "new secret value");
        else if (old->second.value != variable.value)
            differ.add(field, "new value");
        before.erase(old);
    }
    for (const auto& [name, variable] : before) differ.add("variables." + name, "removed");
}

} // namespace

std::vector<std::string> strings(const std::string& text) {
    return json::decode<std::vector<std::string>>(text, json::Strictness::lenient)
        .value_or(std::vector<std::string>());
}

std::string human_bytes(std::uint64_t bytes) {
    if (bytes == 0) return "none";
    auto gib = static_cast<double>(bytes) / (1 << 30);
    if (gib >= 1) return fmt::format("{:.4g} GiB", gib);
    return fmt::format("{:.4g} MiB", static_cast<double>(bytes) / (1 << 20));
}

Result<proto::EnvironmentSpec>
spec_of(store::Connection& db, const api::OrgScope& scope, const Environment& e) {
    FAIRLEAD_TRY(project, ProjectRepo(db, scope).get(e.project_id));
    FAIRLEAD_TRY(variables, VariableRepo(db, scope).all(e.id));
    CredentialRepo credentials(db, scope);

    proto::EnvironmentSpec spec;
    spec.id = e.id.str();
    spec.slug = e.slug;
    spec.name = e.name;
    spec.type = e.type;
    spec.odoo_version = project.odoo_version;
    auto odoo = project.source();
    FAIRLEAD_TRY(
        odoo_source, source_of(credentials, "odoo", odoo.url, odoo.branch, odoo.credential_id)
    );
    spec.odoo = std::move(odoo_source);
    auto repositories = project.repositories();
    if (e.branch && !any_follows(repositories))
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "{} has the branch \"{}\" of its own, but no addon repository of its project "
                    "follows it. Mark one in the project (follows_environment), or take the "
                    "environment's branch away.",
                    e.name, *e.branch
                )
            )
                .with_code("branch_follows_nothing")
        );
    for (std::size_t i = 0; i < repositories.size(); ++i) {
        const auto& addon = repositories[i];
        const auto& branch =
            e.branch && follows(repositories, i) ? *e.branch : addon.branch_for(e.type);
        FAIRLEAD_TRY(
            source, source_of(credentials, addon.name, addon.url, branch, addon.credential_id)
        );
        spec.addons.push_back(std::move(source));
    }
    spec.port = e.port;
    spec.gevent_port = e.gevent_port;
    spec.domains = strings(e.domains);
    spec.exposure = e.exposure;
    spec.resources.memory_max_bytes = or_none(e.memory_max_bytes);
    spec.resources.cpu_percent = static_cast<std::uint32_t>(or_none(e.cpu_percent));
    spec.resources.tasks_max = static_cast<std::uint32_t>(or_none(e.tasks_max));
    spec.resources.workers = static_cast<std::uint32_t>(e.workers);
    for (const auto& variable : variables)
        spec.variables.push_back({variable.name, variable.value, variable.secret});
    spec.modules = strings(e.modules);
    spec.requirements = strings(e.requirements);
    spec.system_site_packages = e.system_site_packages;
    FAIRLEAD_TRY(listed, members::listed_domains(db, scope));
    spec.listed_sources = !listed.empty();
    spec.keep_releases = e.keep_releases;
    // An agent that does not know of it would send the mail; once it does, this waits for a
    // deployment.
    if (e.captures_mail() && e.server_protocol >= proto::mail_since) spec.mail = mail_retention(e);
    spec.project_id = project.id.str();
    spec.project_name = project.name;
    return spec;
}

proto::MailRetention mail_retention(const Environment& e) {
    proto::MailRetention retention;
    retention.days = static_cast<std::uint32_t>(e.mail_days);
    retention.messages = static_cast<std::uint32_t>(e.mail_messages);
    retention.bytes = static_cast<std::uint64_t>(e.mail_bytes);
    return retention;
}

std::vector<PendingChange> differences(
    const proto::EnvironmentSpec& a, const proto::EnvironmentSpec& b,
    const std::vector<Variable>& variables, Timestamp deployed_at
) {
    Differ differ;
    differ.compare("odoo_version", a.odoo_version, b.odoo_version);
    compare_sources(differ, "odoo_source", a.odoo, b.odoo);
    compare_addons(differ, a.addons, b.addons);
    differ.compare("port", std::to_string(a.port), std::to_string(b.port));
    differ.compare("domains", joined(a.domains), joined(b.domains));
    differ.compare(
        "exposure", std::string(json::enum_name(a.exposure)),
        std::string(json::enum_name(b.exposure))
    );
    differ.compare(
        "resources.memory_max_bytes", human_bytes(a.resources.memory_max_bytes),
        human_bytes(b.resources.memory_max_bytes)
    );
    differ.compare(
        "resources.cpu_percent", limit_text(a.resources.cpu_percent, " %"),
        limit_text(b.resources.cpu_percent, " %")
    );
    differ.compare(
        "resources.tasks_max", limit_text(a.resources.tasks_max, ""),
        limit_text(b.resources.tasks_max, "")
    );
    differ.compare(
        "resources.workers", std::to_string(a.resources.workers),
        std::to_string(b.resources.workers)
    );
    differ.compare("requirements", joined(a.requirements), joined(b.requirements));
    differ.compare(
        "system_site_packages", a.system_site_packages ? "yes" : "no",
        b.system_site_packages ? "yes" : "no"
    );
    differ.compare(
        "keep_releases", std::to_string(a.keep_releases), std::to_string(b.keep_releases)
    );
    // How much stays counts without a deployment.
    differ.compare("mail", a.mail ? "captured" : "sent", b.mail ? "captured" : "sent");
    compare_variables(differ, a, b, variables, deployed_at);
    return differ.take();
}

Result<std::vector<PendingChange>> pending_changes(
    store::Connection& db, const api::OrgScope& scope, const Environment& environment,
    const std::optional<Release>& live
) {
    if (!live || live->spec.empty()) return std::vector<PendingChange>();
    auto deployed = proto::read_text<proto::EnvironmentSpec>(live->spec);
    if (!deployed) return std::vector<PendingChange>();
    auto wanted = spec_of(db, scope, environment);
    if (!wanted) {
        if (wanted.error().code() == "branch_follows_nothing")
            return std::vector<PendingChange>{{"branch", wanted.error().message()}};
        if (wanted.error().kind() != Errc::not_found) return fail(std::move(wanted).error());
        return std::vector<PendingChange>{{"git_credentials", wanted.error().message()}};
    }
    FAIRLEAD_TRY(variables, VariableRepo(db, scope).all(environment.id));
    auto changes = differences(*deployed, *wanted, variables, live->created_ms);
    if (deployed->exposure == proto::Exposure::cloudflared &&
        deployed->exposure == wanted->exposure) {
        FAIRLEAD_TRY(token, ConnectorTokenRepo(db, scope).find(environment.id));
        if (token && token->set_ms > live->created_ms)
            changes.push_back({"connector_token", "new token"});
    }
    return changes;
}

} // namespace fairlead::environments
