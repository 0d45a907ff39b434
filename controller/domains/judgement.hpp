/// What a look at a claim means for it, and when it is looked at again.
#pragma once

#include "controller/domains/domain_repo.hpp"
#include "controller/domains/looking.hpp"

#include <chrono>

namespace fairlead::domains {

/// How long a claim may wait for its proof, and a proof that is gone for its return.
inline constexpr auto claim_time = std::chrono::hours(24 * 7), grace = std::chrono::hours(24 * 3);
/// Between two looks: at what is proved, at a proof that is gone, and where nobody could say.
inline constexpr auto proved_pause = std::chrono::hours(24), failing_pause = std::chrono::hours(6),
                      unknown_pause = std::chrono::hours(1);
/// At what is claimed: doubled each time.
inline constexpr std::chrono::minutes first_pause{1}, longest_pause{60};

/// What somebody is told of.
enum class News {
    none,
    verified, ///< proved for the first time
    failing,  ///< the proof is gone
    restored, ///< and there again
    failed,   ///< gone for too long; nothing is routed any more
    expired   ///< never proved
};

/// Changes `domain` by what was found. `taken`: another organization has proved it, or a name above
/// or below, since. `chance` (0 … 1) moves the next look by up to a fifth. A failed claim stays as
/// it is.
News judge(Domain& domain, const Looked& looked, bool taken, Timestamp now, double chance);

} // namespace fairlead::domains
