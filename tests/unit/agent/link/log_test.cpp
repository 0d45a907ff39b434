#include "../../common/stream/over_socket.hpp"
#include "agent/link/tunnel.hpp"
#include "proto/capability.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;
using Local = boost::asio::local::stream_protocol;

namespace {

const std::string server = "srv_01J0000000000000000000000A";
const std::string key_id = "tkey_01J0000000000000000000000A";
const std::string environment = "env_01J0000000000000000000000A";

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The agent's end, a controller's end that the test uses, and a reading's process that it plays.
struct Stand {
    Stand() {
        std::filesystem::create_directories(folder);
        service.emplace(io, Local::endpoint(path()));
        tunnel.streams().attach([this] { carry(tunnel.streams(), controller); });
        controller.attach([this] { carry(controller, tunnel.streams()); });
        tunnel.take(proto::TunnelKeys{{{key_id, key.verify_key().str(), 0}}});
        tell({environment});
        clock.advance(1ms); // nothing is signed in the millisecond in which an agent starts
    }
    ~Stand() { std::filesystem::remove_all(folder); }

    void tell(const std::vector<std::string>& environments) {
        proto::Inventory inventory;
        for (const auto& id : environments) {
            proto::EnvironmentState state;
            state.id = id;
            state.slug = "shop";
            inventory.environments.push_back(state);
        }
        tunnel.take(inventory);
    }
    std::string path() const { return folder / "logs.sock"; }
    stream::Stream open(boost::json::object more = {}) {
        boost::json::object members{{"kind", "log"},    {"log", "log_1"},
                                    {"source", "odoo"}, {"environment", environment},
                                    {"order", "back"},  {"lines", 10}};
        for (auto& member : more) members[member.key()] = member.value();
        auto text = proto::sign_capability(members, server, key_id, key, clock.now()).value();
        auto opened = controller.open(text);
        REQUIRE(opened);
        return *std::move(opened);
    }
    stream::Stream open_mail(boost::json::object more = {}) {
        boost::json::object members{
            {"kind", "mail"}, {"reading", "log_1"}, {"environment", environment}, {"message", ""},
            {"lines", 10},    {"before", ""},       {"search", "invoice"}};
        for (auto& member : more) members[member.key()] = member.value();
        auto text = proto::sign_capability(members, server, key_id, key, clock.now()).value();
        auto opened = controller.open(text);
        REQUIRE(opened);
        return *std::move(opened);
    }
    Task<std::uint32_t> code_of(stream::Stream& opened) {
        for (;;) {
            auto bytes = co_await opened.read();
            if (!bytes) co_return opened.reset_code();
            if (bytes->empty()) co_return 0u;
        }
    }
    template <class Opening>
    Task<Local::socket> accept(Opening& asked, std::string body) {
        auto socket = co_await service->async_accept(asio::use_awaitable);
        unsigned char head[4];
        co_await asio::async_read(socket, asio::buffer(head), asio::use_awaitable);
        std::string text(std::size_t(head[2]) << 8 | head[3], '\0');
        auto room = asio::buffer(text);
        co_await asio::async_read(socket, room, asio::use_awaitable);
        asked = proto::read_text<Opening>(text).value();
        std::string frame("\0\0\0", 3);
        frame += static_cast<char>(body.size());
        frame += body;
        co_await asio::async_write(socket, asio::buffer(frame), asio::use_awaitable);
        co_return socket;
    }
    void carry(stream::Carrier& from, stream::Carrier& to) {
        asio::post(io, [this, &from, &to] {
            std::string frame;
            if (!from.next(frame)) return;
            CHECK(to.receive(frame));
            if (from.has_next()) carry(from, to);
        });
    }
    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(tunnel.run());
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            group.cancel();
            co_await group.join();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("fairlead-logs-" + std::to_string(::getpid()));
    asio::io_context io{1};
    FakeClock clock;
    crypto::SigningKey key = crypto::SigningKey::generate();
    std::optional<Local::acceptor> service;
    Tunnel tunnel{
        io.get_executor(), server, clock, {default_terminal_socket, path(), path(), path()}};
    stream::Carrier controller{io.get_executor(), stream::Role::acceptor};
};

const std::string opened_answer = R"({"code":0,"reason":""})";

std::uint32_t number(proto::StreamEnd code) {
    return static_cast<std::uint32_t>(code);
}

} // namespace

