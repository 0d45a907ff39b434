/// Tables of orgs; `app` numbers the scripts in the list of the whole program.
#pragma once

#include <string_view>

namespace fairlead::orgs {

extern const std::string_view first_tables;
extern const std::string_view roles_and_settings;
extern const std::string_view invitations;
extern const std::string_view invitation_letters;

} // namespace fairlead::orgs
