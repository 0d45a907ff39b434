#include "asked_by.hpp"
#include "common/async/event.hpp"
#include "common/crypto/random.hpp"
#include "common/stream/carrier.hpp"
#include "controller/logs/readings.hpp"
#include "proto/messages.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

using namespace fairlead;
using namespace fairlead::logs;
using namespace std::chrono_literals;

namespace {

/// A reader that takes everything, or nothing.
class PlayedReader final : public net::BodyWriter {
public:
    explicit PlayedReader(Executor executor) : writable(executor), news(executor) {}
    Task<Result<>> write(std::string_view piece) override {
        while (!takes) co_await writable.wait();
        heard += piece;
        news.notify();
        co_return Result<>();
    }
    Task<> until(std::string text) {
        while (heard.find(text) == std::string::npos) co_await news.wait();
    }

    std::string heard;
    bool takes = true;
    Event writable, news;
};

class PlayedJournal final : public Journal {
public:
    Result<> refused(const Asked&, const std::string& reason) override {
        std::scoped_lock lock(mutex);
        reasons.push_back(reason);
        return {};
    }
    std::mutex mutex;
    std::vector<std::string> reasons;
};

ReadingOptions quick() {
    ReadingOptions options;
    options.goodbye = 10ms;
    return options;
}

struct Stand {
    Stand() {
        crypto::start();
        ours.attach([this] { move(ours, theirs, moving_down); });
        theirs.attach([this] { move(theirs, ours, moving_up); });
    }
    void move(stream::Carrier& from, stream::Carrier& to, bool& pending) {
        if (std::exchange(pending, true)) return;
        asio::post(io, [&] {
            pending = false;
            std::string frame;
            while (from.attached() && to.attached() && from.next(frame)) REQUIRE(to.receive(frame));
        });
    }
    Task<Result<stream::Stream>> open(AskedPtr) { co_return ours.open("log"); }
    AskedPtr reserve(bool file = false) {
        auto asked = asked_at(clock.now());
        if (file) {
            asked.what.text = 1;
            asked.what.order = "on";
        }
        return directory.reserve(std::move(asked)).value();
    }
    AskedPtr reserve_replay() {
        auto asked = asked_at(clock.now());
        asked.environment.reset();
        asked.what = proto::LogPurpose();
        asked.recording.emplace();
        asked.recording->recording = "term_1";
        return directory.reserve(std::move(asked)).value();
    }
    Task<stream::Stream*> agent() {
        while (!server) co_await arrived.wait();
        co_return server.get();
    }
    Task<> say(std::string bytes) {
        auto* stream = co_await agent();
        auto written = co_await stream->write(bytes);
        static_cast<void>(written);
    }
    /// Opened, with a body that writes to `reader` beside the test.
    Task<> begin(AskedPtr asked) {
        beside.spawn(say("\n"));
        auto opened = co_await readings.open(asked->id.str());
        REQUIRE(opened);
        auto body = *std::move(opened);
        beside.spawn(write(std::move(body)));
    }
    Task<> write(Readings::Body body) {
        try {
            co_await body(reader);
        } catch (const std::runtime_error& broken) {
            failure = broken.what();
        }
        over = true;
        reader.news.notify();
    }
    Task<> ended() {
        while (!over) co_await reader.news.wait();
    }
    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            beside.cancel();
            co_await beside.join();
            server.reset();
            co_await readings.stop();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    asio::io_context io{1};
    WorkerPool pool{1};
    FakeClock clock;
    PlayedJournal journal;
    Directory directory;
    stream::Carrier ours{io.get_executor(), stream::Role::acceptor};
    std::unique_ptr<stream::Stream> server;
    Readings readings{
        {io.get_executor(), pool, journal, directory,
         [this](AskedPtr asked) { return open(std::move(asked)); }},
        quick()};
    PlayedReader reader{io.get_executor()};
    Event arrived{io.get_executor()};
    TaskGroup beside{io.get_executor()};
    std::string failure;
    bool over = false, moving_down = false, moving_up = false;
    stream::Carrier theirs{
        io.get_executor(), stream::Role::dialler, stream::Limits(), [this](stream::Stream stream) {
            server = std::make_unique<stream::Stream>(std::move(stream));
            arrived.notify();
        }};
};

std::uint32_t number(proto::StreamEnd code) {
    return static_cast<std::uint32_t>(code);
}

} // namespace

