#include "controller/cloudflare/judgement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace fairlead::cloudflare {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::array<milliseconds, 9> while_waiting{15s,   30s,   1min,  2min, 5min,
                                                    10min, 20min, 30min, 1h};
constexpr std::array<milliseconds, 5> where_failed{5min, 15min, 1h, 3h, 6h};
constexpr std::array<milliseconds, 1> where_issued{12h};
constexpr std::array<milliseconds, 5> pauses{30s, 1min, 5min, 15min, 1h};

constexpr auto least_named = 1s, most_named = 3600s;

// Between the two clocks, and for a request that is carried out after its answer was given up.
constexpr auto earlier = 2min, later = 3min;

milliseconds at_of(std::span<const milliseconds> steps, std::int64_t count, double chance) {
    auto last = static_cast<std::int64_t>(steps.size()) - 1;
    auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(count - 1, 0, last));
    auto pause = static_cast<double>(steps[at].count());
    return milliseconds(static_cast<std::int64_t>(pause * (0.8 + 0.4 * chance)));
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

} // namespace

Verdict judge(const Remote& remote, const std::string& target) {
    auto said = remote.complaint.empty() ? std::string() : " Cloudflare said: " + remote.complaint;
    auto lead = "Set a CNAME record of this name to " + target + ".";
    if (one_of(remote.status, {"blocked", "pending_blocked", "test_blocked"}))
        return {
            State::failed, "cloudflare_blocked",
            "Cloudflare serves nothing under this name: it is blocked there. Its abuse team knows "
            "why." +
                said};
    if (one_of(remote.status, {"moved", "pending_migration"}))
        return {
            State::failed, "cloudflare_moved", "The name leads elsewhere now. " + lead + said,
            true};
    if (remote.ssl_status.ends_with("timed_out") ||
        one_of(remote.ssl_status, {"expired", "inactive"}))
        return {
            State::failed, "cloudflare_validation",
            "Cloudflare could not see that the name leads to it, and gave up; it is asked to try "
            "again. " +
                lead + said,
            true};
    if (one_of(remote.status, {"active", "active_redeploying"}) &&
        one_of(remote.ssl_status, {"active", "pending_expiration", "pending_cleanup"}))
        return {State::issued, "", ""};
    if (!said.empty()) return {State::waiting, "cloudflare_pending", lead + said};
    return {State::waiting, "", ""};
}

milliseconds next_look(State state, std::int64_t looks, double chance) {
    switch (state) {
    case State::waiting:
        return at_of(while_waiting, looks, chance);
    case State::failed:
        return at_of(where_failed, looks, chance);
    case State::issued:
        break;
    }
    return at_of(where_issued, looks, chance);
}

milliseconds pause_after(const Error& why, std::int64_t failures, double chance) {
    for (const auto& [name, value] : why.facts()) {
        if (name != "retry_after_s") continue;
        std::int64_t seconds = 0;
        std::from_chars(value.data(), value.data() + value.size(), seconds);
        return std::clamp<milliseconds>(
            std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 1'000'000)), least_named,
            most_named
        );
    }
    // Counted over five minutes there.
    if (why.code() == "cloudflare_rate_limited") failures = std::max<std::int64_t>(failures, 3);
    // Put right here, and then nobody shall wait long.
    if (why.code() == "egress_missing") failures = 1;
    return at_of(pauses, failures, chance);
}

bool made_by(Timestamp asked, const Remote& found) {
    return found.created && *found.created >= asked - earlier && *found.created <= asked + later;
}

bool may_come(Timestamp asked, Timestamp now) {
    return now <= asked + later;
}

} // namespace fairlead::cloudflare
