/// Whether a release is still what was deployed.
#pragma once

#include "agent/deploy/records.hpp"

#include <string>

namespace fairlead::deploy {

/// Whether somebody changed the files of a release: every shared tree, the Python packages, its own
/// files. The first changed path, "" for none.
Result<std::string> altered(const Layout& layout, const Place& place, const ReleaseRecord& release);

} // namespace fairlead::deploy
