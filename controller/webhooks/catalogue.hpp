/// The events that webhooks can be told.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

namespace fairlead::webhooks {

/// As the contract's WebhookEvent names them.
std::span<const std::string_view> event_types();
bool is_event_type(std::string_view type);

/// Sent when somebody asks for it, whatever was chosen.
inline constexpr std::string_view test_event = "webhook.test";

/// What becomes of an event when another one about the same thing is still held.
enum class Settling {
    none,    ///< both are sent
    replace, ///< this one is sent in its place, at its time
    cancel   ///< neither is: it takes back what the other says
};
Settling settling(std::string_view earlier, std::string_view later);

/// Events of things that can change many times a second wait so long before they are sent, so
/// that a server whose link flaps costs a row in this time at most.
inline constexpr auto settling_time = std::chrono::seconds(10);
bool settles(std::string_view type);
/// Told once of each thing, however often it is decided: an operation starts again for the
/// controller when a link comes back.
bool told_once(std::string_view type);

} // namespace fairlead::webhooks
