#include "controller/domains/judgement.hpp"

#include <algorithm>

namespace fairlead::domains {
namespace {

using std::chrono::milliseconds;

milliseconds moved(milliseconds pause, double chance) {
    return milliseconds(
        static_cast<std::int64_t>(static_cast<double>(pause.count()) * (0.8 + 0.4 * chance))
    );
}

milliseconds pause_after(std::int64_t tries) {
    constexpr std::int64_t doublings = 6; // beyond an hour
    auto pause =
        milliseconds(first_pause) * (1LL << std::clamp<std::int64_t>(tries - 1, 0, doublings));
    return std::min<milliseconds>(pause, longest_pause);
}

News end(Domain& domain, News news, Timestamp now) {
    domain.state = State::failed;
    domain.failed_ms = now;
    domain.expires_ms.reset();
    domain.next_check_ms.reset();
    return news;
}

News judge_pending(Domain& domain, const Looked& looked, bool taken, Timestamp now, double chance) {
    if (looked.finding == Finding::found && !taken) {
        domain.state = State::verified;
        domain.verified_ms = now;
        domain.tries = 0;
        domain.expires_ms.reset();
        domain.next_check_ms = now + moved(proved_pause, chance);
        return News::verified;
    }
    if (looked.finding == Finding::found) {
        domain.error_code = "domain_taken";
        domain.error_message =
            "The proof is there, but an organization here has proved this name, one above it or "
            "one below it before.";
    }
    ++domain.tries;
    auto expires = domain.expires_ms.value_or(now);
    if (now >= expires) return end(domain, News::expired, now);
    domain.next_check_ms = std::min(now + moved(pause_after(domain.tries), chance), expires);
    return News::none;
}

News judge_verified(Domain& domain, const Looked& looked, Timestamp now, double chance) {
    if (looked.finding == Finding::found) {
        bool was_failing = domain.failing_ms.has_value();
        domain.failing_ms.reset();
        domain.tries = 0;
        domain.next_check_ms = now + moved(proved_pause, chance);
        return was_failing ? News::restored : News::none;
    }
    ++domain.tries;
    // Nobody could say: that is no answer, and fails nothing.
    if (looked.finding == Finding::unknown) {
        domain.next_check_ms = now + moved(unknown_pause, chance);
        return News::none;
    }
    bool begins = !domain.failing_ms;
    if (begins) domain.failing_ms = now;
    auto until = *domain.failing_ms + grace;
    if (now >= until) return end(domain, News::failed, now);
    domain.next_check_ms = std::min(now + moved(failing_pause, chance), until);
    return begins ? News::failing : News::none;
}

} // namespace

News judge(Domain& domain, const Looked& looked, bool taken, Timestamp now, double chance) {
    if (domain.state == State::failed) return News::none;
    domain.checked_ms = now;
    domain.asked_ms.reset();
    domain.error_code = looked.code;
    domain.error_message = looked.message;
    bool found = looked.finding == Finding::found && !taken;
    if (found) domain.method = looked.method;
    return domain.state == State::pending ? judge_pending(domain, looked, taken, now, chance)
                                          : judge_verified(domain, looked, now, chance);
}

} // namespace fairlead::domains
