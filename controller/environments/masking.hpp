/// What is masked of the personal data that come into an environment.
#pragma once

#include "controller/environments/environment_repo.hpp"
#include "proto/operations.hpp"

#include <boost/json/array.hpp>

#include <optional>
#include <vector>

namespace fairlead::environments {

/// Each kind once, in the order of its enumeration.
std::vector<proto::PersonalData>
masks_of(const std::optional<std::vector<proto::PersonalData>>& asked);
/// Their names, for audit entries.
boost::json::array names_of(const std::vector<proto::PersonalData>& mask);
/// Errc::conflict (agent_too_old): an older agent would leave them as they are, and go ahead.
Result<> check_masking(const Environment& target, const std::vector<proto::PersonalData>& mask);

} // namespace fairlead::environments
