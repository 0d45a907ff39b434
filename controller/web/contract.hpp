/// /api/v1/openapi.json: the YAML contract as JSON.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::web {

/// Reads YAML's core schema: plain scalars may be null, booleans or numbers, quoted ones are
/// strings.
Result<std::string> json_from_yaml(std::string_view yaml);

} // namespace fairlead::web
