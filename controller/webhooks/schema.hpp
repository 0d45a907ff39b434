/// The tables of webhooks.
#pragma once

#include <string_view>

namespace fairlead::webhooks {

extern const std::string_view first_tables;

} // namespace fairlead::webhooks
