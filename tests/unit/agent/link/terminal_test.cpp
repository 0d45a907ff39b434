#include "../../common/stream/over_socket.hpp"
#include "agent/link/tunnel.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
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

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;
using Local = boost::asio::local::stream_protocol;

namespace {

const std::string server = "srv_01J0000000000000000000000A";
const std::string key_id = "tkey_01J0000000000000000000000A";

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// What lies in a socket.
std::size_t unread(Local::socket& socket) {
    boost::system::error_code ignored;
    return socket.available(ignored);
}

std::uint32_t number(proto::StreamEnd code) {
    return static_cast<std::uint32_t>(code);
}

/// The agent's end, a controller's end that the test uses, and a terminal's process that the test
/// plays.
struct Stand {
    Stand() {
        std::filesystem::create_directories(folder);
        service.emplace(io, Local::endpoint(path()));
        tunnel.streams().attach([this] { carry(tunnel.streams(), controller); });
        controller.attach([this] { carry(controller, tunnel.streams()); });
        tunnel.take(proto::TunnelKeys{{{key_id, key.verify_key().str(), 0}}});
        clock.advance(1ms); // nothing is signed in the millisecond in which an agent starts
    }
    ~Stand() { std::filesystem::remove_all(folder); }

    std::string path() const { return folder / "terminal.sock"; }
    std::string purpose(boost::json::object more = {}) {
        boost::json::object members{{"kind", "terminal"}, {"terminal", "term_1"},
                                    {"user", "deploy"},   {"columns", 80},
                                    {"rows", 24},         {"record", 0}};
        for (auto& member : more) members[member.key()] = member.value();
        return proto::sign_capability(members, server, key_id, key, clock.now()).value();
    }
    stream::Stream open(boost::json::object more = {}) {
        auto opened = controller.open(purpose(std::move(more)));
        REQUIRE(opened);
        return *std::move(opened);
    }
    /// What the opener of a stream is told.
    Task<std::uint32_t> code_of(stream::Stream& opened) {
        for (;;) {
            auto bytes = co_await opened.read();
            if (!bytes) co_return opened.reset_code();
            if (bytes->empty()) co_return 0u;
        }
    }

