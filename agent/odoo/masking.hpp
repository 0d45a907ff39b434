/// Personal data of a copy, masked by SQL.
#pragma once

#include "proto/operations.hpp"

#include <string>
#include <vector>

namespace fairlead::odoo {

/// Masks what `wanted` names, in whichever tables and columns of these the database has; may be run
/// again. What people of the company itself work with stays: the partners of companies and of
/// internal users, so that staff can log in and find its way.
std::string mask_query(const std::vector<proto::PersonalData>& wanted);

/// Paths of attachments whose first digit is `digit` ("0" to "f"), one a row.
std::string attachments_query(char digit);

} // namespace fairlead::odoo
