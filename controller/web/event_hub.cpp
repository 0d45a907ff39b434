#include "controller/web/event_hub.hpp"

#include "common/net/http_server.hpp"
#include "controller/api/readers.hpp"

#include <boost/asio/post.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace fairlead::web {
namespace {

constexpr std::size_t piece_bytes = 64 << 10;

std::size_t size_of(const api::Event& event) {
    return event.data.size() + event.type.size() + 200;
}

} // namespace

std::string format_event(std::uint64_t id, std::string_view type, std::string_view data) {
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, type, data);
}

EventHub::EventHub(Executor executor, Timestamp start, EventHubLimits limits)
    : executor_(std::move(executor)), limits_(limits),
      newest_(static_cast<std::uint64_t>(to_ms(start)) * 1000), oldest_missing_(newest_) {}

EventHub::~EventHub() = default;

void EventHub::publish(api::Event event) {
    if (hears_) hears_(event);
    bool post = false;
    {
        std::scoped_lock lock(mutex_);
        kept_bytes_ += size_of(event);
        kept_.push_back({++newest_, std::move(event)});
        while (kept_.size() > limits_.events || kept_bytes_ > limits_.bytes) {
            kept_bytes_ -= size_of(kept_.front().event);
            oldest_missing_ = kept_.front().id;
            kept_.pop_front();
        }
        post = !std::exchange(notify_pending_, true);
    }
    if (post) asio::post(executor_, [this] { notify_all(); });
}

std::uint64_t EventHub::position() const {
    std::scoped_lock lock(mutex_);
    return newest_;
}

bool EventHub::can_resume(std::uint64_t id) const {
    std::scoped_lock lock(mutex_);
    return id >= oldest_missing_ && id <= newest_;
}

void EventHub::end_streams(std::string bond) {
    if (hears_ends_) hears_ends_(bond);
    asio::post(executor_, [this, bond = std::move(bond)] {
        for (auto& stream : streams_) {
            if (std::ranges::find(stream.bonds, bond) == stream.bonds.end()) continue;
            stream.ended = true;
            stream.news.notify();
        }
    });
}

void EventHub::notify_all() {
    {
        std::scoped_lock lock(mutex_);
        notify_pending_ = false;
    }
    for (auto& stream : streams_) stream.news.notify();
}

std::string EventHub::take(
    const api::EventStream& what, std::uint64_t& position, bool& last, bool& lost
) const {
    std::string text;
    std::scoped_lock lock(mutex_);
    lost = position < oldest_missing_;
    if (lost) return text;
    auto next = std::upper_bound(
        kept_.begin(), kept_.end(), position,
        [](std::uint64_t id, const Kept& kept) { return id < kept.id; }
    );
    for (; next != kept_.end() && text.size() < piece_bytes && !last; ++next) {
        position = next->id;
        if (!api::concerns(next->event, what)) continue;
        text += format_event(next->id, next->event.type, next->event.data);
        last = next->event.final;
    }
    return text;
}

Task<> EventHub::serve(api::EventStream what, net::BodyWriter& writer) {
    auto mine = streams_.emplace(streams_.end(), executor_, what);
    struct Leave {
        std::list<Stream>& streams;
        std::list<Stream>::iterator where;
        ~Leave() { streams.erase(where); }
    } leave{streams_, mine};

    auto position = what.after.value_or(this->position());
    // A comment at once: the headers reach the client, and it knows that the stream is open.
    auto first = ": welcome\n\n" + what.first;
    auto sent = co_await writer.write(first);
    bool last = what.ends;
    using std::chrono::steady_clock;
    auto end = what.lasts ? std::optional(steady_clock::now() + *what.lasts) : std::nullopt;
    while (sent && !last && !mine->ended) {
        bool lost = false;
        auto piece = take(what, position, last, lost);
        if (lost) co_return;
        if (!piece.empty()) {
            sent = co_await writer.write(piece);
            continue;
        }
        auto patience = std::chrono::milliseconds(limits_.comment);
        if (end) {
            auto left = std::chrono::ceil<std::chrono::milliseconds>(*end - steady_clock::now());
            if (left.count() <= 0) co_return;
            patience = std::min(patience, left);
        }
        bool news = co_await mine->news.wait_for(patience);
        if (!news) sent = co_await writer.write(": still here\n\n");
    }
}

} // namespace fairlead::web
