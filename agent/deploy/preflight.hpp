/// The checks before a deployment. They look and touch nothing of any environment; git's mirrors,
/// which are a cache, are brought up to date by them.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/work.hpp"

#include <string>
#include <vector>

namespace fairlead::deploy {

/// Runs every check, also after one failed. Errc::conflict only when cancelled.
Result<proto::PreflightReport>
run_preflight(Site& site, const proto::EnvironmentSpec& environment, journal::Work& work);

/// The failed checks in one message, code "preflight_failed"; fine when none failed.
Result<> verdict(const proto::PreflightReport& report);

/// "1.5 GiB"
std::string human(std::uint64_t bytes);

} // namespace fairlead::deploy
