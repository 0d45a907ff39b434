// The names that an environment answers to.
#include "common/json/json.hpp"
#include "controller/domains/domain_repo.hpp"
#include "controller/domains/names.hpp"
#include "controller/environments/environments.hpp"
#include "controller/environments/spec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::environments {
namespace {

constexpr std::size_t most_domains = 20;

} // namespace

std::vector<std::string> normal_domains(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& domains
) {
    std::vector<std::string> names;
    if (domains.size() > most_domains) {
        checks.wrong(field, fmt::format("must be at most {} domains", most_domains));
        return names;
    }
    for (std::size_t i = 0; i < domains.size(); ++i) {
        auto of = fmt::format("{}[{}]", field, i);
        auto name = domains::normalise(domains[i]);
        if (!name)
            checks.wrong(of, name.error().message());
        else if (domains::is_wildcard(*name))
            checks.wrong(of, "must be one host name: a star is for claims of domains");
        else if (std::ranges::find(names, *name) != names.end())
            checks.wrong(of, "is there twice");
        else
            names.push_back(*std::move(name));
    }
    return names;
}

Result<std::string_view> Environments::wrong_with_name(
    store::Connection& db, const api::OrgScope& scope, const EnvironmentId& of,
    const std::string& name
) {
    using namespace std::string_view_literals;
    if (!parts_.own_host.empty() && domains::within(name, parts_.own_host))
        return "is the controller's own name, or below it"sv;
    FAIRLEAD_TRY(answered, EnvironmentRepo(db, scope).another_has(of, name));
    if (answered) return "is a name of another environment already"sv;
    FAIRLEAD_TRY(owner, domains::owner_of(db, name));
    if (owner && owner->org_id != scope.org())
        return "cannot be used here: another organization has proved that it is theirs"sv;
    return ""sv;
}

Result<> Environments::check_names(
    store::Connection& db, const api::OrgScope& scope, const Environment& row,
    const std::string& before
) {
    api::Checks checks;
    auto had = strings(before);
    auto names = strings(row.domains);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (std::ranges::find(had, names[i]) != had.end()) continue;
        FAIRLEAD_TRY(wrong, wrong_with_name(db, scope, row.id, names[i]));
        checks.that(wrong.empty(), fmt::format("domains[{}]", i), std::string(wrong));
    }
    return checks.result();
}

Result<>
Environments::keep_free_names(store::Connection& db, const api::OrgScope& scope, Environment& row) {
    std::vector<std::string> kept;
    for (auto& name : strings(row.domains)) {
        FAIRLEAD_TRY(wrong, wrong_with_name(db, scope, row.id, name));
        if (wrong.empty()) kept.push_back(std::move(name));
    }
    row.domains = json::encode(kept);
    return {};
}

} // namespace fairlead::environments
