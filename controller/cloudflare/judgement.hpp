/// What Cloudflare's states mean here, and when they are looked at again. Plain functions.
#pragma once

#include "controller/cloudflare/hostname.hpp"
#include "controller/cloudflare/zone_api.hpp"

#include <chrono>
#include <string>

namespace fairlead::cloudflare {

struct Verdict {
    State state = State::waiting;
    std::string code, message; ///< "" where nothing is wrong
    bool stuck = false;        ///< until its validation is begun anew
};

/// `target`: what the name's CNAME has to be.
Verdict judge(const Remote& remote, const std::string& target);

/// After the `looks`th look in a row (1 …) that found it so: 15 s growing to an hour while it
/// waits, 5 min growing to six hours where it failed, and every 12 h once it is active; moved by up
/// to a fifth by `chance` (0 … 1).
std::chrono::milliseconds next_look(State state, std::int64_t looks, double chance);

/// How long nobody asks after the `failures`th failure in a row (1 …) that concerns all names;
/// where Cloudflare named a time, that, up to an hour.
std::chrono::milliseconds pause_after(const Error& why, std::int64_t failures, double chance);

/// Whether what the zone has under the name is from our POST at `asked`, whose answer did not come:
/// there was nothing just before it, and this was made with it.
bool made_by(Timestamp asked, const Remote& found);
/// Whether that POST may still be carried out.
bool may_come(Timestamp asked, Timestamp now);

} // namespace fairlead::cloudflare
