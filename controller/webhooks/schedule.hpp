/// When a delivery is tried again, and when no more.
#pragma once

#include "common/runtime/clock.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace fairlead::webhooks {

/// Attempts in one go: the first, and the retries after 5 s, 30 s, 2 min, 10 min, 1 h, 6 h, 24 h.
inline constexpr std::int64_t most_tries = 8;
inline constexpr auto longest_pause = std::chrono::hours(24);

/// The pause after the `tries`th attempt failed (1 …), moved by `chance` (0 … 1) by up to a fifth;
/// nothing after the last.
std::optional<std::chrono::milliseconds> pause_after(std::int64_t tries, double chance);

/// What a receiver asks for in `Retry-After` (RFC 9110, section 10.2.3: seconds or a date), from 0
/// to longest_pause; nothing where it is neither.
std::optional<std::chrono::milliseconds> retry_after(std::string_view value, Timestamp now);

} // namespace fairlead::webhooks
