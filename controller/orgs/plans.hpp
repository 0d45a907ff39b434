/// What each plan holds: limits and features, as data. `plans.yaml` beside controller.yaml replaces
/// the defaults, which are those of SPEC section 3.
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::orgs {

BOOST_DEFINE_ENUM_CLASS(Plan, free, starter, pro, agency)

/// Names of features that routes ask for (x-feature).
namespace feature {
inline constexpr std::string_view api = "api";
inline constexpr std::string_view granular_permissions = "granular_permissions";
inline constexpr std::string_view audit_log = "audit_log";
inline constexpr std::string_view audit_export = "audit_export";
inline constexpr std::string_view custom_roles = "custom_roles";
inline constexpr std::string_view connect_as = "connect_as";
} // namespace feature

/// One plan. A limit that is not set is none.
struct PlanTerms {
    std::optional<std::uint32_t> projects;
    std::optional<std::uint32_t> environments;
    std::optional<std::uint32_t> members;
    std::optional<std::uint32_t> servers;
    std::vector<std::string> features;
    std::uint32_t audit_days = 0; ///< how long the text of audit entries is kept
};
BOOST_DESCRIBE_STRUCT(
    PlanTerms, (), (projects, environments, members, servers, features, audit_days)
)

struct PlanTable {
    PlanTable();
    PlanTerms free, starter, pro, agency;
};
BOOST_DESCRIBE_STRUCT(PlanTable, (), (free, starter, pro, agency))

/// Read at start, then only looked at; thread-safe.
class Plans {
public:
    /// The defaults.
    Plans() = default;
    /// Errc::invalid with the line for unknown keys and features.
    /// A plan that the file does not name keeps its default; of one that it names, what is left out
    /// is no limit and no feature.
    static Result<Plans> load(const std::filesystem::path& file);

    const PlanTerms& terms(Plan plan) const;
    bool has(Plan plan, std::string_view feature) const;
    /// Errc::forbidden (plan_required, facts feature and required_plan) unless the plan has it.
    Result<> require(Plan plan, std::string_view feature) const;
    /// The same (fact limit) when there are `count` of them already; `what` is what people call
    /// them: "projects", "environments", "members" or "servers".
    Result<> require_room(Plan plan, std::string_view what, std::int64_t count) const;

    static bool is_feature(std::string_view name);

private:
    PlanTable table_;
};

} // namespace fairlead::orgs
