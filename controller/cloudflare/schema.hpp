/// The tables of Cloudflare's custom hostnames.
#pragma once

#include <string_view>

namespace fairlead::cloudflare {

extern const std::string_view first_tables;

} // namespace fairlead::cloudflare
