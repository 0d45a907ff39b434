/// The tables of roll-outs of the agent.
#pragma once

#include <string_view>

namespace fairlead::updates {

extern const std::string_view first_tables;

} // namespace fairlead::updates