    /// The process: takes a connection and what is asked of it.
    Task<Local::socket> accept(proto::TerminalPurpose& asked) {
        auto socket = co_await service->async_accept(asio::use_awaitable);
        unsigned char head[4];
        co_await asio::async_read(socket, asio::buffer(head), asio::use_awaitable);
        std::string body(std::size_t(head[2]) << 8 | head[3], '\0');
        auto room = asio::buffer(body);
        co_await asio::async_read(socket, room, asio::use_awaitable);
        asked = proto::read_text<proto::TerminalPurpose>(body).value();
        co_return socket;
    }
    Task<> answer(Local::socket& socket, std::string body) {
        std::string frame("\0\0\0", 3);
        frame += static_cast<char>(body.size());
        frame += body;
        co_await asio::async_write(socket, asio::buffer(frame), asio::use_awaitable);
    }
    Task<Local::socket> accept_and_open() {
        proto::TerminalPurpose asked;
        auto socket = co_await accept(asked);
        co_await answer(socket, R"({"code":0,"reason":""})");
        co_return socket;
    }
    static Task<> write(Local::socket& socket, std::string bytes) {
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
    }
    static Task<std::string> read(Local::socket& socket, std::size_t size) {
        std::string bytes(size, '\0');
        auto room = asio::buffer(bytes);
        auto got = co_await asio::async_read(socket, room, as_result);
        bytes.resize(std::get<1>(got));
        co_return bytes;
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

    std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                   ("fairlead-terminal-" + std::to_string(::getpid()));
    asio::io_context io{1};
    FakeClock clock;
    crypto::SigningKey key = crypto::SigningKey::generate();
    std::optional<Local::acceptor> service;
    Tunnel tunnel{
        io.get_executor(), server, clock, {path(), default_logs_socket, default_recordings_socket}};
    stream::Carrier controller{io.get_executor(), stream::Role::acceptor, many()};

    static stream::Limits many() {
        stream::Limits limits;
        limits.streams = 2 * proto::most_streams;
        return limits;
    }
};

} // namespace

TEST_SUITE("agent/link/terminal") {

    TEST_CASE("a terminal's process is asked for what was signed, and messages pass both ways") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open({{"columns", 132}});
            proto::TerminalPurpose asked;
            auto socket = co_await stand.accept(asked);
            CHECK(asked.user == "deploy");
            CHECK(asked.terminal == "term_1");
            CHECK(asked.columns == 132);
            co_await stand.answer(socket, R"({"code":0,"reason":""})");
            auto typed = proto::write_input("ls\n");
            CHECK(co_await opened.write(typed));
            CHECK(co_await Stand::read(socket, typed.size()) == typed);
            proto::TerminalEnd end;
            end.code = 0;
            auto said = proto::write_output("files") + proto::write_end(end);
            co_await Stand::write(socket, said);
            socket.close();
            CHECK(co_await stream::read_exactly(opened, said.size()) == said);
            auto last = co_await opened.read();
            CHECK(last);
            CHECK(last->empty());
            opened.close();
            co_await opened.ended();
        };
        stand.run(body);
        CHECK(stand.tunnel.streams().open_streams() == 0);
    }

    TEST_CASE("the opener's end is the process's to see, and its last words still come") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            opened.close();
            CHECK(co_await Stand::read(socket, 1) == "");
            auto said = proto::write_output("bye") + proto::write_end({});
            co_await Stand::write(socket, said);
            socket.close();
            CHECK(co_await stream::read_exactly(opened, said.size()) == said);
            co_await opened.ended();
        };
        stand.run(body);
    }

    TEST_CASE("what the process refuses with reaches the opener") {
        Stand stand;
        auto body = [&]() -> Task<> {
            for (auto code : {100, 104, 106, 107}) {
                auto opened = stand.open();
                proto::TerminalPurpose asked;
                auto socket = co_await stand.accept(asked);
                auto text = R"({"code":)" + std::to_string(code) + R"(,"reason":"no"})";
                co_await stand.answer(socket, text);
                auto bytes = co_await opened.read();
                REQUIRE(!bytes);
                CHECK(bytes.error().message().find("no") != std::string::npos);
                CHECK(opened.reset_code() == static_cast<std::uint32_t>(code));
            }
        };
        stand.run(body);
    }

    TEST_CASE("a service that is not there, or goes without a word, is a failure of its own") {
        Stand stand;
        const auto failed = number(proto::StreamEnd::failed);
        auto body = [&]() -> Task<> {
            auto silent = stand.open();
            auto gone = co_await stand.service->async_accept(asio::use_awaitable);
            gone.close();
            CHECK(co_await stand.code_of(silent) == failed);
            auto killed = stand.open();
            auto socket = co_await stand.accept_and_open();
            co_await Stand::write(socket, proto::write_output("half of"));
            socket.close();
            CHECK(co_await stand.code_of(killed) == failed);
            stand.service->close();
            std::filesystem::remove(stand.path());
            auto absent = stand.open();
            CHECK(co_await stand.code_of(absent) == failed);
        };
        stand.run(body);
    }

    TEST_CASE("a size that no terminal has, and a kind that is not known, are not offered") {
        Stand stand;
        auto body = [&]() -> Task<> {
            for (const auto& more : std::vector<boost::json::object>{
                     {{"columns", 0}},
                     {{"rows", 1001}},
                     {{"rows", 70000}},
                     {{"user", 7}},
                     {{"kind", "terminals"}}}) {
                auto opened = stand.open(more);
                auto code = co_await stand.code_of(opened);
                CHECK(code == number(proto::StreamEnd::not_offered));
            }
        };
        stand.run(body);
    }

    TEST_CASE("a capability for a terminal counts for 30 s, also on an agent that has just started"
    ) {
        Stand stand;
        auto body = [&]() -> Task<> {
            // Signed after this agent came up, which a life of 60 s would not tell.
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            auto again = stand.purpose();
            stand.clock.advance(30s + 5min + 1ms);
            auto late = stand.controller.open(again);
            CHECK(co_await stand.code_of(*late) == number(proto::StreamEnd::denied));
        };
        stand.run(body);
    }

    TEST_CASE("a process that takes nothing of what was typed is left when the stream is reset") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            // As much as the process's socket and the stream hold.
            auto typed = proto::write_input(std::string(60'000, 'x'));
            bool stuck = false;
            auto paste = [&]() -> Task<> {
                for (int i = 0; i < 64; ++i) {
                    auto sent = co_await opened.write(typed);
                    if (!sent) co_return;
                }
                FAIL("nothing holds it up");
            };
            TaskGroup pasting(stand.io.get_executor());
            pasting.spawn(paste());
            for (int quiet = 0; quiet < 20;) {
                auto before = unread(socket);
                co_await sleep_for(5ms);
                quiet = before > 0 && unread(socket) == before ? quiet + 1 : 0;
                stuck = quiet > 0;
            }
            CHECK(stuck);
            opened.reset(1, "Access is over.");
            co_await pasting.join();
            // It hears the end after what was written before.
            constexpr std::size_t piece = 64 * 1024;
            for (auto bytes = piece; bytes == piece;)
                bytes = (co_await Stand::read(socket, piece)).size();
        };
        stand.run(body);
        CHECK(stand.tunnel.streams().open_streams() == 0);
    }

    TEST_CASE("messages that break the rules reset the stream") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            CHECK(co_await opened.write(std::string("i\0\1\0\1xxxx", 9)));
            CHECK(co_await stand.code_of(opened) == 1);
            CHECK(co_await Stand::read(socket, 1) == "");
        };
        stand.run(body);
    }

    TEST_CASE("a key that does not count any more ends its terminals") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            CHECK(co_await opened.write(proto::write_input("x")));
            CHECK(co_await Stand::read(socket, 6) == proto::write_input("x"));
            stand.tunnel.take(proto::Inventory()); // is nothing to a terminal
            CHECK(co_await opened.write(proto::write_input("y")));
            CHECK(co_await Stand::read(socket, 6) == proto::write_input("y"));
            stand.tunnel.take(proto::TunnelKeys());
            CHECK(co_await stand.code_of(opened) == number(proto::StreamEnd::denied));
            CHECK(co_await Stand::read(socket, 1) == "");
        };
        stand.run(body);
    }

    TEST_CASE("200 terminals are the most, and one that ends makes room") {
        Stand stand;
        auto body = [&]() -> Task<> {
            std::vector<stream::Stream> streams;
            std::vector<Local::socket> sockets;
            for (std::size_t i = 0; i < proto::most_terminals; ++i) {
                streams.push_back(stand.open());
                sockets.push_back(co_await stand.accept_and_open());
            }
            auto refused = stand.open();
            CHECK(co_await stand.code_of(refused) == number(proto::StreamEnd::too_many));
            streams.pop_back();
            CHECK(co_await Stand::read(sockets.back(), 1) == "");
            auto room = stand.open();
            auto socket = co_await stand.accept_and_open();
            CHECK(co_await room.write(proto::write_input("x")));
            CHECK(co_await Stand::read(socket, 6) == proto::write_input("x"));
        };
        stand.run(body);
    }

    TEST_CASE("a controller that does not read stops the process, and costs a bounded amount") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.open();
            auto socket = co_await stand.accept_and_open();
            // Until nothing more is taken: what is on the way, in windows and sockets.
            socket.non_blocking(true);
            auto piece = proto::write_output(std::string(16 * 1024, 'x'));
            std::size_t sent = 0, stalled = 0;
            while (stalled < 20) {
                boost::system::error_code full;
                auto from = sent % piece.size();
                auto took =
                    socket.write_some(asio::buffer(piece.data() + from, piece.size() - from), full);
                sent += took;
                stalled = took > 0 ? 0 : stalled + 1;
                co_await sleep_for(5ms); // nothing tells that nothing happens
            }
            CHECK(sent < 4 << 20);
            // What is typed meanwhile is not held up.
            CHECK(co_await opened.write(proto::write_input("\x03")));
            CHECK(co_await Stand::read(socket, 6) == proto::write_input("\x03"));
        };
        stand.run(body);
    }
}
