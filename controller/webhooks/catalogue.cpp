#include "controller/webhooks/catalogue.hpp"

#include <algorithm>
#include <array>

namespace fairlead::webhooks {
namespace {

using namespace std::string_view_literals;

constexpr std::array types{
    "deployment.started"sv,
    "deployment.succeeded"sv,
    "deployment.failed"sv,
    "deployment.cancelled"sv,
    "deployment.rolled_back"sv,
    "environment.created"sv,
    "environment.deleted"sv,
    "environment.started"sv,
    "environment.stopped"sv,
    "environment.restarted"sv,
    "environment.status_changed"sv,
    "backup.succeeded"sv,
    "backup.failed"sv,
    "drill.succeeded"sv,
    "drill.failed"sv,
    "server.enrolled"sv,
    "server.online"sv,
    "server.offline"sv,
    "server.revoked"sv,
    "domain.verified"sv,
    "domain.failed"sv,
    "audit.checkpoint"sv,
    "alert.fired"sv,
    "alert.cleared"sv};

} // namespace

std::span<const std::string_view> event_types() {
    return types;
}

bool is_event_type(std::string_view type) {
    return std::ranges::find(types, type) != types.end();
}

bool settles(std::string_view type) {
    return type == "server.online" || type == "server.offline" ||
           type == "environment.status_changed";
}

bool told_once(std::string_view type) {
    return type == "deployment.started";
}

Settling settling(std::string_view earlier, std::string_view later) {
    if (!settles(earlier) || !settles(later)) return Settling::none;
    if (earlier == later) return Settling::replace;
    return earlier.starts_with("server.") && later.starts_with("server.") ? Settling::cancel
                                                                          : Settling::none;
}

} // namespace fairlead::webhooks
