#include "controller/webhooks/turns.hpp"

#include <algorithm>

namespace fairlead::webhooks {

void Turns::queue(const WebhookId& webhook, Entry& entry, Timestamp at) {
    entry.due = at;
    entry.place = ++places_;
    queue_.emplace(at, entry.place, webhook);
}

void Turns::leave(const WebhookId& webhook, const Entry& entry) {
    if (entry.due && !entry.busy) queue_.erase({*entry.due, entry.place, webhook});
}

void Turns::due(const Turn& turn, Timestamp at) {
    auto& entry = entries_[turn.webhook];
    entry.org = turn.org;
    if (entry.due && *entry.due <= at) return;
    if (entry.busy) {
        entry.due = at;
        return;
    }
    leave(turn.webhook, entry);
    queue(turn.webhook, entry, at);
}

bool Turns::may(const Entry& entry) const {
    if (in_flight_ >= limits_.in_flight) return false;
    if (entry.slow && slow_ >= limits_.slow) return false;
    auto org = by_org_.find(entry.org);
    return org == by_org_.end() || org->second < limits_.per_org;
}

std::optional<Turn> Turns::take(Timestamp now) {
    if (in_flight_ >= limits_.in_flight) return std::nullopt;
    for (auto place = queue_.begin(); place != queue_.end(); ++place) {
        const auto& [at, number, webhook] = *place;
        if (at > now) break;
        auto& entry = entries_.at(webhook);
        if (!may(entry)) continue;
        Turn turn{entry.org, webhook};
        queue_.erase(place);
        entry.busy = true;
        entry.due.reset();
        ++in_flight_;
        if (entry.slow) ++slow_;
        ++by_org_[entry.org];
        return turn;
    }
    return std::nullopt;
}

void Turns::give_back(const Turn& turn, Pace pace, std::optional<Timestamp> next, Timestamp now) {
    auto found = entries_.find(turn.webhook);
    if (found == entries_.end() || !found->second.busy) return;
    auto& entry = found->second;
    entry.busy = false;
    --in_flight_;
    if (entry.slow) --slow_;
    if (auto org = by_org_.find(entry.org); --org->second == 0) by_org_.erase(org);
    entry.slow = pace == Pace::slow;
    auto meanwhile = std::exchange(entry.due, std::nullopt);
    if (next && meanwhile)
        next = std::min(*next, *meanwhile);
    else if (!next)
        next = meanwhile;
    // Behind everybody who is ready already.
    if (next)
        queue(turn.webhook, entry, std::max(*next, now));
    else if (!entry.slow)
        entries_.erase(found);
}

void Turns::forget(const WebhookId& webhook) {
    auto found = entries_.find(webhook);
    // One that is busy goes when it is given back.
    if (found == entries_.end() || found->second.busy) return;
    leave(webhook, found->second);
    entries_.erase(found);
}

std::optional<Timestamp> Turns::next_at(Timestamp now) const {
    auto place = queue_.upper_bound({now, UINT64_MAX, WebhookId()});
    if (place == queue_.end()) return std::nullopt;
    return std::get<0>(*place);
}

} // namespace fairlead::webhooks
