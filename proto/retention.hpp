/// Which backups stay. Here, because the console's preview and the server must agree.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/time_zone.hpp"
#include "proto/operations.hpp"

#include <string>
#include <vector>

namespace fairlead::proto {

struct Candidate {
    std::string id;
    Timestamp at;
    bool good = true; ///< false: known to be damaged, or its drill failed
};

/// Why one stays. `everything`: all numbers are 0. `newest`: the newest good one always stays.
/// `no_better`: not good, and no good one is newer.
enum class KeepRule { last, hourly, daily, weekly, monthly, yearly, everything, newest, no_better };

/// "last", "hourly", …
std::string_view name_of(KeepRule rule);

struct Kept {
    std::string id;
    std::vector<KeepRule> rules; ///< at least one
};

/// Both newest first; together they are all candidates.
struct RetentionPlan {
    std::vector<Kept> kept;
    std::vector<std::string> remove;
};

/// Good ones only count for a rule: `daily` 7 keeps the newest of each of the last seven days (in
/// `zone`) that have a good one, and so on. Two at one time are told apart by their ids. What is
/// applied twice removes nothing more; larger numbers never remove more.
RetentionPlan
plan_retention(std::vector<Candidate> candidates, const Retention& retention, const TimeZone& zone);

} // namespace fairlead::proto
