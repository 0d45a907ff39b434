/// When a certificate is asked for, and how often at most.
#pragma once

#include "common/runtime/clock.hpp"

#include <chrono>
#include <cstdint>

namespace fairlead::certificates {

/// Attempts within an hour: for one name, of one organization, and in all. Let's Encrypt lets one
/// account fail 5 times an hour for a name, and make 300 orders in three hours.
inline constexpr std::int64_t most_for_name = 5, most_of_org = 30, most_in_all = 80;
inline constexpr auto counted_for = std::chrono::hours(1);

/// From then on it counts as trouble that people are told of.
inline constexpr auto told_after = std::chrono::hours(24),
                      told_before_end = std::chrono::hours(24 * 7);
/// Names that people are told of in one go; the others have their turn with the next.
inline constexpr std::int64_t told_at_once = 500;

/// So long after it was issued nobody asks for the same again.
inline constexpr auto fresh_for = std::chrono::hours(24);

/// Two thirds of the life, moved by `chance` (0 … 1) by up to a fiftieth of it either way, so that
/// what was issued together is not renewed together.
Timestamp renewal_at(Timestamp not_before, Timestamp not_after, double chance);

/// After the `failures`th attempt in a row (1 …): 5 min, 15 min, 1 h, 3 h, 6 h, and 12 h from then
/// on, moved by up to a fifth.
std::chrono::milliseconds pause_after(std::int64_t failures, double chance);

/// The same where the authority wants less to be asked of it: an hour, 3 h, 6 h, then 12 h.
std::chrono::milliseconds pause_after_limit(std::int64_t failures, double chance);

} // namespace fairlead::certificates