TEST_SUITE("controller/logs/readings") {

    TEST_CASE("what the server reads is the body, as it is, to its end") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve();
            co_await stand.begin(asked);
            co_await stand.say("{\"text\":\"a\"}\n");
            co_await stand.reader.until("\"a\"");
            co_await stand.say(std::string("{\"end\":\"done\"}\n\0", 16));
            co_await stand.ended();
            CHECK(stand.reader.heard == "{\"text\":\"a\"}\n{\"end\":\"done\"}\n");
            CHECK(stand.failure.empty());
        });
        CHECK(stand.directory.size() == 0);
    }

    TEST_CASE("a server that refuses is told as an answer of its own, and written down") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve();
            auto refuse = [&]() -> Task<> {
                auto* stream = co_await stand.agent();
                stream->reset(number(proto::StreamEnd::forbidden), "policy.yaml line 3");
            };
            stand.beside.spawn(refuse());
            auto opened = co_await stand.readings.open(asked->id.str());
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code() == "policy_refused");
            CHECK(opened.error().kind() == Errc::conflict);
            CHECK(opened.error().message().find("line 3") != std::string::npos);
        });
        CHECK(stand.journal.reasons == std::vector<std::string>{"policy_refused"});
        CHECK(stand.directory.size() == 0);
    }

    TEST_CASE("a replay is nothing unless it is whole, and its refusal names the policy's section"
    ) {
        for (bool whole : {true, false}) {
            CAPTURE(whole);
            Stand stand;
            stand.run([&]() -> Task<> {
                auto asked = stand.reserve_replay();
                co_await stand.begin(asked);
                co_await stand.say("{}\n[1, \"o\", \"x\"]\n");
                co_await stand.reader.until("x");
                if (whole) {
                    co_await stand.say(std::string(1, proto::log_whole));
                } else {
                    auto* stream = co_await stand.agent();
                    stream->reset(number(proto::StreamEnd::failed), "It was killed.");
                }
                co_await stand.ended();
                CHECK(stand.failure.empty() == whole);
                CHECK(stand.reader.heard == "{}\n[1, \"o\", \"x\"]\n");
            });
            CHECK(stand.directory.size() == 0);
        }
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve_replay();
            auto refuse = [&]() -> Task<> {
                auto* stream = co_await stand.agent();
                stream->reset(number(proto::StreamEnd::forbidden), "Nobody's.");
            };
            stand.beside.spawn(refuse());
            auto opened = co_await stand.readings.open(asked->id.str());
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code() == "policy_refused");
            CHECK(opened.error().message().find("under recordings:") != std::string::npos);
        });
        CHECK(stand.journal.reasons == std::vector<std::string>{"policy_refused"});
    }

    TEST_CASE("what is lost on the way says so at the end of a page, and breaks a file off") {
        for (bool file : {false, true}) {
            CAPTURE(file);
            Stand stand;
            stand.run([&]() -> Task<> {
                auto asked = stand.reserve(file);
                co_await stand.begin(asked);
                co_await stand.say("half a li");
                co_await stand.reader.until("half");
                auto* stream = co_await stand.agent();
                stream->reset(number(proto::StreamEnd::failed), "It was killed.");
                co_await stand.ended();
                CHECK(stand.failure.empty() == !file);
                bool told = stand.reader.heard.find("\n{\"end\":\"lost\"") != std::string::npos;
                CHECK(told == !file);
            });
        }
    }

    TEST_CASE("a reading ends with its access, also where nobody takes what was read") {
        for (bool takes : {true, false}) {
            CAPTURE(takes);
            Stand stand;
            stand.run([&]() -> Task<> {
                auto asked = stand.reserve();
                co_await stand.begin(asked);
                co_await stand.say("first\n");
                co_await stand.reader.until("first");
                stand.reader.takes = takes;
                co_await stand.say("second\n");
                if (takes) co_await stand.reader.until("second");
                stand.readings.end_bond("ses_A");
                co_await stand.ended();
                bool told = stand.reader.heard.find("access_ended") != std::string::npos;
                CHECK(told == takes);
                CHECK(stand.failure.empty() == takes);
            });
            CHECK(stand.directory.size() == 0);
        }
    }

    TEST_CASE("nothing is taken from the server while the reader takes nothing") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve();
            co_await stand.begin(asked);
            stand.reader.takes = false;
            std::string much(8 * 1024 * 1024, 'x'); // more than all buffers in between
            bool taken = false;
            auto flood = [&]() -> Task<> {
                co_await stand.say(much + "\n");
                taken = true;
                stand.reader.news.notify();
            };
            stand.beside.spawn(flood());
            for (int turn = 0; turn < 1000; ++turn)
                co_await asio::post(stand.io, asio::use_awaitable);
            CHECK_FALSE(taken);
            stand.reader.takes = true;
            stand.reader.writable.notify();
            co_await stand.reader.until("\n");
            CHECK(stand.reader.heard.size() == much.size() + 1);
        });
    }

    TEST_CASE("access that ends before the server has answered opens nothing") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve();
            stand.readings.end_bond("ses_A");
            auto opened = co_await stand.readings.open(asked->id.str());
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code() == "access_ended");
        });
    }

    TEST_CASE("a server that goes on behind its end is cut off") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto asked = stand.reserve();
            co_await stand.begin(asked);
            co_await stand.say(std::string("a\n\0b", 4));
            co_await stand.ended();
            CHECK(stand.reader.heard.find("broke the rules") != std::string::npos);
        });
    }
}
