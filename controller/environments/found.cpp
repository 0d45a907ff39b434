#include "common/json/json.hpp"
#include "controller/environments/inside.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

tl::unexpected<Error> not_adoptable(std::string why) {
    return conflict("not_adoptable", "This environment cannot be taken over: " + std::move(why));
}

std::optional<std::int64_t> limit(std::uint64_t value) {
    if (value == 0) return std::nullopt;
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::uint64_t(1) << 42));
}

/// What the server says is held against the same rules as what people say.
Result<> check(const proto::EnvironmentSpec& spec) {
    api::Checks checks;
    check_name(checks, "name", spec.name);
    check_slug(checks, "slug", spec.slug, 31);
    checks.that(spec.port >= 1024 && spec.port < 65535, "port", "must be from 1024 to 65534");
    checks.that(spec.gevent_port >= 1024, "gevent_port", "must be from 1024 to 65535");
    check_modules(checks, "modules", spec.modules);
    check_requirements(checks, "requirements", spec.requirements);
    check_domains(checks, "domains", spec.domains);
    if (!spec.addons.empty()) check_branch(checks, "branch", spec.addons.back().branch);
    checks.that(
        spec.keep_releases >= 1 && spec.keep_releases <= 50, "keep_releases", "must be from 1 to 50"
    );
    checks.that(spec.resources.workers <= 64, "resources.workers", "must be from 0 to 64");
    auto found = checks.result();
    if (!found)
        return not_adoptable(
            "its server says of it what is not allowed here. " + found.error().message()
        );
    return {};
}

Environment row_of(const proto::EnvironmentSpec& spec, const Project& project) {
    Environment row;
    row.project_id = project.id;
    row.name = spec.name;
    row.slug = spec.slug;
    row.type = spec.type;
    row.port = spec.port;
    row.gevent_port = spec.gevent_port;
    row.modules = json::encode(spec.modules);
    row.requirements = json::encode(spec.requirements);
    row.domains = json::encode(spec.domains);
    row.exposure = spec.exposure;
    row.memory_max_bytes = limit(spec.resources.memory_max_bytes);
    row.cpu_percent = limit(spec.resources.cpu_percent);
    row.tasks_max = limit(spec.resources.tasks_max);
    row.workers = spec.resources.workers;
    row.system_site_packages = spec.system_site_packages;
    row.keep_releases = spec.keep_releases;
    if (spec.mail) {
        row.mail_days = std::clamp<std::int64_t>(spec.mail->days, 1, proto::most_mail_days);
        row.mail_messages =
            std::clamp<std::int64_t>(spec.mail->messages, 1, proto::most_mail_messages);
        row.mail_bytes = static_cast<std::int64_t>(
            std::clamp(spec.mail->bytes, proto::least_mail_box, proto::most_mail_box)
        );
    }
    // A branch of its own, where it is not the one that the project has for its type.
    auto repositories = project.repositories();
    if (!repositories.empty() && !spec.addons.empty() &&
        spec.addons.back().name == repositories.back().name &&
        spec.addons.back().branch != repositories.back().branch_for(spec.type))
        row.branch = spec.addons.back().branch;
    return row;
}

} // namespace

Result<Environment> Environments::adopt(
    store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
    const ServerId& server_id, const EnvironmentId& id, const ProjectId& project_id
) {
    EnvironmentRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).get(server_id));
    FAIRLEAD_TRY(
        found, store::present(
                   repo.found(server_id, id),
                   "This server holds no such environment, or it is known here already."
               )
    );
    FAIRLEAD_TRY(project, ProjectRepo(unit.db(), scope).get(project_id));
    if (server.revoked_ms)
        return conflict("server_revoked", server.name + " is revoked: nothing can be sent to it.");
    auto state = json::decode<proto::EnvironmentState>(found.details, json::Strictness::lenient);
    if (!state || !state->spec)
        return not_adoptable(
            "its server does not tell what it was made from. Update the agent there."
        );
    const auto& spec = *state->spec;
    if (spec.id != id.str() || spec.slug != found.slug || spec.port != found.port)
        return not_adoptable("its server contradicts itself about its id, name or port.");
    FAIRLEAD_CHECK(check(spec));
    FAIRLEAD_TRY(in_all, repo.count_all());
    FAIRLEAD_CHECK(orgs::require_room(unit.db(), scope, parts_.plans, "environments", in_all));
    FAIRLEAD_TRY(count, repo.count_on_server(server_id));
    if (count >= max_environments_per_server)
        return conflict(
            "too_many_environments",
            fmt::format("{} has {} environments, which is the most.", server.name, count)
        );

    auto row = row_of(spec, project);
    row.id = id;
    row.server_id = server_id;
    row.created_ms = parts_.clock.now();
    FAIRLEAD_CHECK(keep_free_names(unit.db(), scope, row));
    FAIRLEAD_CHECK(repo.remove_found(server_id, id));
    FAIRLEAD_TRY(stored, repo.insert(row));
    if (!stored)
        return conflict(
            "slug_in_use", fmt::format("The slug \"{}\" is taken on this server.", row.slug)
        );
    FAIRLEAD_CHECK(repo.update_mail(row));
    FAIRLEAD_CHECK(repo.take_ports(row));
    FAIRLEAD_CHECK(parts_.live.adopted(unit, scope, id, *state));

    auto act = act_on(row, "environment.adopt");
    act.after = audit_facts(row);
    (*act.after)["server_id"] = server_id.str();
    (*act.after)["project_id"] = project_id.str();
    (*act.after)["slug"] = row.slug;
    parts_.audit.record(unit, scope, actor, std::move(act));
    FAIRLEAD_TRY(fresh, repo.get(id));
    FAIRLEAD_TRY(news, environment_event(unit.db(), scope, fresh));
    api::publish(unit, parts_.events, {std::move(news)});
    FAIRLEAD_CHECK(parts_.live.announcements().announce(
        unit, scope, {"environment.created", id.str(), told_of(fresh)}
    ));
    return fresh;
}

} // namespace fairlead::environments
