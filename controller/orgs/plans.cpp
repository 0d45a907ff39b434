#include "controller/orgs/plans.hpp"

#include "common/config/config.hpp"
#include "common/json/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::orgs {
namespace {

constexpr std::array all_features{
    feature::api,          feature::granular_permissions, feature::audit_log,
    feature::audit_export, feature::custom_roles,         feature::connect_as,
};
constexpr std::array all_plans{Plan::free, Plan::starter, Plan::pro, Plan::agency};

/// A plan that a file names is what the file says of it.
struct GivenPlans {
    std::optional<PlanTerms> free, starter, pro, agency;
};
BOOST_DESCRIBE_STRUCT(GivenPlans, (), (free, starter, pro, agency))

std::vector<std::string> names(std::initializer_list<std::string_view> features) {
    return {features.begin(), features.end()};
}

std::optional<std::uint32_t> limit_of(const PlanTerms& terms, std::string_view what) {
    if (what == "projects") return terms.projects;
    if (what == "environments") return terms.environments;
    if (what == "members") return terms.members;
    return terms.servers;
}

tl::unexpected<Error> plan_required(std::string message, const std::optional<Plan>& plan) {
    Error error(Errc::forbidden, std::move(message));
    auto told = std::move(error).with_code("plan_required");
    if (plan)
        return fail(std::move(told).with_fact("required_plan", std::string(json::enum_name(*plan)))
        );
    return fail(std::move(told));
}

} // namespace

PlanTable::PlanTable() {
    free = {2, 3, 2, 1, {}, 0};
    starter = {5, 10, 5, 2, names({feature::api}), 0};
    pro = {{}, {}, {}, {}, names({feature::api, feature::granular_permissions, feature::audit_log}),
           30};
    agency = {{}, {}, {}, {}, names({}), 365};
    for (auto one : all_features) agency.features.emplace_back(one);
}

Result<Plans> Plans::load(const std::filesystem::path& file) {
    Plans plans;
    FAIRLEAD_TRY(given, config::load<GivenPlans>(file));
    PlanTable table;
    if (given.free) table.free = std::move(*given.free);
    if (given.starter) table.starter = std::move(*given.starter);
    if (given.pro) table.pro = std::move(*given.pro);
    if (given.agency) table.agency = std::move(*given.agency);
    for (const auto* terms : {&table.free, &table.starter, &table.pro, &table.agency})
        for (const auto& name : terms->features)
            if (!is_feature(name))
                return fail(
                    Errc::invalid, file.string() + ": there is no feature \"" + name +
                                       "\"; there are " +
                                       fmt::format("{}", fmt::join(all_features, ", ")) + "."
                );
    plans.table_ = std::move(table);
    return plans;
}

const PlanTerms& Plans::terms(Plan plan) const {
    switch (plan) {
    case Plan::free:
        return table_.free;
    case Plan::starter:
        return table_.starter;
    case Plan::pro:
        return table_.pro;
    case Plan::agency:
        break;
    }
    return table_.agency;
}

bool Plans::has(Plan plan, std::string_view feature) const {
    const auto& features = terms(plan).features;
    return std::find(features.begin(), features.end(), feature) != features.end();
}

Result<> Plans::require(Plan plan, std::string_view feature) const {
    if (has(plan, feature)) return {};
    std::optional<Plan> least;
    for (auto one : all_plans)
        if (!least && has(one, feature)) least = one;
    auto words = std::string(feature);
    std::replace(words.begin(), words.end(), '_', ' ');
    return plan_required(
        fmt::format(
            "The plan {} does not include \"{}\"{}. An owner can change the plan.",
            json::enum_name(plan), words,
            least ? fmt::format("; the plan {} does", json::enum_name(*least)) : ""
        ),
        least
    );
}

Result<> Plans::require_room(Plan plan, std::string_view what, std::int64_t count) const {
    auto limit = limit_of(terms(plan), what);
    if (!limit || count < static_cast<std::int64_t>(*limit)) return {};
    std::optional<Plan> least;
    for (auto one : all_plans) {
        auto other = limit_of(terms(one), what);
        if (!least && (!other || count < static_cast<std::int64_t>(*other))) least = one;
    }
    return plan_required(
        fmt::format(
            "The plan {} holds {} {}, and there are {}. Remove one, or let an owner change the "
            "plan.",
            json::enum_name(plan), *limit, what, count
        ),
        least
    );
}

bool Plans::is_feature(std::string_view name) {
    return std::find(all_features.begin(), all_features.end(), name) != all_features.end();
}

} // namespace fairlead::orgs
