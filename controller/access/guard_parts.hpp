/// What the files of Guard share; for them alone.
#pragma once

#include "controller/access/rates.hpp"
#include "controller/access/refused.hpp"
#include "controller/api/call.hpp"

namespace fairlead::access {

inline bool changes_nothing(api::Method method) {
    return method == api::Method::get || method == api::Method::head;
}

inline RateLimiter::Kind kind_of(api::Method method) {
    return changes_nothing(method) ? RateLimiter::Kind::read : RateLimiter::Kind::write;
}

} // namespace fairlead::access
