#include "../../common/stream/over_socket.hpp"
#include "agent/link/tunnel.hpp"
#include "proto/capability.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <functional>

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;
using Tcp = boost::asio::ip::tcp;

namespace {

const std::string shop = "env_01J0000000000000000000000A";
const std::string other = "env_01J0000000000000000000000B";

const std::string server = "srv_01J0000000000000000000000A";

/// A key as the controller has it.
struct Holder {
    explicit Holder(char last) : id("tkey_01J0000000000000000000000" + std::string(1, last)) {}

    std::string sign(boost::json::object purpose, Timestamp now) const {
        return proto::sign_capability(std::move(purpose), server, id, key, now).value();
    }
    proto::TunnelKey told(std::int64_t ends_ms = 0) const {
        return {id, key.verify_key().str(), ends_ms};
    }

    std::string id;
    crypto::SigningKey key = crypto::SigningKey::generate();
};

boost::json::object tunnel_to(const std::string& environment, int port) {
    return {{"kind", "tunnel"}, {"environment", environment}, {"port", port}};
}

proto::Inventory inventory(const std::string& environment, std::vector<std::uint16_t> ports) {
    proto::EnvironmentState state;
    state.id = environment;
    state.tunnel = std::move(ports);
    proto::Inventory all;
    all.environments.push_back(std::move(state));
    return all;
}

/// The agent's end, a controller's end that the test uses, and an Odoo that the test plays.
struct Stand {
    Stand() : odoo(io, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        tunnel.streams().attach([this] { carry(tunnel.streams(), controller); });
        controller.attach([this] { carry(controller, tunnel.streams()); });
        tunnel.take(inventory(shop, {port()}));
        tunnel.take(proto::TunnelKeys{{own.told()}});
        clock.advance(1ms); // nothing is signed in the millisecond in which an agent starts
    }

    std::string purpose(const std::string& environment, int port) const {
        return own.sign(tunnel_to(environment, port), clock.now());
    }
    /// What the opener of a stream is told.
    Task<std::uint32_t> answer_to(std::string text) {
        auto opened = controller.open(text);
        REQUIRE(opened);
        auto bytes = co_await opened->read();
        CHECK(bytes.error().code() == "stream_reset");
        co_return opened->reset_code();
    }
    bool odoo_was_called() {
        odoo.non_blocking(true);
        boost::system::error_code nobody;
        Tcp::socket socket(io);
        odoo.accept(socket, nobody);
        return nobody != asio::error::would_block;
    }

    std::uint16_t port() const { return odoo.local_endpoint().port(); }
    void carry(stream::Carrier& from, stream::Carrier& to) {
        asio::post(io, [this, &from, &to] {
            std::string frame;
            if (!from.next(frame)) return;
            CHECK(to.receive(frame));
            if (from.has_next()) carry(from, to);
        });
    }
    /// Runs `body` beside the tunnel, then ends that as the process does.
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

    asio::io_context io{1};
    FakeClock clock;
    Holder own{'A'};
    Tcp::acceptor odoo;
    Tunnel tunnel{io.get_executor(), server, clock};
    stream::Carrier controller{io.get_executor(), stream::Role::acceptor, many()};

    static stream::Limits many() {
        stream::Limits limits;
        limits.streams = 2 * proto::most_streams;
        return limits;
    }
};

Task<std::string> read_some(Tcp::socket& socket) {
    std::string buffer(4096, '\0');
    boost::system::error_code failed;
    auto room = asio::buffer(buffer);
    auto got =
        co_await socket.async_read_some(room, asio::redirect_error(asio::use_awaitable, failed));
    buffer.resize(failed ? 0 : got);
    co_return buffer;
}

Task<> write_all(Tcp::socket& socket, std::string text) {
    auto bytes = asio::buffer(text);
    co_await asio::async_write(socket, bytes, asio::use_awaitable);
}

} // namespace

