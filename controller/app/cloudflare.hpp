/// Cloudflare before the edge, as the settings have it.
#pragma once

#include "common/net/tls_context.hpp"
#include "controller/app/settings.hpp"
#include "controller/cloudflare/hostnames.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::app {

/// Null without `edge: cloudflare` in the settings.
const CloudflareSettings* cloudflare_settings(const Settings& settings);

/// Null likewise. Throws what is wrong with the files that the settings name.
std::unique_ptr<cloudflare::ZoneApi> make_zone_api(const Settings& settings);

std::optional<cloudflare::Zone> cloudflare_zone(const Settings& settings);

/// What `edge: cloudflare` names, looked at: the token's file, the authorities, the way.
std::vector<std::string> cloudflare_surroundings(const Settings& settings);

} // namespace fairlead::app
