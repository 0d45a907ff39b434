/// The tables of domains.
#pragma once

#include <string_view>

namespace fairlead::domains {

extern const std::string_view first_tables, counted_looks;

} // namespace fairlead::domains
