#include "controller/environments/masking.hpp"

#include "common/json/json.hpp"
#include "controller/api/change.hpp"
#include "proto/messages.hpp"

#include <set>

namespace fairlead::environments {

std::vector<proto::PersonalData>
masks_of(const std::optional<std::vector<proto::PersonalData>>& asked) {
    std::set<proto::PersonalData> each;
    if (asked) each.insert(asked->begin(), asked->end());
    return {each.begin(), each.end()};
}

boost::json::array names_of(const std::vector<proto::PersonalData>& mask) {
    boost::json::array names;
    for (auto one : mask) names.emplace_back(json::enum_name(one));
    return names;
}

Result<> check_masking(const Environment& target, const std::vector<proto::PersonalData>& mask) {
    if (mask.empty() || target.server_protocol >= proto::masking_since) return {};
    return api::conflict(
        "agent_too_old", "The agent on the server of " + target.name +
                             " cannot mask personal data yet, and would leave them as they are. "
                             "Update it first."
    );
}

} // namespace fairlead::environments
