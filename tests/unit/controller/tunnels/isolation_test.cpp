/// Two organizations with a server each on one hub: the real core, real links over TLS, and the
/// agents' real tunnels.
#include "../../common/stream/over_socket.hpp"
#include "../world/agent.hpp"
#include "agent/link/tunnel.hpp"
#include "common/async/task_group.hpp"
#include "common/crypto/x509.hpp"
#include "common/net/listener.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/witnesses.hpp"
#include "controller/gateway/fleet_core.hpp"
#include "controller/gateway/open_tunnel.hpp"
#include "proto/codec.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <functional>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using Tcp = boost::asio::ip::tcp;

namespace {

constexpr auto denied = static_cast<std::uint32_t>(proto::StreamEnd::denied);

/// A server with an agent, and behind it an Odoo that says what it hears.
struct End {
    End(asio::io_context& io, World& of, const api::OrgScope& whose, std::string letter)
        : world(of), org(whose), environment(EnvironmentId::trusted("env_" + letter)),
          odoo(io, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)), answers(io.get_executor()) {
        world.act_for(org);
        server = world.add_server("server-" + letter);
        key = world.last_key.to_pem();
        public_der = world.last_key.public_der();
        tunnel = std::make_unique<link::Tunnel>(io.get_executor(), server.str(), world.clock);
        proto::EnvironmentState state;
        state.id = environment.str();
        state.tunnel = {port()};
        tunnel->take(proto::Inventory{{state}});
    }

    std::uint16_t port() const { return odoo.local_endpoint().port(); }
    std::string purpose() {
        return world.core->tunnel_keys.purpose(org, server, environment, port()).value();
    }
    Task<> answer(Tcp::socket socket) {
        std::string buffer(4096, '\0');
        for (;;) {
            boost::system::error_code failed;
            auto room = asio::buffer(buffer);
            auto got = co_await socket.async_read_some(
                room, asio::redirect_error(asio::use_awaitable, failed)
            );
            if (failed) co_return;
            auto back = asio::buffer(buffer, got);
            co_await asio::async_write(
                socket, back, asio::redirect_error(asio::use_awaitable, failed)
            );
        }
    }
    Task<> serve() {
        for (;;) {
            auto socket = co_await odoo.async_accept(asio::use_awaitable);
            answers.spawn(answer(std::move(socket)));
        }
    }

    World& world;
    api::OrgScope org;
    EnvironmentId environment;
    ServerId server;
    Secret key;
    std::string public_der;
    Tcp::acceptor odoo;
    TaskGroup answers;
    std::unique_ptr<link::Tunnel> tunnel;
};

struct Stand {
    Stand() {
        auto now = SystemClock().now();
        ca = crypto::self_sign_ca(ca_key, "Test CA", {now - 1h, now + 240h});
        auto own = crypto::P256Key::generate();
        auto server = certify(own.public_der(), crypto::Usage::server, "localhost", "");
        REQUIRE(tls.set_certificate(server + ca, own.to_pem()));
        REQUIRE(tls.set_agent_authorities({ca}));
        net::ListenerOptions listen;
        listen.address = "127.0.0.1";
        listen.port = 0;
        net::ListenerHandlers handlers;
        handlers.http = [](net::HttpRequest) -> Task<net::HttpResponse> {
            co_return net::HttpResponse(404);
        };
        handlers.agent = [this](net::WebSocket socket) { return hub.serve(std::move(socket)); };
        listener.emplace(io.get_executor(), tls, listen, handlers);
        REQUIRE(listener->open());
    }

    std::string certify(
        const std::string& public_der, crypto::Usage usage, const std::string& name,
        const std::string& uri
    ) {
        auto now = SystemClock().now();
        crypto::IssueRequest request;
        request.public_der = public_der;
        request.common_name = name;
        request.usage = usage;
        if (usage == crypto::Usage::server) request.names.dns = {name};
        if (!uri.empty()) request.names.uri = {uri};
        request.validity = {now - 1h, now + 24h};
        return crypto::issue(ca_key, ca, request).value();
    }

