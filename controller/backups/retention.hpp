/// Which backups stay: the same rule by which servers remove them, for the preview alone.
#pragma once

#include "controller/backups/zone.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <vector>

namespace fairlead::backups {

BOOST_DEFINE_ENUM_CLASS(Rule, newest, everything, last, hourly, daily, weekly, monthly, yearly)

/// For each of `ends` (when good backups finished, newest first) the rules that keep it, none where
/// it would go. `last` keeps the newest n; the others keep the newest backup of each of the newest
/// n hours, days, weeks, months and years that have one, in local time. The newest one always
/// stays, and all do where no rule is set.
std::vector<std::vector<Rule>>
kept_by(const std::vector<Timestamp>& ends, const proto::Retention& retention, const Zone& zone);

} // namespace fairlead::backups
