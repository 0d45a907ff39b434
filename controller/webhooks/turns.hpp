/// Whose turn it is: one delivery at a time for each webhook, in the order in which they became
/// ready, so that none waits for another one's backlog.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/webhooks/ids.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace fairlead::webhooks {

/// A webhook that may send one delivery now.
struct Turn {
    OrgId org;
    WebhookId webhook;
    bool operator==(const Turn&) const = default;
};

/// How the last attempt went. Those that were slow share a part of the workers, so that receivers
/// that hang never take all of them.
enum class Pace { quick, slow };

/// In memory alone, an entry for each webhook that has something to send; not thread-safe.
class Turns {
public:
    struct Limits {
        std::size_t in_flight = 16;
        std::size_t slow = 8;    ///< of those: for webhooks whose last attempt was slow
        std::size_t per_org = 4; ///< of those
    };
    explicit Turns(Limits limits) : limits_(limits) {}

    /// It has something to send from `at` on; the earliest counts.
    void due(const Turn& turn, Timestamp at);
    /// The one that has been ready for longest, of those that no limit holds up. It has no other
    /// turn until it is given back.
    std::optional<Turn> take(Timestamp now);
    /// `next`: when it has more to send, as the store says.
    void give_back(const Turn& turn, Pace pace, std::optional<Timestamp> next, Timestamp now);
    /// It is gone.
    void forget(const WebhookId& webhook);

    /// When take() may give something that it does not give now; nothing: not before something
    /// becomes due or is given back.
    std::optional<Timestamp> next_at(Timestamp now) const;
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        OrgId org;
        bool busy = false;
        bool slow = false;
        std::optional<Timestamp> due; ///< ready at this time; while busy: what came meanwhile
        std::uint64_t place = 0;      ///< of its place in the queue
    };
    using Place = std::tuple<Timestamp, std::uint64_t, WebhookId>;

    bool may(const Entry& entry) const;
    void queue(const WebhookId& webhook, Entry& entry, Timestamp at);
    void leave(const WebhookId& webhook, const Entry& entry);

    Limits limits_;
    std::map<WebhookId, Entry> entries_;
    std::set<Place> queue_; ///< those that are not busy, by when they are ready
    std::map<OrgId, std::size_t> by_org_;
    std::size_t in_flight_ = 0, slow_ = 0;
    std::uint64_t places_ = 0;
};

} // namespace fairlead::webhooks
