#include "controller/environments/environment_body.hpp"

#include "common/json/json.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

/// Members that are there take effect, null means no limit, others stay.
void read_resources(api::Checks& checks, const boost::json::object& from, Environment& into) {
    auto limit = [&](std::string_view name, std::optional<std::int64_t>& to, std::int64_t least,
                     std::int64_t most) {
        const auto* value = from.if_contains(name);
        if (!value) return;
        if (value->is_null()) return to.reset();
        auto field = "resources." + std::string(name);
        if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
            return checks.wrong(
                field, fmt::format(
                           "must be a whole number from {} to {}, or null for no limit", least, most
                       )
            );
        to = value->get_int64();
    };
    limit("memory_max_bytes", into.memory_max_bytes, 268435456, 4398046511104);
    limit("cpu_percent", into.cpu_percent, 10, 25600);
    limit("tasks_max", into.tasks_max, 32, 65536);
    if (const auto* workers = from.if_contains("workers")) {
        if (workers->is_int64() && workers->get_int64() >= 0 && workers->get_int64() <= 64)
            into.workers = workers->get_int64();
        else
            checks.wrong("resources.workers", "must be a whole number from 0 to 64");
    }
    for (const auto& [name, value] : from)
        if (name != "memory_max_bytes" && name != "cpu_percent" && name != "tasks_max" &&
            name != "workers")
            checks.wrong("resources." + std::string(name), "is not known here");
}

} // namespace

void read_wishes(api::Checks& checks, const EnvironmentWishes& body, Environment& into) {
    if (body.branch) {
        check_branch(checks, "branch", *body.branch);
        into.branch = *body.branch;
    }
    if (body.port) {
        checks.that(
            *body.port >= 1024 && *body.port <= 65534, "port", "must be from 1024 to 65534"
        );
        into.port = static_cast<std::uint16_t>(std::clamp<std::int64_t>(*body.port, 0, 65535));
    }
    if (body.modules) {
        check_modules(checks, "modules", *body.modules);
        into.modules = json::encode(*body.modules);
    }
    if (body.resources) read_resources(checks, *body.resources, into);
    if (body.requirements) {
        check_requirements(checks, "requirements", *body.requirements);
        into.requirements = json::encode(*body.requirements);
    }
    if (body.system_site_packages) into.system_site_packages = *body.system_site_packages;
    if (body.keep_releases) {
        checks.that(
            *body.keep_releases >= 1 && *body.keep_releases <= 50, "keep_releases",
            "must be from 1 to 50"
        );
        into.keep_releases =
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(*body.keep_releases, 1, 50));
    }
    if (body.domains) into.domains = json::encode(normal_domains(checks, "domains", *body.domains));
    if (body.exposure) into.exposure = *body.exposure;
}

} // namespace fairlead::environments