    /// The agent's side of a link, until it is cancelled.
    Task<> link(End& end) {
        auto context = net::TlsClientContext::make(net::Trust::authorities(ca)).value();
        auto pem = certify(
            end.public_der, crypto::Usage::client, end.server.str(),
            "fairlead:org:" + end.org.org().str()
        );
        CHECK(context.set_identity(pem, end.key));
        net::Endpoint to;
        to.host = "localhost";
        to.port = listener->port();
        to.path = "/link";
        to.alpn = net::agent_alpn;
        net::WebSocketLimits limits;
        auto socket = co_await net::WebSocket::connect(to, context, limits);
        REQUIRE(socket);
        auto hello = proto::encode(proto::FromAgent(Agent(world, end.server).hello()));
        auto said = co_await socket->write(net::MessageKind::text, hello);
        CHECK(said);
        auto hear = [&end](std::string text) {
            auto message = proto::decode_to_agent(text).value();
            if (const auto* keys = std::get_if<proto::TunnelKeys>(&message))
                end.tunnel->take(*keys);
        };
        std::function<void(std::string)> heard = hear;
        co_await stream::carry_over(*socket, end.tunnel->streams(), io.get_executor(), heard);
    }

    /// What the store's commits woke.
    void pass_on() {
        for (const auto& server : std::exchange(world.links.woken, {})) hub.wake(server);
    }
    void change(End& end, const std::string& path, boost::json::value body = nullptr) {
        world.act_for(end.org);
        auto reply = world.in_org("POST", "/tunnel-keys" + path, std::move(body));
        CHECK(reply.status < 300);
        pass_on();
    }
    std::string newest_key(End& end) {
        world.act_for(end.org);
        return std::string(
            world.in_org("GET", "/tunnel-keys").json.at("data").at(0).at("id").as_string()
        );
    }

    /// One request on a connection of its own: "" or why it failed.
    Task<std::string> request(End& end, std::string text) {
        auto opened = co_await gateway::open_tunnel(
            hub, pool, world.core->tunnel_keys, end.org.org(), end.server, end.environment,
            end.port()
        );
        if (!opened) co_return opened.error().message();
        auto sent = co_await opened->write(text);
        if (!sent) co_return sent.error().message();
        auto answer = co_await stream::read_exactly(*opened, text.size());
        opened->close();
        co_return answer == text ? std::string() : "another answer: " + answer;
    }
    Task<> until_linked(End& end) {
        for (;;) {
            auto tried = co_await request(end, "there?");
            if (tried.empty()) co_return;
            co_await sleep_for(2ms);
        }
    }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(listener->run());
            group.spawn(hub.watch());
            for (auto* end : {&ours, &theirs}) {
                group.spawn(end->serve());
                group.spawn(end->tunnel->run());
                group.spawn(link(*end));
            }
            std::exception_ptr thrown;
            try {
                co_await until_linked(ours);
                co_await until_linked(theirs);
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            listener->stop(100ms);
            while (listener->counters().open > 0) co_await sleep_for(2ms);
            group.cancel();
            for (auto* end : {&ours, &theirs}) {
                end->answers.cancel();
                co_await end->answers.join();
            }
            co_await group.join();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    World world;
    asio::io_context io{1};
    WorkerPool pool{3};
    /// The hub is made behind the core that sends by it.
    struct Late final : operations::Links {
        void
        send(const ServerId& server, std::string link, std::vector<std::string> texts) override {
            hub->send(server, std::move(link), std::move(texts));
        }
        void wake(const ServerId& server) override { hub->wake(server); }
        void cut(const ServerId& server, std::string code, std::string message) override {
            hub->cut(server, std::move(code), std::move(message));
        }
        gateway::Hub* hub = nullptr;
    } links;
    audit::Notary notary{world.core->store, world.keys, "fairlead.example"};
    audit::Witnesses witnesses{world.core->store, world.log, notary, world.clock};
    gateway::FleetCore core{
        {world.core->agents, witnesses, world.core->tunnel_keys, links, world.packages}};
    gateway::Hub hub{io.get_executor(), pool, core};
    crypto::P256Key ca_key = crypto::P256Key::generate();
    std::string ca;
    net::TlsServerContext tls;
    std::optional<net::Listener> listener;
    End ours{io, world, world.org, "A"};
    End theirs{io, world, world.other, "B"};
};

} // namespace

