/// Two Muxes and what travels between them.
#pragma once

#include "common/stream/mux.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

namespace fairlead::stream {

/// Two ends and a line between them that can be cut after any message.
struct Pair {
    explicit Pair(Limits limits = Limits())
        : a(Role::dialler, 111, limits), b(Role::acceptor, 222, limits) {
        connect();
    }

    void connect() {
        to_a.clear();
        to_b.clear();
        a.connected();
        b.connected();
    }
    void cut() {
        a.disconnected();
        b.disconnected();
        to_a.clear();
        to_b.clear();
    }
    /// One message a side onto the line.
    void send(Mux& from, std::deque<std::string>& line) {
        std::string frame;
        if (from.next(frame)) line.push_back(frame);
    }
    void deliver(Mux& to, std::deque<std::string>& line) {
        if (line.empty()) return;
        auto frame = std::move(line.front());
        line.pop_front();
        auto taken = to.receive(frame);
        if (!taken) FAIL(taken.error().message());
    }
    void settle() {
        while (a.has_next() || b.has_next() || !to_a.empty() || !to_b.empty()) {
            send(a, to_b);
            send(b, to_a);
            deliver(b, to_b);
            deliver(a, to_a);
        }
    }

    Mux a, b;
    std::deque<std::string> to_a, to_b;
};

/// The frames of one message; they point into it.
inline std::vector<Frame> frames_of(std::string_view message) {
    auto whole = parse_frame(message).value();
    std::vector<Frame> frames;
    if (whole.type != FrameType::row) return {whole};
    auto keep = [&](const Frame& one) {
        frames.push_back(one);
        return Result<>();
    };
    if (auto read = parse_row(whole.payload, keep); !read) FAIL(read.error().message());
    return frames;
}

inline std::vector<Event::Kind> kinds(Mux& mux) {
    std::vector<Event::Kind> list;
    for (const auto& event : mux.take_events()) list.push_back(event.kind);
    return list;
}

/// Byte `i` of stream `id` in one direction: tells a lost, doubled or swapped byte at once.
inline char byte_at(StreamId id, bool from_a, std::uint64_t i) {
    auto x = (i + 1) * 0x9E3779B97F4A7C15u + id * 0xC2B2AE3D27D4EB4Fu + from_a;
    return static_cast<char>(x >> 37);
}

inline std::string bytes_of(StreamId id, bool from_a, std::uint64_t from, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = byte_at(id, from_a, from + i);
    return bytes;
}

} // namespace fairlead::stream
