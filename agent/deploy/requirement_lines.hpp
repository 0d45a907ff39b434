/// Requirement files of pip, for organizations that list where code may come from.
#pragma once

#include "common/runtime/result.hpp"

#include <string_view>

namespace fairlead::deploy {

/// Every line, as pip reads the file, names packages of the index that the server's pip goes to:
/// no address (pip follows redirects wherever they lead), no path, no variable, no other index, no
/// other file. Errc::forbidden, code "requirement_address", with the beginning of the line.
Result<> check_named_packages(std::string_view requirements);

} // namespace fairlead::deploy
