/// The far end of a link's streams, for tests that play it.
#pragma once

#include "common/async/task_group.hpp"
#include "common/net/websocket.hpp"
#include "common/stream/carrier.hpp"

#include <functional>
#include <string>

namespace fairlead::stream {

/// Carries the streams over the socket until that ends; hands other messages to `text`, and tells
/// `heard` of each frame that comes.
inline Task<> carry_over(
    net::WebSocket& socket, Carrier& carrier, Executor executor,
    std::function<void(std::string)> text = {}, std::function<void()> heard = {}
) {
    TaskGroup both(executor);
    fairlead::Event wanted(executor);
    carrier.attach([&] { wanted.notify(); });
    auto read = [&]() -> Task<> {
        for (;;) {
            auto message = co_await socket.read();
            if (!message) co_return both.cancel();
            if (message->kind == net::MessageKind::binary) {
                if (heard) heard();
                auto taken = carrier.receive(message->data);
                if (!taken) co_return both.cancel();
            } else if (text) {
                text(std::move(message->data));
            }
        }
    };
    auto write = [&]() -> Task<> {
        std::string frame;
        for (;;) {
            while (carrier.next(frame)) {
                auto written = co_await socket.write(net::MessageKind::binary, frame);
                if (!written) co_return both.cancel();
            }
            co_await wanted.wait();
        }
    };
    both.spawn(read());
    both.spawn(write());
    co_await both.join();
    carrier.detach(std::chrono::steady_clock::now());
}

/// Exactly `size` bytes, or what had come when the stream ended.
inline Task<std::string> read_exactly(Stream& stream, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        auto bytes = co_await stream.read(size - all.size());
        if (!bytes || bytes->empty()) break;
        all += *bytes;
    }
    co_return all;
}

/// Sends everything back until the peer closes.
inline Task<> echo(Stream stream) {
    for (;;) {
        auto bytes = co_await stream.read();
        if (!bytes) co_return;
        if (bytes->empty()) co_return stream.close();
        auto sent = co_await stream.write(*bytes);
        if (!sent) co_return;
    }
}

} // namespace fairlead::stream
