/// The schema of the whole controller: every subject's scripts in one numbered list.
#pragma once

#include "common/store/migration.hpp"

#include <span>

namespace fairlead::app {

std::span<const store::Migration> schema();

} // namespace fairlead::app
