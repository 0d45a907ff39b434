#include "agent/link/tunnel.hpp"

#include "common/async/within.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace fairlead::link {

namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto connect_time = 5s;
constexpr auto look_every = 5s;
constexpr auto patience = 60s; // for the next link
constexpr std::size_t piece = 16 * 1024;

/// At most 512 × 64 KiB and 32 MiB wait for the controller, should it take nothing, and 32 MiB for
/// ports that take nothing.
stream::Limits limits() {
    stream::Limits most;
    most.streams = 512;
    most.max_window = 1024 * 1024;
    most.total_window = 32 * 1024 * 1024;
    most.total_out = 32 * 1024 * 1024;
    most.unsent = 64 * 1024;
    return most;
}

void end(stream::Stream& stream, proto::StreamEnd code, std::string_view reason) {
    stream.reset(static_cast<std::uint32_t>(code), reason);
}

} // namespace

/// One stream and the connection that it is for.
struct Tunnel::Passage {
    Passage(Executor executor, stream::Stream& from)
        : peer(from), socket(executor), both(executor) {}

    Task<Result<>> connect(std::uint16_t port);
    Task<> inward();
    Task<> outward();

    stream::Stream& peer;
    std::string environment;
    std::uint16_t port = 0;
    Tcp::socket socket;
    TaskGroup both;
};

Task<Result<>> Tunnel::Passage::connect(std::uint16_t to) {
    Tcp::endpoint where(asio::ip::address_v4::loopback(), to);
    auto connected = co_await socket.async_connect(where, as_result);
    auto failed = std::get<0>(connected);
    if (failed) co_return fail(Errc::unavailable, failed.message());
    boost::system::error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    co_return Result<>();
}

/// From the link to the port.
Task<> Tunnel::Passage::inward() {
    for (;;) {
        auto bytes = co_await peer.read();
        if (!bytes) co_return both.cancel();
        if (bytes->empty()) {
            boost::system::error_code ignored;
            socket.shutdown(Tcp::socket::shutdown_send, ignored);
            co_await peer.ended(); // a reset also ends the wait for an answer
            co_return both.cancel();
        }
        auto buffer = asio::buffer(*bytes);
        auto written = co_await asio::async_write(socket, buffer, as_result);
        auto failed = std::get<0>(written);
        if (failed) {
            end(peer, proto::StreamEnd::broken, failed.message());
            co_return both.cancel();
        }
    }
}

/// From the port to the link.
Task<> Tunnel::Passage::outward() {
    std::string buffer(piece, '\0');
    for (;;) {
        auto room = asio::buffer(buffer);
        auto got = co_await socket.async_read_some(room, as_result);
        auto failed = std::get<0>(got);
        if (failed == asio::error::eof) co_return peer.close();
        if (failed) {
            end(peer, proto::StreamEnd::broken, failed.message());
            co_return both.cancel();
        }
        auto sent = co_await peer.write(std::string_view(buffer).substr(0, std::get<1>(got)));
        if (!sent) co_return both.cancel();
    }
}

Tunnel::Tunnel(Executor executor)
    : executor_(executor), children_(executor),
      streams_(executor, stream::Role::dialler, limits(), [this](stream::Stream stream) {
          accept(std::move(stream));
      }) {}

void Tunnel::take(const proto::Inventory& inventory) {
    doors_.clear();
    for (const auto& environment : inventory.environments)
        if (!environment.tunnel.empty()) doors_[environment.id] = environment.tunnel;
    for (auto* passage : passages_) {
        if (offers(passage->environment, passage->port)) continue;
        end(passage->peer, proto::StreamEnd::not_offered,
            "This server does not offer the environment any more.");
        passage->both.cancel();
    }
}

bool Tunnel::offers(const std::string& environment, std::uint16_t port) const {
    auto found = doors_.find(environment);
    return found != doors_.end() && port != 0 && std::ranges::count(found->second, port) > 0;
}

Result<std::uint16_t> Tunnel::port_for(std::string_view text) const {
    auto purpose = proto::read_text<proto::StreamPurpose>(text);
    if (!purpose || purpose->kind != "tunnel")
        return fail(Errc::invalid, "This agent does not know what the stream is for; update it.");
    if (!offers(purpose->environment, purpose->port))
        return fail(
            Errc::forbidden, "This server does not offer port " + std::to_string(purpose->port) +
                                 " of that environment: it is not here, has another port, or the "
                                 "server's policy forbids it."
        );
    return purpose->port;
}

void Tunnel::accept(stream::Stream stream) {
    children_.spawn(serve(std::move(stream)));
}

Task<> Tunnel::serve(stream::Stream stream) {
    auto port = port_for(stream.text());
    if (!port) {
        log::warning("a stream was refused", {{"reason", port.error().message()}});
        co_return end(stream, proto::StreamEnd::not_offered, port.error().message());
    }
    Passage passage(executor_, stream);
    passage.port = *port;
    passage.environment = proto::read_text<proto::StreamPurpose>(stream.text())->environment;
    auto connected = co_await within<void>(connect_time, passage.connect(*port));
    if (!connected)
        co_return end(
            stream, proto::StreamEnd::unreachable,
            "Nothing answers on port " + std::to_string(*port) + ": " + connected.error().message()
        );
    passages_.push_back(&passage);
    passage.both.spawn(passage.inward());
    passage.both.spawn(passage.outward());
    std::exception_ptr thrown;
    try {
        co_await passage.both.join();
    } catch (...) {
        thrown = std::current_exception();
    }
    std::erase(passages_, &passage);
    if (thrown) std::rethrow_exception(thrown);
}

Task<> Tunnel::run() {
    std::exception_ptr thrown;
    try {
        for (;;) {
            co_await sleep_for(look_every);
            streams_.expire(std::chrono::steady_clock::now(), patience);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state();
    children_.cancel();
    co_await children_.join();
    std::rethrow_exception(thrown);
}

} // namespace fairlead::link