TEST_SUITE("agent/link/tunnel") {

    TEST_CASE("bytes reach the environment's port and its answer comes back, each end closing") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.controller.open(stand.purpose(shop, stand.port()));
            REQUIRE(opened);
            auto sent = co_await opened->write("request");
            CHECK(sent);
            auto socket = co_await stand.odoo.async_accept(asio::use_awaitable);
            CHECK(socket.remote_endpoint().address().is_loopback());
            CHECK(co_await read_some(socket) == "request");
            opened->close();
            CHECK(co_await read_some(socket) == "");
            co_await write_all(socket, "answer");
            socket.close();
            CHECK(co_await stream::read_exactly(*opened, 100) == "answer");
            co_await opened->ended();
        };
        stand.run(body);
        CHECK(stand.controller.open_streams() == 0);
        CHECK(stand.tunnel.streams().open_streams() == 0);
    }

    TEST_CASE("nothing is reached but a port that the inventory names for that environment") {
        Stand stand;
        std::string text;
        SUBCASE("another port") {
            text = stand.purpose(shop, static_cast<std::uint16_t>(stand.port() ^ 1));
        }
        SUBCASE("port 0") {
            stand.tunnel.take(inventory(shop, {0}));
            text = stand.purpose(shop, 0);
        }
        SUBCASE("the port of another environment") {
            text = stand.purpose(other, stand.port());
        }
        SUBCASE("an environment that the policy hides") {
            stand.tunnel.take(inventory(shop, {}));
            text = stand.purpose(shop, stand.port());
        }
        SUBCASE("another kind") {
            auto shell = tunnel_to(shop, stand.port());
            shell["kind"] = "shell";
            text = stand.own.sign(shell, stand.clock.now());
        }
        SUBCASE("a host of its own") {
            auto abroad = tunnel_to(other, stand.port());
            abroad["host"] = "10.0.0.1";
            text = stand.own.sign(abroad, stand.clock.now());
        }
        SUBCASE("a port beyond all ports") {
            text = stand.purpose(shop, 65536 + stand.port());
        }
        auto body = [&]() -> Task<> {
            auto code = co_await stand.answer_to(text);
            CHECK(code == static_cast<std::uint32_t>(proto::StreamEnd::not_offered));
        };
        stand.run(body);
        CHECK(!stand.odoo_was_called());
    }

    TEST_CASE("sshd is reached at the port that this server says, and only while it says one") {
        Stand stand;
        boost::json::object ssh{{"kind", "ssh"}};
        auto offer = [&](std::uint16_t port) {
            auto all = inventory(shop, {});
            all.ssh.emplace();
            all.ssh->port = port;
            stand.tunnel.take(all);
        };
        auto body = [&]() -> Task<> {
            auto none = co_await stand.answer_to(stand.own.sign(ssh, stand.clock.now()));
            CHECK(none == static_cast<std::uint32_t>(proto::StreamEnd::not_offered));
            offer(stand.port());
            // A port of the opener's choice changes nothing.
            auto chosen = ssh;
            chosen["port"] = 1;
            auto opened = stand.controller.open(stand.own.sign(chosen, stand.clock.now()));
            REQUIRE(opened);
            auto sent = co_await opened->write("SSH-2.0-x");
            CHECK(sent);
            auto socket = co_await stand.odoo.async_accept(asio::use_awaitable);
            CHECK(co_await read_some(socket) == "SSH-2.0-x");
            // The policy lets nobody in any more.
            offer(0);
            auto ended = co_await opened->read();
            CHECK(!ended);
            CHECK(
                opened->reset_code() == static_cast<std::uint32_t>(proto::StreamEnd::not_offered)
            );
        };
        stand.run(body);
    }

    TEST_CASE("nothing is opened without a capability that counts") {
        Stand stand;
        Holder foreign('B');
        std::string text;
        SUBCASE("a plain purpose") {
            text = boost::json::serialize(tunnel_to(shop, stand.port()));
        }
        SUBCASE("no JSON") {
            text = "GET / HTTP/1.1";
        }
        SUBCASE("nothing") {}
        SUBCASE("the key of another organization") {
            text = foreign.sign(tunnel_to(shop, stand.port()), stand.clock.now());
        }
        SUBCASE("the key of another organization under the name of ours") {
            foreign.id = stand.own.id;
            text = foreign.sign(tunnel_to(shop, stand.port()), stand.clock.now());
        }
        SUBCASE("a server that holds no key") {
            text = stand.purpose(shop, stand.port());
            stand.tunnel.take(proto::TunnelKeys());
        }
        SUBCASE("keys that make no sense") {
            text = stand.purpose(shop, stand.port());
            stand.tunnel.take(proto::TunnelKeys{{stand.own.told(), {"tkey_1", "ed25519:?", 0}}});
        }
        SUBCASE("more keys than there may be") {
            text = stand.purpose(shop, stand.port());
            stand.tunnel.take(proto::TunnelKeys{std::vector(17, stand.own.told())});
        }
        SUBCASE("a key that the policy does not name") {
            text = stand.purpose(shop, stand.port());
            stand.tunnel.pin(std::vector{foreign.told().public_key});
        }
        SUBCASE("for another server") {
            text = proto::sign_capability(
                       tunnel_to(shop, stand.port()), "srv_01J0000000000000000000000B",
                       stand.own.id, stand.own.key, stand.clock.now()
            )
                       .value();
        }
        auto body = [&]() -> Task<> {
            auto code = co_await stand.answer_to(text);
            CHECK(code == static_cast<std::uint32_t>(proto::StreamEnd::denied));
        };
        stand.run(body);
        CHECK(!stand.odoo_was_called());
    }

    TEST_CASE("what is open under a key ends with it, and what is open under another goes on") {
        Stand stand;
        Holder second('B');
        const auto denied = static_cast<std::uint32_t>(proto::StreamEnd::denied);
        stand.tunnel.take(proto::TunnelKeys{{second.told(), stand.own.told()}});
        auto body = [&]() -> Task<> {
            auto first = stand.controller.open(stand.purpose(shop, stand.port()));
            auto odoo_of_first = co_await stand.odoo.async_accept(asio::use_awaitable);
            auto other_one =
                stand.controller.open(second.sign(tunnel_to(shop, stand.port()), stand.clock.now())
                );
            auto odoo_of_other = co_await stand.odoo.async_accept(asio::use_awaitable);
            SUBCASE("revoked") {
                stand.tunnel.take(proto::TunnelKeys{{second.told()}});
            }
            SUBCASE("not pinned any more") {
                stand.tunnel.pin(std::vector{second.told().public_key});
            }
            CHECK(co_await read_some(odoo_of_first) == "");
            auto bytes = co_await first->read();
            CHECK(first->reset_code() == denied);
            co_await write_all(odoo_of_other, "still here");
            CHECK(co_await stream::read_exactly(*other_one, 10) == "still here");
        };
        stand.run(body);
    }

    TEST_CASE("an answer arrives from a port that closes with the upload unread") {
        Stand stand;
        auto body = [&]() -> Task<> {
            for (int round = 0; round < 20; ++round) {
                CAPTURE(round);
                auto opened = stand.controller.open(stand.purpose(shop, stand.port()));
                REQUIRE(opened);
                TaskGroup both(stand.io.get_executor());
                auto upload = [&]() -> Task<> {
                    std::string part(round % 2 == 0 ? 1024 * 1024 : 1024, 'x');
                    for (int i = 0; i < 8; ++i) {
                        auto sent = co_await opened->write(part);
                        CHECK(sent);
                        if (round % 2 == 1) co_await sleep_for(1ms);
                    }
                };
                auto odoo = [&]() -> Task<> {
                    auto socket = co_await stand.odoo.async_accept(asio::use_awaitable);
                    auto head = co_await read_some(socket);
                    CHECK(!head.empty());
                    co_await write_all(socket, "413");
                    if (round % 4 >= 2) co_await sleep_for(2ms);
                    socket.close();
                };
                both.spawn(upload());
                both.spawn(odoo());
                CHECK(co_await stream::read_exactly(*opened, 3) == "413");
                auto end = co_await opened->read();
                CHECK(end);
                co_await both.join();
                opened->close();
            }
        };
        stand.run(body);
    }

    TEST_CASE("a port where nothing listens is told apart from one that is not offered") {
        Stand stand;
        auto port = stand.port();
        stand.odoo.close();
        auto body = [&]() -> Task<> {
            auto opened = stand.controller.open(stand.purpose(shop, port));
            REQUIRE(opened);
            auto bytes = co_await opened->read();
            CHECK(bytes.error().message().find(std::to_string(port)) != std::string::npos);
            CHECK(
                opened->reset_code() == static_cast<std::uint32_t>(proto::StreamEnd::unreachable)
            );
        };
        stand.run(body);
    }

    TEST_CASE("what is open ends when the server offers it no more") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto opened = stand.controller.open(stand.purpose(shop, stand.port()));
            REQUIRE(opened);
            auto socket = co_await stand.odoo.async_accept(asio::use_awaitable);
            auto sent = co_await opened->write("x");
            CHECK(sent);
            CHECK(co_await read_some(socket) == "x");
            stand.tunnel.take(inventory(shop, {stand.port()})); // still there
            co_await write_all(socket, "y");
            CHECK(co_await stream::read_exactly(*opened, 1) == "y");
            stand.tunnel.take(inventory(other, {stand.port()}));
            CHECK(co_await read_some(socket) == "");
            auto bytes = co_await opened->read();
            CHECK(
                opened->reset_code() == static_cast<std::uint32_t>(proto::StreamEnd::not_offered)
            );
        };
        stand.run(body);
    }

    TEST_CASE("a browser that goes away while Odoo still works ends the connection to Odoo") {
        Stand stand;
        auto body = [&]() -> Task<> {
            Tcp::socket socket(stand.io);
            {
                auto opened = stand.controller.open(stand.purpose(shop, stand.port()));
                REQUIRE(opened);
                auto sent = co_await opened->write("slow request");
                CHECK(sent);
                socket = co_await stand.odoo.async_accept(asio::use_awaitable);
                CHECK(co_await read_some(socket) == "slow request");
                opened->close();
                CHECK(co_await read_some(socket) == "");
            } // dropped before the answer
            while (stand.tunnel.streams().open_streams() > 0) co_await sleep_for(1ms);
            // Whoever writes to a connection that was closed is told at the second time.
            boost::system::error_code failed;
            for (int i = 0; i < 1000 && !failed; ++i) {
                socket.write_some(asio::buffer("late", 4), failed);
                co_await sleep_for(1ms);
            }
            CHECK(failed);
        };
        stand.run(body);
    }

    TEST_CASE("no more streams than the limit are open at once") {
        // Both ends of each connection are here.
        rlimit files{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
        files.rlim_cur = files.rlim_max;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
        Stand stand;
        auto body = [&]() -> Task<> {
            std::vector<stream::Stream> open;
            std::vector<Tcp::socket> sockets;
            for (std::size_t i = 0; i < proto::most_streams; ++i) {
                open.push_back(stand.controller.open(stand.purpose(shop, stand.port())).value());
                sockets.push_back(co_await stand.odoo.async_accept(asio::use_awaitable));
            }
            auto beyond = stand.controller.open(stand.purpose(shop, stand.port()));
            REQUIRE(beyond);
            auto bytes = co_await beyond->read();
            CHECK(!bytes);
            CHECK(beyond->reset_code() == static_cast<std::uint32_t>(stream::ResetCode::too_many));
        };
        stand.run(body);
    }
}
