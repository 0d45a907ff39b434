/// Checks that several routes of this subject share.
#pragma once

#include "controller/api/checks.hpp"

#include <map>
#include <string>
#include <string_view>

namespace fairlead::fleet {

/// 1 to 64 of A-Z a-z 0-9 . _ -, letters or digits at the ends.
void check_server_name(api::Checks& checks, std::string_view field, std::string_view name);
/// For people: 1 to 80 characters, one line, no space at the ends.
void check_short_name(api::Checks& checks, std::string_view field, std::string_view name);
void check_labels(
    api::Checks& checks, std::string_view field, const std::map<std::string, std::string>& labels
);

} // namespace fairlead::fleet