TEST_SUITE("controller/tunnels/isolation") {

    TEST_CASE("each organization has its own key, and a server refuses what another's signed, "
              "whatever the "
              "controller does [S-TUN-05] [S-TUN-06]") {
        Stand stand;
        stand.links.hub = &stand.hub;
        stand.world.clock.advance(1s);
        auto& keys = stand.world.core->tunnel_keys;
        auto body = [&]() -> Task<> {
            CHECK(stand.newest_key(stand.ours) != stand.newest_key(stand.theirs));
            // A controller that signs for our server with the other organization's key.
            auto forged = keys.purpose(
                                  stand.theirs.org, stand.ours.server, stand.ours.environment,
                                  stand.ours.port()
            )
                              .value();
            auto opened = stand.hub.open_stream(stand.ours.server, forged);
            REQUIRE(opened);
            auto bytes = co_await opened->read();
            CHECK(!bytes);
            CHECK(opened->reset_code() == denied);
            // One that hands a capability on to another server.
            auto misled = stand.hub.open_stream(stand.ours.server, stand.theirs.purpose());
            REQUIRE(misled);
            bytes = co_await misled->read();
            CHECK(misled->reset_code() == denied);
            // And one that says the same thing twice.
            auto text = stand.ours.purpose();
            auto first = stand.hub.open_stream(stand.ours.server, text);
            auto second = stand.hub.open_stream(stand.ours.server, text);
            bytes = co_await second->read();
            CHECK(second->reset_code() == denied);
            auto sent = co_await first->write("x");
            CHECK(sent);
            CHECK(co_await stream::read_exactly(*first, 1) == "x");
        };
        stand.run(body);
    }

    TEST_CASE("rotating and revoking one organization's keys drops nothing of another's, at once") {
        Stand stand;
        stand.links.hub = &stand.hub;
        stand.world.clock.advance(1s);
        int done = 0;
        bool changing = true;
        std::string broken;
        auto browse = [&]() -> Task<> {
            while (changing) {
                auto failed =
                    co_await stand.request(stand.theirs, "request " + std::to_string(done));
                if (!failed.empty() && broken.empty()) broken = failed;
                ++done;
            }
        };
        auto body = [&]() -> Task<> {
            auto standing = stand.hub.open_stream(stand.theirs.server, stand.theirs.purpose());
            TaskGroup visitors(stand.io.get_executor());
            for (int i = 0; i < 4; ++i) visitors.spawn(browse());
            for (int round = 0; round < 5; ++round) {
                auto open = stand.hub.open_stream(stand.ours.server, stand.ours.purpose());
                REQUIRE(open);
                auto sent = co_await open->write("x");
                CHECK(co_await stream::read_exactly(*open, 1) == "x");
                // With a grace it goes on, and new ones are opened under the new key.
                auto before = stand.newest_key(stand.ours);
                stand.change(stand.ours, "/rotate", boost::json::object{{"grace_s", 60}});
                // Not one of its own requests is lost either, whoever hears of it first.
                auto at_once = co_await stand.request(stand.ours, "at once");
                CHECK(at_once == "");
                sent = co_await open->write("y");
                CHECK(co_await stream::read_exactly(*open, 1) == "y");
                // Revoked, it ends.
                stand.change(stand.ours, "/" + before + "/revoke");
                auto bytes = co_await open->read();
                CHECK(open->reset_code() == denied);
                // Without any, nothing is opened.
                stand.change(stand.ours, "/" + stand.newest_key(stand.ours) + "/revoke");
                CHECK(!stand.world.core->tunnel_keys.purpose(
                    stand.ours.org, stand.ours.server, stand.ours.environment, 1
                ));
                stand.change(stand.ours, "/rotate");
                co_await stand.until_linked(stand.ours);
                int seen = done;
                while (done < seen + 20) co_await sleep_for(1ms);
            }
            changing = false;
            co_await visitors.join();
            auto sent = co_await standing->write("still here");
            CHECK(co_await stream::read_exactly(*standing, 10) == "still here");
        };
        stand.run(body);
        CHECK(broken == "");
        CHECK(done >= 100);
    }
}
