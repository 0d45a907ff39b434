#include "mux_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace fairlead;
using namespace fairlead::stream;

TEST_SUITE("common/stream/mux/limits") {

    TEST_CASE("a window that is held to less does not grow as others do") {
        auto largest = [](std::size_t most) {
            Limits limits;
            limits.unsent = 4'000'000; // so that only the window holds the writer back
            Pair pair(limits);
            auto id = pair.a.open("x").value();
            pair.a.limit_window(id, most);
            pair.settle();
            std::uint64_t unread = 0;
            std::string much(4'000'000, 'x');
            for (int round = 0; round < 12; ++round) {
                CHECK(pair.b.write(id, much));
                pair.settle();
                unread = std::max(unread, pair.a.unread(id));
                while (!pair.a.read(id).empty()) {
                }
                pair.settle();
            }
            return unread;
        };
        CHECK(largest(256 * 1024) <= 256 * 1024);
        CHECK(largest(Limits().max_window) > 256 * 1024);
    }

    TEST_CASE("no more of a stream is on its way than may be, however much its reader would take") {
        Limits limits;
        limits.initial_window = 100'000;
        limits.max_flight = 30'000;
        limits.unsent = 5'000;
        Pair pair(limits);
        auto id = pair.a.open("x").value();
        pair.settle();
        CHECK(pair.a.write(id, std::string(200'000, 'x')).value() == 35'000);
        std::string frame;
        while (pair.a.next(frame)) CHECK(pair.b.receive(frame));
        CHECK(pair.b.unread(id) == 30'000);
        // What has come makes room for the rest, although nothing was read.
        pair.settle();
        CHECK(pair.b.unread(id) == 35'000);
    }

    TEST_CASE("what nobody acknowledges is bounded for all streams together, and each has a part") {
        Limits limits;
        limits.total_out = 100'000;
        Pair pair(limits);
        std::string much(1'000'000, 'x');
        std::vector<StreamId> ids;
        std::size_t held = 0;
        for (int i = 0; i < 20; ++i) {
            ids.push_back(pair.a.open("x").value());
            held += pair.a.write(ids.back(), much).value();
        }
        // An initial window for each, and the rest once.
        CHECK(held == 20 * limits.initial_window + limits.total_out);
        pair.settle();
        pair.a.take_events();
        // The peer has it all and reads nothing: what was acknowledged makes room for who waits.
        std::size_t more = 0;
        for (auto id : ids) more += pair.a.write(id, much).value();
        CHECK(more > 0);
        CHECK(more <= 20 * limits.initial_window + limits.total_out);
        // Whoever waits is told when another one goes.
        pair.a.take_events();
        std::size_t told = 0;
        pair.a.reset(ids.front(), 1, "not needed");
        for (const auto& event : pair.a.take_events()) told += event.kind == Event::writable;
        CHECK(told > 0);
        CHECK(pair.b.unread(ids[1]) > 0);
        CHECK(pair.b.unread(ids[1]) <= limits.initial_window);
    }

    TEST_CASE("two muxes with one budget hold no more than it and the part of each stream") {
        auto budget = std::make_shared<Budget>(100'000);
        Limits limits;
        limits.budget = budget;
        limits.own_out = 1000;
        std::string much(1'000'000, 'x');
        SUBCASE("written and not acknowledged") {
            std::size_t held = 0;
            {
                Pair first(limits), second(limits);
                auto one = first.a.open("x").value();
                auto two = second.a.open("x").value();
                held += first.a.write(one, much).value();
                held += second.a.write(two, much).value();
                CHECK(held == 100'000 + 2 * limits.own_out);
                CHECK(budget->out == 100'000);
                CHECK(second.a.write(two, "x").value() == 0);
                // The part of its own always moves, and with it the rest once the other is gone.
                first.a.reset(one, 1, "not needed");
                CHECK(budget->out == 0);
                second.settle();
                auto told = kinds(second.a);
                CHECK(std::ranges::count(told, Event::writable) == 1);
                CHECK(second.a.write(two, much).value() > 50'000);
            }
            CHECK(budget->out == 0);
        }
        SUBCASE("windows") {
            {
                Pair first(limits), second(limits);
                for (auto* pair : {&first, &second}) {
                    auto id = pair->a.open("x").value();
                    for (int round = 0; round < 100; ++round) {
                        CHECK(pair->a.write(id, much));
                        pair->settle();
                        while (!pair->b.read(id).empty()) {
                        }
                    }
                }
                // One window doubled; there was no room for the other.
                CHECK(budget->windows == limits.initial_window);
            }
            CHECK(budget->windows == 0);
        }
    }

    TEST_CASE("many idle streams keep no window from growing") {
        Limits limits;
        limits.streams = 2000;
        limits.total_window = limits.initial_window;
        Pair pair(limits);
        for (int i = 0; i < 1999; ++i) CHECK(pair.a.open("idle"));
        auto id = pair.a.open("busy").value();
        std::uint64_t most = 0;
        for (int round = 0; round < 10; ++round) {
            CHECK(pair.a.write(id, std::string(1'000'000, 'x')));
            pair.settle();
            most = std::max(most, pair.b.unread(id));
            while (!pair.b.read(id).empty()) {
            }
        }
        CHECK(most == 2 * limits.initial_window);
    }

    TEST_CASE("when more lies unread than may, the stream with the most is reset on both sides") {
        Limits limits;
        limits.total_in = 100'000;
        Pair pair(limits);
        std::vector<StreamId> ids;
        for (int i = 0; i < 4; ++i) {
            ids.push_back(pair.a.open("x").value());
            CHECK(pair.a.write(ids.back(), std::string(i == 1 ? 40'000 : 20'000, 'x')));
        }
        pair.settle();
        CHECK(pair.b.unread(ids[1]) == 40'000);
        pair.a.take_events();
        CHECK(pair.a.write(ids[3], "x"));
        pair.settle();
        auto events = pair.a.take_events();
        REQUIRE(events.size() == 1);
        CHECK(events[0].stream == ids[1]);
        CHECK(events[0].kind == Event::reset);
        CHECK(events[0].code == static_cast<std::uint32_t>(ResetCode::too_many));
        CHECK(pair.b.take_events().back().kind == Event::reset);
        for (auto id : {ids[0], ids[2], ids[3]}) CHECK(pair.b.unread(id) >= 20'000);
        CHECK(pair.b.open_streams() == 3);
        // There is room again, also for what was read.
        CHECK(pair.b.read(ids[0]).size() == 20'000);
        CHECK(pair.a.write(ids[0], std::string(59'000, 'x')));
        pair.settle();
        CHECK(pair.b.open_streams() == 3);
    }

    TEST_CASE("the limit of streams holds on both sides") {
        Limits limits;
        limits.streams = 3;
        Pair pair(limits);
        for (int i = 0; i < 3; ++i) CHECK(pair.a.open(""));
        CHECK(!pair.a.open(""));
        pair.settle();
        Limits more;
        more.streams = 10;
        Mux greedy(Role::dialler, 5, more), strict(Role::acceptor, 6, limits);
        greedy.connected();
        strict.connected();
        std::string frame;
        for (int i = 0; i < 5; ++i) CHECK(greedy.open(""));
        for (int i = 0; i < 50; ++i) {
            if (greedy.next(frame)) CHECK(strict.receive(frame));
            if (strict.next(frame)) CHECK(greedy.receive(frame));
        }
        CHECK(strict.open_streams() == 3);
        CHECK(greedy.open_streams() == 3);
        auto events = greedy.take_events();
        CHECK(std::count_if(events.begin(), events.end(), [](const Event& e) {
                  return e.kind == Event::reset &&
                         e.code == static_cast<std::uint32_t>(ResetCode::too_many);
              }) == 2);
        CHECK(!greedy.open(std::string(max_open_payload + 1, 'x')));
    }
}
