#include "common/async/task_group.hpp"
#include "common/stream/carrier.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <deque>

using namespace fairlead;
using namespace fairlead::stream;
using namespace std::chrono_literals;

namespace {

/// Two sides and a line between them that can be cut and joined again.
struct Pair {
    explicit Pair(Limits limits = Limits())
        : near(io.get_executor(), Role::dialler, limits),
          far(io.get_executor(), Role::acceptor, limits, [this](Stream stream) {
              came.emplace_back(std::move(stream));
              arrived.notify();
          }) {
        join();
    }

    void join() {
        ++line;
        near.attach([this] { carry(near, far, near_busy); });
        far.attach([this] { carry(far, near, far_busy); });
    }
    void cut(Carrier::Time now = {}) {
        ++line;
        near.detach(now);
        far.detach(now);
    }
    /// Takes frames while there are any; what was under way when the line was cut is lost.
    void carry(Carrier& from, Carrier& to, bool& busy) {
        if (std::exchange(busy, true)) return;
        asio::post(io, [this, &from, &to, &busy, was = line] {
            busy = false;
            if (was != line) {
                if (from.has_next()) carry(from, to, busy);
                return;
            }
            std::string frame;
            if (!from.next(frame)) return;
            ++frames;
            if (on_frame) on_frame();
            if (was == line) CHECK(to.receive(frame));
            if (from.has_next()) carry(from, to, busy);
        });
    }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        asio::co_spawn(io, body(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }
    /// Waits for what the near side has opened.
    Task<Stream> accepted() {
        while (came.empty()) co_await arrived.wait();
        auto stream = std::move(came.front());
        came.pop_front();
        co_return stream;
    }

    asio::io_context io{1};
    fairlead::Event arrived{io.get_executor()};
    std::deque<Stream> came;
    int line = 0, frames = 0;
    bool near_busy = false, far_busy = false;
    std::function<void()> on_frame;
    Carrier near, far;
};

Task<std::string> all_of(Stream& stream) {
    std::string all;
    for (;;) {
        auto bytes = co_await stream.read();
        REQUIRE(bytes);
        if (bytes->empty()) co_return all;
        all += *bytes;
    }
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
    return bytes;
}

} // namespace

TEST_SUITE("common/stream/carrier") {

    TEST_CASE("bytes travel both ways, and what was written goes out when the stream is let go") {
        Pair pair;
        auto body = [&]() -> Task<> {
            CHECK(!pair.near.used());
            {
                auto opened = pair.near.open("what for");
                REQUIRE(opened);
                auto& stream = *opened;
                auto asked = co_await stream.write("question");
                CHECK(asked);
                stream.close();
                auto other = co_await pair.accepted();
                CHECK(other.text() == "what for");
                CHECK(co_await all_of(other) == "question");
                auto answered = co_await other.write("answer");
                CHECK(answered);
                other.close();
                CHECK(co_await all_of(stream) == "answer");
            }
        };
        pair.run(body);
        CHECK(pair.near.open_streams() == 0);
        CHECK(pair.far.open_streams() == 0);
    }

    TEST_CASE("a reader that waits holds the writer back, and memory stays within the windows") {
        Limits limits;
        limits.unsent = 64 * 1024;
        Pair pair(limits);
        std::size_t written = 0;
        auto body = [&]() -> Task<> {
            auto opened = pair.near.open("bulk");
            REQUIRE(opened);
            auto& stream = *opened;
            auto data = pattern(8 * 1024 * 1024);
            auto writer = [&]() -> Task<> {
                while (written < data.size()) {
                    auto part = std::string_view(data).substr(written, 10'000);
                    auto sent = co_await stream.write(part);
                    CHECK(sent);
                    written += part.size();
                }
                stream.close();
            };
            TaskGroup group(pair.io.get_executor());
            group.spawn(writer());
            auto other = co_await pair.accepted();
            for (int i = 0; i < 100; ++i) co_await sleep_for(0ms); // all that can go has gone
            CHECK(written < limits.initial_window + limits.unsent + 10'000);
            CHECK(co_await all_of(other) == data);
            other.close();
            co_await group.join();
            auto last = co_await stream.read();
            CHECK(last);
        };
        pair.run(body);
        CHECK(written == 8 * 1024 * 1024);
    }

    TEST_CASE("cuts in the middle of a transfer lose no byte and double none") {
        Pair pair;
        int cuts = 0;
        pair.on_frame = [&] {
            if (pair.frames % 37 != 0 || cuts == 20) return;
            ++cuts;
            pair.cut();
            asio::post(pair.io, [&] { pair.join(); });
        };
        auto body = [&]() -> Task<> {
            auto opened = pair.near.open("bulk");
            REQUIRE(opened);
            auto& stream = *opened;
            auto data = pattern(16 * 1024 * 1024);
            auto writer = [&]() -> Task<> {
                auto sent = co_await stream.write(data);
                CHECK(sent);
                stream.close();
            };
            TaskGroup group(pair.io.get_executor());
            group.spawn(writer());
            auto other = co_await pair.accepted();
            CHECK(co_await all_of(other) == data);
            other.close();
            co_await group.join();
            CHECK(co_await all_of(stream) == "");
            co_await stream.ended();
        };
        pair.run(body);
        CHECK(cuts > 10);
        CHECK(pair.near.open_streams() == 0);
    }

    TEST_CASE("who waits for something else hears of a stream that fails, and of no other end") {
        Pair pair;
        auto body = [&]() -> Task<> {
            auto opened = pair.near.open("reset");
            REQUIRE(opened);
            auto other = co_await pair.accepted();
            bool heard = false, heard_well = false;
            auto watch = [](Stream& stream, bool& flag) -> Task<> {
                co_await stream.failed();
                flag = true;
            };
            TaskGroup group(pair.io.get_executor());
            group.spawn(watch(*opened, heard));
            CHECK(co_await opened->write("lies there unread"));
            CHECK_FALSE(other.has_failed());
            other.reset(7, "No.");
            co_await group.join();
            CHECK(heard);
            CHECK(opened->has_failed());
            co_await opened->failed(); // at once

            auto second = pair.near.open("ends well");
            auto end = co_await pair.accepted();
            TaskGroup watching(pair.io.get_executor());
            watching.spawn(watch(*second, heard_well));
            second->close();
            end.close();
            CHECK(co_await all_of(end) == "");
            CHECK(co_await all_of(*second) == "");
            co_await second->ended();
            CHECK_FALSE(second->has_failed());
            watching.cancel();
            co_await watching.join();
            CHECK_FALSE(heard_well);
        };
        pair.run(body);
    }

    TEST_CASE("a line that stays away for too long ends its streams on both sides") {
        Pair pair;
        auto start = Carrier::Time{} + 1h;
        auto body = [&]() -> Task<> {
            auto opened = pair.near.open("waits");
            REQUIRE(opened);
            auto other = co_await pair.accepted();
            pair.cut(start);
            CHECK(pair.near.open("more").error().kind() == Errc::unavailable);
            pair.near.expire(start + 59s, 60s);
            CHECK(pair.near.open_streams() == 1);
            asio::post(pair.io, [&] { pair.near.expire(start + 61s, 60s); });
            auto bytes = co_await opened->read();
            CHECK(bytes.error().code() == "stream_lost");
            auto unsent = co_await opened->write("x");
            CHECK(unsent.error().code() == "stream_lost");
            // The far side learns from the next life, whose first stream has the same number.
            pair.join();
            auto again = pair.near.open("anew");
            CHECK((co_await other.read()).error().code() == "stream_lost");
            auto second = co_await pair.accepted();
            CHECK(second.text() == "anew");
            auto sent = co_await second.write("heard");
            CHECK(sent);
            auto heard = co_await again->read();
            REQUIRE(heard);
            CHECK(*heard == "heard");
        };
        pair.run(body);
    }

    TEST_CASE("a reset wakes whoever waits, with its reason and code") {
        Pair pair;
        auto body = [&]() -> Task<> {
            auto opened = pair.near.open("x");
            REQUIRE(opened);
            {
                auto other = co_await pair.accepted();
                other.reset(101, "Nothing listens there.");
            }
            auto bytes = co_await opened->read();
            CHECK(bytes.error().code() == "stream_reset");
            CHECK(bytes.error().message() == "Nothing listens there.");
            CHECK(opened->reset_code() == 101);
            auto second = pair.near.open("y");
            REQUIRE(second);
            { auto dropped = co_await pair.accepted(); }
            CHECK((co_await second->read()).error().code() == "stream_reset");
        };
        pair.run(body);
    }

    TEST_CASE("a side that takes no streams refuses them, and there are no more than the limit") {
        Limits limits;
        limits.streams = 3;
        Pair pair(limits);
        auto body = [&]() -> Task<> {
            auto wrong = pair.far.open("the other way");
            REQUIRE(wrong);
            CHECK((co_await wrong->read()).error().code() == "stream_reset");
            CHECK(wrong->reset_code() == static_cast<std::uint32_t>(ResetCode::refused));
            std::vector<Stream> open;
            for (int i = 0; i < 3; ++i) open.push_back(pair.near.open("one").value());
            CHECK(pair.near.open("too many").error().kind() == Errc::unavailable);
        };
        pair.run(body);
    }

    TEST_CASE("streams that outlive their side fail") {
        asio::io_context io;
        std::optional<Stream> left;
        {
            Carrier carrier(io.get_executor(), Role::dialler);
            carrier.attach([] {});
            left.emplace(carrier.open("x").value());
        }
        auto body = [&]() -> Task<> {
            CHECK((co_await left->read()).error().code() == "stream_lost");
            left->close();
        };
        asio::co_spawn(io, body(), [](std::exception_ptr thrown) { CHECK(!thrown); });
        io.run();
    }
}
