#include "mux_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

using namespace fairlead;
using namespace fairlead::stream;

TEST_SUITE("common/stream/mux") {

    TEST_CASE("a stream is opened, carries bytes both ways, and finishes on both sides") {
        Pair pair;
        auto id = pair.a.open("what for").value();
        CHECK(id == 1);
        CHECK(pair.a.write(id, "hello").value() == 5);
        pair.settle();
        auto events = pair.b.take_events();
        REQUIRE(events.size() == 2);
        CHECK(events[0].kind == Event::opened);
        CHECK(events[0].text == "what for");
        CHECK(events[1].kind == Event::readable);
        CHECK(pair.b.read(id) == "hello");
        CHECK(pair.b.write(id, "world").value() == 5);
        CHECK(pair.b.close(id));
        pair.settle();
        CHECK(pair.a.read(id) == "world");
        CHECK(pair.a.close(id));
        CHECK(!pair.a.write(id, "more"));
        pair.settle();
        CHECK(
            kinds(pair.a) ==
            std::vector<Event::Kind>{Event::readable, Event::closed, Event::finished}
        );
        CHECK(kinds(pair.b) == std::vector<Event::Kind>{Event::closed, Event::finished});
        CHECK(pair.a.open_streams() == 0);
        CHECK(pair.b.open_streams() == 0);
    }

    TEST_CASE("streams opened before the first connection are opened when it comes") {
        Mux a(Role::dialler, 1), b(Role::acceptor, 2);
        auto id = a.open("early").value();
        CHECK(a.write(id, "bytes").value() == 5);
        CHECK(!a.has_next());
        Pair line;
        a.connected();
        b.connected();
        std::string frame;
        for (int i = 0; i < 20; ++i) {
            if (a.next(frame)) CHECK(b.receive(frame));
            if (b.next(frame)) CHECK(a.receive(frame));
        }
        CHECK(b.read(id) == "bytes");
    }

    TEST_CASE("a writer is held back by the window of its reader, and told when there is room") {
        Limits limits;
        limits.initial_window = 1000;
        limits.max_window = 1000;
        limits.unsent = 500;
        Pair pair(limits);
        auto id = pair.a.open("").value();
        std::string data(5000, 'x');
        CHECK(pair.a.write(id, data).value() == 1500);
        CHECK(pair.a.write(id, data).value() == 0);
        pair.settle();
        CHECK(kinds(pair.a).empty());
        CHECK(pair.b.read(id, 100'000).size() == 1000);
        pair.settle();
        CHECK(kinds(pair.a) == std::vector<Event::Kind>{Event::writable});
        CHECK(pair.a.write(id, data).value() == 1000);
    }

    TEST_CASE("a window grows while its reader keeps up, and not when it does not") {
        Limits limits;
        limits.initial_window = 1000;
        limits.max_window = 16'000;
        limits.unsent = 20'000;
        for (bool keeps_up : {true, false}) {
            Pair pair(limits);
            auto id = pair.a.open("").value();
            std::size_t most = 0;
            for (int round = 0; round < 40; ++round) {
                auto written = pair.a.write(id, std::string(20'000, 'x'));
                REQUIRE(written);
                pair.settle();
                auto got = pair.b.read(id, keeps_up ? 100'000 : 100).size();
                most = std::max(most, got);
                pair.settle();
            }
            CAPTURE(keeps_up);
            if (keeps_up)
                CHECK(most == 16'000);
            else
                CHECK(most <= 100);
        }
    }

    TEST_CASE("streams take turns by bytes, and small frames go before data") {
        Limits limits;
        limits.quantum = 1000;
        Pair pair(limits);
        pair.settle();
        auto large = pair.a.open("large").value();
        auto small = pair.a.open("small").value();
        CHECK(pair.a.write(large, std::string(50'000, 'l')).value() == 50'000);
        CHECK(pair.a.write(small, std::string(3000, 's')).value() == 3000);
        std::vector<StreamId> order;
        for (std::string message; order.size() < 6 && pair.a.next(message);) {
            for (const auto& frame : frames_of(message)) {
                if (frame.type == FrameType::data)
                    order.push_back(frame.stream);
                else
                    CHECK(order.empty());
            }
            CHECK(pair.b.receive(message));
        }
        order.resize(6);
        CHECK(order == std::vector<StreamId>{large, small, large, small, large, small});
    }

    TEST_CASE("small frames travel together, and a large one by itself") {
        Pair pair;
        pair.settle();
        std::vector<StreamId> ids;
        for (int i = 0; i < 20; ++i) {
            ids.push_back(pair.a.open("stream " + std::to_string(i)).value());
            CHECK(pair.a.write(ids.back(), "byte " + std::to_string(i)).value() > 0);
        }
        auto large = pair.a.open("large").value();
        CHECK(pair.a.write(large, std::string(40'000, 'l')).value() == 40'000);
        std::string message;
        REQUIRE(pair.a.next(message));
        auto frames = frames_of(message);
        CHECK(frames.size() == 41);
        CHECK(pair.b.receive(message));
        std::size_t opened = 0;
        for (const auto& event : pair.b.take_events()) opened += event.kind == Event::opened;
        CHECK(opened == 21);
        for (int i = 0; i < 20; ++i)
            CHECK(pair.b.read(ids[static_cast<std::size_t>(i)]) == "byte " + std::to_string(i));
        for (std::size_t size : {32 * 1024 - 64, 40'000 - (32 * 1024 - 64)}) {
            REQUIRE(pair.a.next(message));
            frames = frames_of(message);
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].payload.size() == size);
        }
        CHECK(!pair.a.next(message));
    }

    TEST_CASE("a row is no longer than it may be, whatever waits") {
        Pair pair;
        pair.settle();
        for (int i = 0; i < 100; ++i) {
            auto id = pair.a.open(std::string(1000, 'x')).value();
            CHECK(pair.a.write(id, std::string(3000, 'y')).value() == 3000);
        }
        std::size_t messages = 0, frames = 0;
        for (std::string message; pair.a.next(message); ++messages) {
            CHECK(message.size() <= frame_header + max_row_payload);
            frames += frames_of(message).size();
            auto taken = pair.b.receive(message);
            if (!taken) FAIL(taken.error().message());
        }
        CHECK(frames == 200);
        CHECK(messages < 40);
    }

    TEST_CASE("a peer that does not say that it takes rows gets none") {
        Limits older;
        older.rows = false;
        Pair pair(older);
        pair.settle();
        for (int i = 0; i < 5; ++i) CHECK(pair.a.open("stream"));
        std::size_t messages = 0;
        for (std::string message; pair.a.next(message); ++messages)
            CHECK(parse_frame(message).value().type == FrameType::open);
        CHECK(messages == 5);
    }

    TEST_CASE("a row that breaks the rules is refused") {
        auto bytes_of = [](FrameType type, StreamId id, std::string payload) {
            Frame one;
            one.type = type;
            one.stream = id;
            one.payload = payload;
            std::string bytes;
            append_frame(bytes, one);
            return bytes;
        };
        auto sized = [](const std::string& bytes) {
            std::string part;
            append_u32(part, static_cast<std::uint32_t>(bytes.size()));
            return part + bytes;
        };
        auto told = [&](const std::string& payload) {
            Pair pair;
            pair.settle();
            auto taken = pair.b.receive(bytes_of(FrameType::row, 0, payload));
            return taken ? std::string() : taken.error().message();
        };
        auto good = sized(bytes_of(FrameType::open, 1, "x"));
        CHECK(told(good) == "");
        CHECK(told(good + sized(bytes_of(FrameType::data, 1, "bytes"))) == "");
        CHECK(told("") == "A stream frame of type 9 has a payload of 0 bytes.");
        CHECK(told(good + "abc") == "A row of stream frames is cut off.");
        CHECK(told(good + std::string(4, '\xff')) == "A row of stream frames is cut off.");
        CHECK(told(good.substr(0, good.size() - 1)) == "A row of stream frames is cut off.");
        CHECK(told(good + sized("short")) == "A stream frame has 5 bytes, fewer than its header.");
        CHECK(
            told(sized(bytes_of(FrameType::row, 0, good))) ==
            "A row of stream frames has one of type 9."
        );
        CHECK(
            told(sized(bytes_of(FrameType::begin, 0, ""))) ==
            "A row of stream frames has one of type 6."
        );
        CHECK(told(std::string(max_row_payload + 1, 'x')).starts_with("A stream frame of type 9"));
        CHECK(told(sized(bytes_of(FrameType::data, 5, "x"))) == "Stream 5: nobody has opened it.");
    }

    TEST_CASE("a reset ends both directions, with its code and sentence, and late frames do no harm"
    ) {
        Pair pair;
        auto id = pair.a.open("").value();
        pair.settle();
        CHECK(pair.a.write(id, "in flight").value() == 9);
        pair.send(pair.a, pair.to_b);
        pair.b.reset(id, 100, "no longer wanted");
        pair.settle();
        auto events = pair.a.take_events();
        REQUIRE(events.size() == 1);
        CHECK(events[0].kind == Event::reset);
        CHECK(events[0].code == 100);
        CHECK(events[0].text == "no longer wanted");
        CHECK(!pair.a.write(id, "x"));
        CHECK(pair.a.open_streams() == 0);
    }

    TEST_CASE("a peer that breaks the rules is told how") {
        auto make = [](FrameType type, StreamId id, std::uint64_t offset, std::string payload = {},
                       std::uint8_t flags = 0) {
            Frame frame;
            frame.type = type;
            frame.flags = flags;
            frame.stream = id;
            frame.offset = offset;
            frame.payload = payload;
            std::string bytes;
            append_frame(bytes, frame);
            return bytes;
        };
        auto window = [](std::uint64_t limit) {
            std::string bytes;
            append_u64(bytes, limit);
            return bytes;
        };
        struct Row {
            const char* name;
            std::string frame;
        };
        const std::vector<Row> rows = {
            {"too short", "abc"},
            {"unknown type", std::string("\x09\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0", 16)},
            {"stream id 0", make(FrameType::data, 0, 0, "x")},
            {"empty data", make(FrameType::data, 1, 0)},
            {"too much data", make(FrameType::data, 1, 0, std::string(max_data_payload + 1, 'x'))},
            {"unknown stream", make(FrameType::data, 99, 0, "x")},
            {"a gap", make(FrameType::data, 1, 5, "x")},
            {"beyond the window", make(FrameType::data, 1, 0, std::string(2000, 'x'))},
            {"offset overflow", make(FrameType::data, 1, ~0ull, "xx")},
            {"opened with our id", make(FrameType::open, 2, 0)},
            {"opened twice", make(FrameType::open, 1, 0)},
            {"acknowledged what was not sent", make(FrameType::window, 1, 7, window(100))},
            {
                "window backwards",
                make(FrameType::window, 1, 0, "\0\0\0"),
            },
            {"close acknowledged that was not sent",
             make(FrameType::window, 1, 0, window(100), flag_closed)},
            {"closed at another offset", make(FrameType::close, 1, 3)},
            {"begin in the middle", make(FrameType::begin, 0, 1)},
            {"resumed in the middle", make(FrameType::resumed, 0, 0)},
            {"reset without a code", make(FrameType::reset, 1, 0, "ab")},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            Limits limits;
            limits.initial_window = 1000;
            Pair pair(limits);
            CHECK(pair.a.open("").value() == 1);
            pair.settle();
            auto taken = pair.b.receive(row.frame);
            REQUIRE(!taken);
            CHECK(taken.error().kind() == Errc::invalid);
            CHECK(!taken.error().message().empty());
        }
    }

    TEST_CASE("random bytes are refused or ignored, never obeyed beyond the limits") {
        std::mt19937 random(3);
        for (int round = 0; round < 20'000; ++round) {
            Pair pair;
            CHECK(pair.a.open("").value() == 1);
            pair.settle();
            std::string frame(16 + random() % 12, '\0');
            for (auto& c : frame)
                c = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
            auto taken = pair.b.receive(frame);
            static_cast<void>(taken);
            CHECK(pair.b.open_streams() <= 2);
            pair.b.read(1);
        }
    }

    TEST_CASE("a peer that starts anew loses the streams of its former life") {
        Pair pair;
        auto id = pair.a.open("").value();
        pair.settle();
        pair.a.take_events();
        pair.cut();
        Mux fresh(Role::acceptor, 333);
        CHECK(fresh.open("mine").value() == 2);
        pair.a.connected();
        fresh.connected();
        std::string frame;
        for (int i = 0; i < 20; ++i) {
            if (pair.a.next(frame)) CHECK(fresh.receive(frame));
            if (fresh.next(frame)) CHECK(pair.a.receive(frame));
        }
        auto events = pair.a.take_events();
        REQUIRE(events.size() == 2);
        CHECK(events[0].kind == Event::reset);
        CHECK(events[0].stream == id);
        CHECK(events[0].code == static_cast<std::uint32_t>(ResetCode::lost));
        CHECK(events[1].kind == Event::opened);
        CHECK(fresh.open_streams() == 1);
    }

    TEST_CASE(
        "under any schedule and with the line cut anywhere, no byte is lost, doubled or swapped"
    ) {
        struct Flow {
            std::uint64_t total = 0, written = 0, read = 0;
            bool closed = false, saw_close = false;
        };
        int cuts = 0;
        for (unsigned seed = 1; seed <= 150; ++seed) {
            CAPTURE(seed);
            std::mt19937 random(seed);
            Limits limits;
            limits.initial_window = 200 + random() % 3000;
            limits.max_window = limits.initial_window * (1 + random() % 8);
            limits.unsent = 100 + random() % 2000;
            limits.quantum = 50 + random() % 700;
            limits.streams = 12;
            limits.rows = seed % 2 == 0;
            Pair pair(limits);
            std::map<StreamId, Flow> from_a, from_b;
            std::set<StreamId> done_a, done_b;
            unsigned to_open = 3 + random() % 8;
            bool up = true;

            auto opened = [&](StreamId id) {
                from_a[id].total = random() % 20'000;
                from_b[id].total = random() % 20'000;
            };
            auto take = [&](Mux& mux, std::map<StreamId, Flow>& incoming,
                            std::set<StreamId>& done) {
                for (const auto& event : mux.take_events()) {
                    if (event.kind == Event::reset)
                        FAIL("stream " << event.stream << " was reset: " << event.text);
                    if (event.kind == Event::closed) incoming[event.stream].saw_close = true;
                    if (event.kind == Event::finished) CHECK(done.insert(event.stream).second);
                }
            };
            auto work = [&](Mux& mux, bool is_a, std::map<StreamId, Flow>& outgoing,
                            std::map<StreamId, Flow>& incoming, const std::set<StreamId>& done) {
                for (auto& [id, flow] : outgoing) {
                    if (flow.closed || random() % 3) continue;
                    auto size = std::min<std::uint64_t>(flow.total - flow.written, random() % 1500);
                    auto written = mux.write(id, bytes_of(id, is_a, flow.written, size));
                    if (!written) continue; // the acceptor's side before the open has come
                    flow.written += *written;
                    if (flow.written == flow.total) flow.closed = bool(mux.close(id));
                }
                for (auto& [id, flow] : incoming) {
                    if (done.contains(id) || random() % 3) continue;
                    auto bytes = mux.read(id, 1 + random() % 3000);
                    REQUIRE(bytes == bytes_of(id, !is_a, flow.read, bytes.size()));
                    flow.read += bytes.size();
                }
            };
            for (int step = 0; step < 200'000; ++step) {
                if (to_open > 0 && random() % 50 == 0) {
                    auto& mux = random() % 2 ? pair.a : pair.b;
                    auto id = mux.open("s");
                    if (id) opened(*id), --to_open;
                }
                switch (random() % 8) {
                case 0:
                    work(pair.a, true, from_a, from_b, done_a);
                    break;
                case 1:
                    work(pair.b, false, from_b, from_a, done_b);
                    break;
                case 2:
                    pair.send(pair.a, pair.to_b);
                    break;
                case 3:
                    pair.send(pair.b, pair.to_a);
                    break;
                case 4:
                    pair.deliver(pair.a, pair.to_a);
                    break;
                case 5:
                    pair.deliver(pair.b, pair.to_b);
                    break;
                default:
                    if (up && random() % 60 == 0) {
                        // What was on the line is lost; the two sides may have got different parts
                        // of it.
                        for (auto n = random() % 4; n > 0; --n) pair.deliver(pair.a, pair.to_a);
                        for (auto n = random() % 4; n > 0; --n) pair.deliver(pair.b, pair.to_b);
                        pair.cut();
                        up = false;
                        ++cuts;
                    } else if (!up) {
                        pair.connect();
                        up = true;
                    }
                }
                take(pair.a, from_b, done_a);
                take(pair.b, from_a, done_b);
                if (to_open == 0 && pair.a.open_streams() + pair.b.open_streams() == 0) break;
            }
            CHECK(to_open == 0);
            CHECK(pair.a.open_streams() == 0);
            CHECK(pair.b.open_streams() == 0);
            for (const auto& flows : {from_a, from_b})
                for (const auto& [id, flow] : flows) {
                    const auto stream = id; // Clang 14 captures no structured binding
                    CAPTURE(stream);
                    CHECK(flow.read == flow.total);
                    CHECK(flow.saw_close);
                }
            CHECK(done_a.size() == from_a.size());
            CHECK(done_b.size() == from_a.size());
        }
        CHECK(cuts > 1000);
    }
}
