/// From a membership to the permissions that it holds.
#pragma once

#include "controller/orgs/standing.hpp"

#include <memory>
#include <set>
#include <string>

namespace fairlead::access {

using Rights = std::set<std::string, std::less<>>;

/// Owners hold everything. Others hold what their role says, with what was granted and without what
/// was withdrawn for them, as long as the plan knows such adjustments: a lower plan counts what was
/// withdrawn and leaves out what was granted. Limited to projects, only what is about projects
/// stays. Never null.
std::shared_ptr<const Rights> rights_of(const orgs::Standing& standing, bool adjustments);

} // namespace fairlead::access
