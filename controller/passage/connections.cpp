#include "controller/passage/connections.hpp"

#include "common/async/cancelled.hpp"
#include "common/async/event.hpp"
#include "common/async/offload.hpp"
#include "common/async/within.hpp"
#include "common/runtime/log.hpp"
#include "proto/messages.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace fairlead::passage {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t piece = 32 * 1024;

} // namespace

/// One connection. The first reason for its end counts.
struct Connections::Open {
    Open(Executor executor, Offer what, net::WebSocket& with)
        : offer(std::move(what)), socket(with), both(executor) {}

    void end(End why) {
        if (over.code == 0) over = std::move(why);
        both.cancel();
    }

    Offer offer;
    net::WebSocket& socket;
    TaskGroup both;
    End over;
    bool broken = false;  // the socket is not to be used any more
    bool writing = false; // a write that is cancelled leaves the socket unusable
    bool blocked = false; // the server takes nothing at the moment, so the socket is not read
    std::string name;     // of its entry in the audit log, once that is written
    Steady::time_point since = Steady::now();
};

End end_of_reset(std::uint32_t code) {
    using proto::StreamEnd;
    if (code == static_cast<std::uint32_t>(StreamEnd::not_offered)) return {4404, "not_offered"};
    if (code == static_cast<std::uint32_t>(StreamEnd::unreachable))
        return {4502, "sshd_unreachable"};
    if (code == static_cast<std::uint32_t>(StreamEnd::denied)) return {4503, "denied"};
    if (code == static_cast<std::uint32_t>(StreamEnd::broken)) return {1000, "closed"};
    return {4503, "lost"};
}

std::optional<End> Connections::room_for(const api::SocketOffer& offer) const {
    std::size_t of_caller = 0, of_server = 0;
    for (const auto* one : open_) {
        of_caller += one->offer->caller->who.id() == offer.caller->who.id();
        of_server += one->offer->subject == offer.subject;
    }
    bool room = of_caller < limits_.of_caller && of_server < limits_.of_server &&
                open_.size() < limits_.of_all;
    if (room) return std::nullopt;
    return End{1013, "too_many_connections"};
}

Task<> Connections::serve(Offer offer, net::WebSocket socket) {
    Open open(parts_.executor, offer, socket);
    std::exception_ptr thrown;
    if (auto full = room_for(*offer)) {
        open.over = *full;
    } else if (ended_.any(offer->caller->who.bonds(), offer->caller->made)) {
        open.over = {4403, "access_ended"};
    } else {
        open_.push_back(&open);
        try {
            co_await converse(open);
        } catch (...) {
            thrown = std::current_exception();
        }
        std::erase(open_, &open);
    }
    auto asked = co_await asio::this_coro::cancellation_state;
    co_await asio::this_coro::reset_cancellation_state(); // a goodbye is said all the same
    bool stopped =
        asked.cancelled() != asio::cancellation_type::none || (thrown && is_cancellation(thrown));
    if (open.over.code == 0 && stopped) open.over = {1001, "going_away"};
    if (open.over.code == 0 && thrown) open.over = {1011, "failed"};
    if (open.over.code == 0) open.over = {1000, "closed"};
    if (!open.name.empty()) co_await write_end(open);
    if (open.broken || open.writing)
        socket.abort();
    else
        co_await socket.close(open.over.code, open.over.reason);
    if (thrown && !is_cancellation(thrown)) std::rethrow_exception(thrown);
}

Task<> Connections::converse(Open& open) {
    auto write = [&] { return parts_.journal.opened(*open.offer); };
    auto written = co_await offload(parts_.pool, write);
    if (!written) co_return open.end({4503, "busy"});
    open.name = *std::move(written);
    auto stream = co_await parts_.opener(open.offer);
    if (!stream) {
        const auto& code = stream.error().code();
        co_return open.end({4503, code.empty() ? "failed" : code});
    }
    // What ended while it was being opened stays ended.
    if (open.over.code == 0) co_await pass(open, *stream);
}

Task<> Connections::pass(Open& open, stream::Stream& stream) {
    co_await check_not_cancelled();
    open.both.spawn(inward(open, stream));
    open.both.spawn(outward(open, stream));
    open.both.spawn(end_in_time(open));
    co_await open.both.join();
}

/// From the client to the server. It is read when the server has taken what came before.
Task<> Connections::inward(Open& open, stream::Stream& stream) {
    for (;;) {
        auto message = co_await open.socket.read();
        if (!message) {
            open.broken = true;
            co_return open.end({1000, "closed"});
        }
        if (message->kind != net::MessageKind::binary) co_return open.end({4400, "bad_message"});
        open.blocked = true;
        auto taken = co_await stream.write(message->data);
        open.blocked = false;
        if (!taken) co_return open.end(end_of_reset(stream.reset_code()));
    }
}

/// From the server to the client.
Task<> Connections::outward(Open& open, stream::Stream& stream) {
    for (;;) {
        auto bytes = co_await within<std::string>(limits_.ping_after, stream.read(piece));
        if (!bytes && bytes.error().kind() == Errc::timeout) {
            auto silence = Steady::now() - open.socket.last_heard();
            open.writing = true;
            auto pinged = co_await open.socket.ping();
            open.writing = false;
            if (!pinged || (!open.blocked && silence > limits_.give_up_after)) {
                open.broken = true;
                co_return open.end({1000, "closed"});
            }
            continue;
        }
        if (!bytes) co_return open.end(end_of_reset(stream.reset_code()));
        if (bytes->empty()) co_return open.end({1000, "closed"});
        open.writing = true;
        auto sent = co_await open.socket.write(net::MessageKind::binary, *bytes);
        open.writing = false;
        if (!sent) {
            open.broken = true;
            co_return open.end({1000, "closed"});
        }
    }
}

Task<> Connections::end_in_time(Open& open) {
    auto left = open.offer->caller->who.lasts(parts_.clock.now());
    if (!left) co_return;
    co_await sleep_for(*left);
    open.end({4403, "access_ended"});
}

Task<> Connections::write_end(Open& open) {
    auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - open.since);
    auto write = [&]() -> Result<> {
        try {
            return parts_.journal.closed(*open.offer, open.name, open.over.reason, lasted);
        } catch (const std::exception& failed) {
            return fail(Errc::internal, failed.what());
        }
    };
    auto written = co_await offload(parts_.pool, write);
    if (!written)
        log::error(
            "the end of an ssh connection could not be written into the audit log",
            {{"server", open.offer->subject}, {"reason", written.error().message()}}
        );
}

void Connections::end_bond(const std::string& bond) {
    asio::post(parts_.executor, [this, bond, at = parts_.clock.now()] {
        ended_.note(bond, at);
        for (auto* open : open_) {
            auto bonds = open->offer->caller->who.bonds();
            if (std::ranges::find(bonds, bond) != bonds.end()) open->end({4403, "access_ended"});
        }
    });
}

} // namespace fairlead::passage
