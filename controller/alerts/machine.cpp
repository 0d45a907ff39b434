#include "controller/alerts/machine.hpp"

#include <algorithm>

namespace fairlead::alerts {

bool Limits::is_bad(double value) const {
    return bad == Bad::below ? value <= threshold : value >= threshold;
}

bool Limits::is_good(double value) const {
    if (is_bad(value)) return false;
    return bad == Bad::below ? value >= clear : value <= clear;
}

Step step(const Limits& limits, const Standing& was, std::optional<double> value, Timestamp now) {
    bool told = was.state == State::firing || was.state == State::clearing;
    if (!value) {
        if (!told) return {{State::quiet, now}};
        return {was.state == State::firing ? was : Standing{State::firing, now}};
    }
    // A clock that was set back must not make anything last longer than it does.
    auto lasts = now - std::min(was.since, now);
    switch (was.state) {
    case State::quiet:
        if (!limits.is_bad(*value)) return {was};
        if (limits.wait.count() == 0) return {{State::firing, now}, News::fired};
        return {{State::pending, now}};
    case State::pending:
        if (!limits.is_bad(*value)) return {{State::quiet, now}};
        if (lasts >= limits.wait) return {{State::firing, now}, News::fired};
        return {{State::pending, std::min(was.since, now)}};
    case State::firing:
        if (!limits.is_good(*value)) return {was};
        if (limits.clear_wait.count() == 0) return {{State::quiet, now}, News::cleared};
        return {{State::clearing, now}};
    case State::clearing:
        if (!limits.is_good(*value)) return {{State::firing, now}};
        if (lasts >= limits.clear_wait) return {{State::quiet, now}, News::cleared};
        return {{State::clearing, std::min(was.since, now)}};
    }
    return {was};
}

} // namespace fairlead::alerts
