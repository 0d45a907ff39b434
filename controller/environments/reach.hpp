/// Where an environment is reached, and what is missing before it can be.
#pragma once

#include "controller/environments/environment_repo.hpp"
#include "controller/environments/release_repo.hpp"

#include <optional>
#include <string>

namespace fairlead::environments {

/// The address of what is live: "https://<first domain>" where it is exposed by domains, else the
/// port on its server. None before the first deployment.
std::optional<std::string>
address_of(const Environment& environment, const std::optional<Release>& live);

/// One sentence where the environment as it is wanted lacks what its exposure needs.
std::optional<std::string> exposure_detail(const Environment& environment, bool has_token);

} // namespace fairlead::environments
