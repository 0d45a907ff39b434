/// What PostgreSQL's programs say of a failure, fit to be sent away.
#pragma once

#include <string>
#include <string_view>

namespace fairlead::host {

/// Without what it quotes of rows: no DETAIL, CONTEXT, LINE or statement, and no value behind a
/// colon
/// ("invalid input syntax for type integer: …"). Names of tables and files stay. In English, as
/// programs without a locale speak.
std::string without_values(std::string_view said);

} // namespace fairlead::host
