#include "controller/access/rights.hpp"

#include "common/json/json.hpp"
#include "controller/access/permissions.hpp"

#include <vector>

namespace fairlead::access {
namespace {

/// What this program wrote itself.
std::vector<std::string> stored(const std::string& text) {
    return json::decode<std::vector<std::string>>(text, json::Strictness::lenient)
        .value_or(std::vector<std::string>());
}

} // namespace

std::shared_ptr<const Rights> rights_of(const orgs::Standing& standing, bool adjustments) {
    static const auto everything = std::make_shared<const Rights>(permissions_of("admin"));
    if (standing.owner) return everything;
    Rights rights;
    if (standing.role_permissions) {
        for (auto& code : stored(*standing.role_permissions))
            if (is_permission(code)) rights.insert(std::move(code));
    } else {
        rights = permissions_of(standing.role);
    }
    if (adjustments)
        for (auto& code : stored(standing.granted))
            if (is_permission(code)) rights.insert(std::move(code));
    for (const auto& code : stored(standing.withdrawn)) rights.erase(code);
    if (standing.limited)
        std::erase_if(rights, [](const auto& code) {
            return !limited_permissions().contains(code);
        });
    return std::make_shared<const Rights>(std::move(rights));
}

} // namespace fairlead::access
