/// The tables of certificates.
#pragma once

#include <string_view>

namespace fairlead::certificates {

extern const std::string_view first_tables;
extern const std::string_view asked_column;

} // namespace fairlead::certificates
