/// Tables of access; `app` numbers the scripts in the list of the whole program.
#pragma once

#include <string_view>

namespace fairlead::access {

extern const std::string_view first_tables;
extern const std::string_view idempotency_table;
extern const std::string_view proofs;
extern const std::string_view keys_and_rates;
extern const std::string_view connect_and_support;

extern const std::string_view second_factor_tables;
extern const std::string_view passkey_table;

} // namespace fairlead::access
