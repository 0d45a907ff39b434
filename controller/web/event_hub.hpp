/// Server-Sent Events: numbers what subjects publish, keeps the newest, and lets each open stream
/// read on from where it is.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "controller/api/events.hpp"
#include "controller/api/response.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace fairlead::net {
class BodyWriter;
}

namespace fairlead::web {

struct EventHubLimits {
    std::size_t events = 16'384; ///< kept for streams that come back
    std::size_t bytes = 16 << 20;
    std::size_t streams = 2'000; ///< open at once
    std::chrono::seconds comment{
        20}; ///< a comment line after this much silence, so that proxies keep the stream
};

/// There is no queue per stream: each remembers the number of the last event it sent and takes the
/// next ones from what is kept. One that is slower than that is ended; its client comes back with
/// Last-Event-ID and is brought up to date.
class EventHub final : public api::EventSink {
public:
    /// Numbers start from the clock, so that they grow over restarts too.
    EventHub(Executor executor, Timestamp start, EventHubLimits limits = EventHubLimits());
    ~EventHub() override;

    void publish(api::Event event) override;
    /// Hears of every event, on the thread of who publishes it: be quick, and publish nothing. To
    /// be set before the first.
    void on_publish(std::function<void(const api::Event&)> hears) { hears_ = std::move(hears); }
    /// Hears of every bond whose streams end, on the thread of who ends them: for what else hangs
    /// on it. To be set before the first.
    void on_end(std::function<void(const std::string&)> hears) { hears_ends_ = std::move(hears); }
    std::uint64_t position() const override;
    bool can_resume(std::uint64_t id) const override;

    void end_streams(std::string bond) override;

    // ---- on the executor's thread ----

    /// True while one more stream may be opened.
    bool has_room() const { return streams_.size() < limits_.streams; }
    std::size_t streams() const { return streams_.size(); }
    /// Sends until the stream ends by itself, by a bond, by its time, or by the peer.
    Task<> serve(api::EventStream what, net::BodyWriter& writer);

private:
    struct Kept {
        std::uint64_t id;
        api::Event event;
    };
    struct Stream {
        Stream(Executor executor, const api::EventStream& stream)
            : news(executor), bonds(stream.bonds) {}
        Event news;
        std::vector<std::string> bonds;
        bool ended = false;
    };
    /// The next events for `what` after `position` as text, at most 64 KiB; moves `position` on.
    /// `last` is set when the stream is complete, `lost` when events are gone that it should have
    /// seen.
    std::string
    take(const api::EventStream& what, std::uint64_t& position, bool& last, bool& lost) const;
    void notify_all();

    Executor executor_;
    EventHubLimits limits_;
    std::function<void(const api::Event&)> hears_;
    std::function<void(const std::string&)> hears_ends_;
    mutable std::mutex mutex_;
    std::deque<Kept> kept_;
    std::size_t kept_bytes_ = 0;
    std::uint64_t newest_;
    std::uint64_t oldest_missing_; ///< everything above this id is kept
    bool notify_pending_ = false;
    std::list<Stream> streams_;
};

/// One event in the format of the HTML standard's event streams; `data` holds no line break (JSON).
std::string format_event(std::uint64_t id, std::string_view type, std::string_view data);

} // namespace fairlead::web
