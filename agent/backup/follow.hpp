/// Watches an operation of this server from another process of root's.
#pragma once

#include "agent/deploy/layout.hpp"
#include "common/runtime/result.hpp"

#include <string>

namespace fairlead::backup {

/// Prints steps as they begin, until the operation is over; its failure is the error.
Result<> follow(const deploy::Layout& layout, const std::string& operation);

} // namespace fairlead::backup