TEST_SUITE("agent/link/log") {

    TEST_CASE("what the process reads goes through, to the byte that says that it is all") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto opened = stand.open();
            proto::LogOpening asked;
            {
                auto socket = co_await stand.accept(asked, opened_answer);
                std::string all("\nfirst\nsecond\n\0", 15);
                co_await asio::async_write(socket, asio::buffer(all), asio::use_awaitable);
            }
            CHECK(asked.slug == "shop");
            CHECK(asked.what.lines == 10);
            std::string heard;
            for (;;) {
                auto bytes = co_await opened.read();
                REQUIRE(bytes);
                if (bytes->empty()) break;
                heard += *bytes;
            }
            CHECK(heard == std::string("\nfirst\nsecond\n\0", 15));
        });
    }

    TEST_CASE("a process that ends in the middle is told apart from one that has told all") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto opened = stand.open();
            proto::LogOpening asked;
            {
                auto socket = co_await stand.accept(asked, opened_answer);
                std::string some = "\nfirst\n";
                co_await asio::async_write(socket, asio::buffer(some), asio::use_awaitable);
            }
            auto code = co_await stand.code_of(opened);
            CHECK(code == number(proto::StreamEnd::failed));
        });
    }

    TEST_CASE("a replay is asked for by a terminal's id, or none for the list, and by nothing else"
    ) {
        Stand stand;
        stand.run([&]() -> Task<> {
            for (const auto* id : {"term_1", ""}) {
                CAPTURE(id);
                auto opened = stand.open({{"kind", "recording"}, {"recording", id}});
                proto::RecordingPurpose asked;
                {
                    auto socket = co_await stand.accept(asked, opened_answer);
                    std::string all("\n{}\n\0", 5);
                    co_await asio::async_write(socket, asio::buffer(all), asio::use_awaitable);
                }
                CHECK(asked.recording == id);
                CHECK(asked.log == "log_1");
                auto bytes = co_await stream::read_exactly(opened, 5);
                CHECK(bytes == std::string("\n{}\n\0", 5));
            }
            for (const auto* id : {"../term_1", "term 1", "term_1.cast"}) {
                CAPTURE(id);
                auto opened = stand.open({{"kind", "recording"}, {"recording", id}});
                auto code = co_await stand.code_of(opened);
                CHECK(code == number(proto::StreamEnd::not_offered));
            }
        });
    }

    TEST_CASE("what the process refuses is refused with its word") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto opened = stand.open();
            proto::LogOpening asked;
            auto socket = co_await stand.accept(asked, R"({"code":104,"reason":"no"})");
            auto code = co_await stand.code_of(opened);
            CHECK(code == number(proto::StreamEnd::forbidden));
        });
    }

    TEST_CASE("what nobody may ask for, and an environment that is not here, reach no process") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto unknown = stand.open({{"environment", "env_01J0000000000000000000000B"}});
            auto code = co_await stand.code_of(unknown);
            CHECK(code == number(proto::StreamEnd::not_offered));
            auto kernel = stand.open({{"source", "kernel"}});
            code = co_await stand.code_of(kernel);
            CHECK(code == number(proto::StreamEnd::not_offered));
            auto much = stand.open({{"lines", 1'000'000}});
            code = co_await stand.code_of(much);
            CHECK(code == number(proto::StreamEnd::not_offered));
        });
    }

    TEST_CASE("a reading ends with its opener, and with its environment") {
        for (bool gone : {false, true}) {
            CAPTURE(gone);
            Stand stand;
            stand.run([&]() -> Task<> {
                auto opened = stand.open();
                proto::LogOpening asked;
                auto socket = co_await stand.accept(asked, opened_answer);
                std::string some = "\n";
                co_await asio::async_write(socket, asio::buffer(some), asio::use_awaitable);
                auto first = co_await opened.read();
                REQUIRE(first);
                if (gone)
                    stand.tell({});
                else
                    opened.reset(1, "It is not needed any more.");
                char byte = 0;
                auto room = asio::buffer(&byte, 1);
                auto got = co_await socket.async_read_some(room, as_result);
                auto failed = std::get<0>(got);
                CHECK(failed == asio::error::eof);
                if (gone) {
                    auto code = co_await stand.code_of(opened);
                    CHECK(code == number(proto::StreamEnd::not_offered));
                }
            });
        }
    }

    TEST_CASE("captured mail is read by a process of its own, for the environment's name here") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto opened = stand.open_mail();
            proto::MailOpening asked;
            {
                auto socket = co_await stand.accept(asked, opened_answer);
                std::string all("\n{}\n\0", 5);
                co_await asio::async_write(socket, asio::buffer(all), asio::use_awaitable);
            }
            CHECK(asked.slug == "shop");
            CHECK(asked.what.lines == 10);
            CHECK(asked.what.search == "invoice");
            std::string heard;
            for (;;) {
                auto bytes = co_await opened.read();
                REQUIRE(bytes);
                if (bytes->empty()) break;
                heard += *bytes;
            }
            CHECK(heard == std::string("\n{}\n\0", 5));
        });
    }

    TEST_CASE("captured mail that nobody may ask for reaches no process, and a message that is "
              "gone is told") {
        Stand stand;
        stand.run([&]() -> Task<> {
            auto unknown = stand.open_mail({{"environment", "env_01J0000000000000000000000B"}});
            auto code = co_await stand.code_of(unknown);
            CHECK(code == number(proto::StreamEnd::not_offered));
            auto path = stand.open_mail({{"lines", 0}, {"search", ""}, {"message", "../x"}});
            code = co_await stand.code_of(path);
            CHECK(code == number(proto::StreamEnd::not_offered));
            auto one = stand.open_mail(
                {{"lines", 0}, {"search", ""}, {"message", "1767225600000-0123456789ab"}}
            );
            proto::MailOpening asked;
            auto socket = co_await stand.accept(asked, R"({"code":108,"reason":"gone"})");
            code = co_await stand.code_of(one);
            CHECK(code == number(proto::StreamEnd::no_message));
            CHECK(asked.what.message == "1767225600000-0123456789ab");
        });
    }

    TEST_CASE("a server reads no more than 32 at once") {
        Stand stand;
        stand.run([&]() -> Task<> {
            std::vector<stream::Stream> open;
            std::vector<Local::socket> sockets;
            proto::LogOpening asked;
            for (std::size_t i = 0; i < proto::most_log_readings; ++i) {
                open.push_back(stand.open());
                auto socket = co_await stand.accept(asked, opened_answer);
                sockets.push_back(std::move(socket));
            }
            auto one_more = stand.open();
            auto code = co_await stand.code_of(one_more);
            CHECK(code == number(proto::StreamEnd::too_many));
        });
    }
}
