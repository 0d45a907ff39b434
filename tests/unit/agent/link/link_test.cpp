#include "../../common/stream/over_socket.hpp"
#include "agent/link/address.hpp"
#include "agent/link/backoff.hpp"
#include "agent/link/enroll.hpp"
#include "agent/link/facts.hpp"
#include "agent/link/identity.hpp"
#include "agent/link/session.hpp"
#include "common/async/event.hpp"
#include "common/crypto/x509.hpp"
#include "common/net/listener.hpp"
#include "proto/capability.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;
using Local = boost::asio::local::stream_protocol;
using Tcp = boost::asio::ip::tcp;

namespace {

struct Folder {
    Folder()
        : path(
              std::filesystem::temp_directory_path() /
              ("fairlead-link-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count))
          ) {
        std::filesystem::create_directories(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
    static inline int count = 0;
};

/// The local socket as the executor has it; a test plays the executor on what it accepts.
struct FakeExecutor {
    FakeExecutor(asio::io_context& io, const std::filesystem::path& path)
        : acceptor(io, Local::endpoint(path.string())) {}

    Task<> accept() {
        peer.emplace(co_await acceptor.async_accept(asio::use_awaitable));
        proto::ExecutorStatus status;
        status.journal = "journal-1";
        status.last_seq = 3;
        status.acknowledged = 1;
        status.highest_fence = 9;
        status.policy.sha256 = "policy-hash";
        status.tunnel_keys = tunnel_keys;
        co_await send(status);
    }
    Task<> send(proto::FromExecutor message) {
        auto body = proto::encode(message);
        std::string frame;
        for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift);
        frame += body;
        co_await asio::async_write(*peer, asio::buffer(frame), asio::use_awaitable);
    }
    Task<proto::ToExecutor> read() {
        unsigned char head[4];
        co_await asio::async_read(*peer, asio::buffer(head), asio::use_awaitable);
        std::string body(std::size_t(head[2]) << 8 | head[3], '\0');
        co_await asio::async_read(*peer, asio::buffer(body), asio::use_awaitable);
        co_return proto::decode_to_executor(body).value();
    }

    /// Returns when the link has hung up.
    Task<> ended() {
        char byte;
        constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
        auto got = co_await peer->async_read_some(asio::buffer(&byte, 1), as_result);
        CHECK(std::get<0>(got) == asio::error::eof);
    }

    Local::acceptor acceptor;
    std::optional<Local::socket> peer;
    std::optional<std::vector<std::string>> tunnel_keys; // that the policy pins
};

/// A controller that a test plays, an executor that it plays too, and the link between them.
struct Stand {
    Stand()
        : store(folder.path), executor(io, folder.path / "executor.sock"),
          channel(io.get_executor(), (folder.path / "executor.sock").string()) {
        auto now = SystemClock().now();
        ca_key.emplace(crypto::P256Key::generate());
        ca = crypto::self_sign_ca(*ca_key, "Test CA", {now - 24h, now + 2400h});
        auto server_key = crypto::P256Key::generate();
        auto server =
            issue(server_key.public_der(), crypto::Usage::server, "localhost", now - 1h, now + 24h);
        REQUIRE(tls_server.set_certificate(server + ca, server_key.to_pem()));
        REQUIRE(tls_server.set_agent_authorities({ca}));

        identity.server_id = "srv_01J0000000000000000000000A";
        identity.org_id = "org_01J0000000000000000000000A";
        identity.enrolled_with = "https://localhost";
        identity.controllers = {"localhost:1"};
        REQUIRE(store.save(identity));
        give_certificate(now - 1h, now + 24h);
        options.folder = folder.path;
        options.version = "0.0.1";
        options.read_facts = false;

        net::ListenerOptions listen;
        listen.address = "127.0.0.1";
        listen.port = 0;
        net::ListenerHandlers handlers;
        handlers.http = [](net::HttpRequest) -> Task<net::HttpResponse> {
            co_return net::HttpResponse(404);
        };
        handlers.agent = [this](net::WebSocket socket) -> Task<> {
            return controller(std::move(socket));
        };
        listener.emplace(io.get_executor(), tls_server, listen, handlers);
        REQUIRE(listener->open());
    }

    std::string issue(
        const std::string& public_der, crypto::Usage usage, const std::string& name, Timestamp from,
        Timestamp until
    ) {
        crypto::IssueRequest request;
        request.public_der = public_der;
        request.common_name = name;
        request.usage = usage;
        if (usage == crypto::Usage::server) request.names.dns = {name};
        request.validity = {from, until};
        return crypto::issue(*ca_key, ca, request).value();
    }
    void give_certificate(Timestamp from, Timestamp until) {
        auto key = store.key().value();
        REQUIRE(store.save_certificate(
            issue(key.public_der(), crypto::Usage::client, identity.server_id, from, until), ca
        ));
    }

    /// The agent's side of one link.
    Task<Ending> link() {
        auto tls_now = store.tls(identity, true);
        REQUIRE(tls_now);
        tls.emplace(std::move(*tls_now));
        net::Endpoint to;
        to.host = "localhost";
        to.port = listener->port();
        to.path = "/link";
        to.alpn = net::agent_alpn;
        net::WebSocketLimits limits;
        auto socket = co_await net::WebSocket::connect(to, *tls, limits);
        REQUIRE(socket);
        Shared shared{options, store,  identity, *tls,   channel,  workers,
                      facts,   policy, witness,  tunnel, measuring};
        LinkSession session(shared, *std::move(socket), io.get_executor(), [this] {
            online = true;
        });
        auto ending = co_await session.run();
        co_return ending;
    }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(listener->run());
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            listener->stop(50ms);
            co_await group.join();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    Folder folder;
    asio::io_context io{1};
    IdentityFolder store;
    FakeExecutor executor;
    ExecutorChannel channel;
    std::optional<crypto::P256Key> ca_key;
    std::string ca;
    net::TlsServerContext tls_server;
    std::optional<net::TlsClientContext> tls;
    Identity identity;
    LinkOptions options;
    WorkerPool workers{1};
    FactsReader facts{"0.0.1"};
    proto::PolicyFacts policy;
    Witness witness{folder.path / "witness.json"};
    SystemClock clock;
    Tunnel tunnel{io.get_executor(), "srv_01J0000000000000000000000A", clock};
    Measuring measuring{io.get_executor(), "/nonexistent"};
    std::optional<net::Listener> listener;
    std::function<Task<>(net::WebSocket)> controller;
    bool online = false;
};

Task<proto::FromAgent> next(net::WebSocket& socket) {
    auto message = co_await socket.read();
    REQUIRE(message);
    co_return proto::decode_from_agent(message->data).value();
}

Task<> say(net::WebSocket& socket, proto::ToAgent message) {
    auto text = proto::encode(message);
    auto written = co_await socket.write(net::MessageKind::text, text);
    CHECK(written);
}

proto::ToAgent delivery(const std::string& id) {
    proto::Deliver deliver;
    deliver.operation.id = id;
    deliver.operation.kind = "agent.ping";
    return deliver;
}

proto::ToAgent welcome(std::uint64_t acknowledged) {
    proto::Welcome message;
    message.protocol = 1;
    message.acknowledged = acknowledged;
    return message;
}

proto::Reports report(std::uint64_t seq, const std::string& operation) {
    proto::Reports reports;
    proto::Report one;
    one.seq = seq;
    one.operation = operation;
    reports.reports.push_back(one);
    return reports;
}

} // namespace

TEST_SUITE("agent/link") {

    TEST_CASE("the hello says what the journal holds, and messages travel both ways") {
        Stand stand;
        bool told = false;
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            const auto& hello = std::get<proto::Hello>(first);
            CHECK(hello.journal == "journal-1");
            CHECK(hello.last_seq == 3);
            CHECK(hello.acknowledged == 1);
            CHECK(hello.highest_fence == 9);
            CHECK(hello.version == "0.0.1");
            co_await say(socket, welcome(2));
            co_await say(socket, delivery("op_01JD0000000000000000000001"));
            auto second = co_await next(socket);
            CHECK(std::get<proto::Reports>(second).reports.at(0).seq == 3);
            proto::Ack ack;
            ack.seq = 3;
            co_await say(socket, ack);
            proto::Refused refused;
            refused.code = "revoked";
            refused.message = "This server was revoked.";
            co_await say(socket, refused);
            auto last = co_await socket.read();
            CHECK(!last);
        };
        auto executor = [&]() -> Task<> {
            co_await stand.executor.accept();
            auto ack = co_await stand.executor.read();
            CHECK(std::get<proto::Ack>(ack).seq == 2);
            auto deliver = co_await stand.executor.read();
            CHECK(
                std::get<proto::Deliver>(deliver).operation.id == "op_01JD0000000000000000000001"
            );
            co_await stand.executor.send(report(3, "op_01JD0000000000000000000001"));
            auto again = co_await stand.executor.read();
            CHECK(std::get<proto::Ack>(again).seq == 3);
            told = true;
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(executor());
            auto ending = co_await stand.link();
            CHECK(ending.code == "revoked");
            CHECK(ending.reason == "This server was revoked.");
            co_await group.join();
        };
        stand.run(body);
        CHECK(stand.online);
        CHECK(told);
        CHECK(stand.policy.sha256 == "policy-hash");
    }

    TEST_CASE("an executor that went idle is started again by a delivery, and a delivery that it "
              "took with it is repeated") {
        Stand stand;
        fairlead::Event idle(stand.io.get_executor());
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            CHECK(std::holds_alternative<proto::Hello>(first));
            co_await say(socket, welcome(3));
            co_await idle.wait();
            co_await say(socket, delivery("op_01JD0000000000000000000002"));
            auto reports = co_await next(socket);
            CHECK(
                std::get<proto::Reports>(reports).reports.at(0).operation ==
                "op_01JD0000000000000000000002"
            );
            co_await socket.close(1001, "going away");
        };
        auto executor = [&]() -> Task<> {
            co_await stand.executor.accept();
            auto ack = co_await stand.executor.read();
            CHECK(std::get<proto::Ack>(ack).seq == 3);
            co_await stand.executor.send(proto::Idle());
            co_await stand.executor.ended();
            idle.notify();
            co_await stand.executor.accept();
            ack = co_await stand.executor.read();
            CHECK(std::holds_alternative<proto::Ack>(ack));
            auto deliver = co_await stand.executor.read();
            CHECK(
                std::get<proto::Deliver>(deliver).operation.id == "op_01JD0000000000000000000002"
            );
            stand.executor.peer.reset(); // dies with it
            co_await stand.executor.accept();
            ack = co_await stand.executor.read();
            deliver = co_await stand.executor.read();
            CHECK(
                std::get<proto::Deliver>(deliver).operation.id == "op_01JD0000000000000000000002"
            );
            co_await stand.executor.send(report(4, "op_01JD0000000000000000000002"));
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(executor());
            auto ending = co_await stand.link();
            CHECK(ending.code.empty());
            co_await group.join();
        };
        stand.run(body);
    }

    TEST_CASE("an executor that went away without a word is called again, and tells the rest") {
        Stand stand;
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            co_await next(socket);
            co_await say(socket, welcome(3));
            auto reports = co_await next(socket);
            CHECK(std::get<proto::Reports>(reports).reports.at(0).seq == 4);
            reports = co_await next(socket);
            CHECK(std::get<proto::Reports>(reports).reports.at(0).seq == 5);
            co_await socket.close(1001, "going away");
        };
        auto executor = [&]() -> Task<> {
            co_await stand.executor.accept();
            co_await stand.executor.read();
            co_await stand.executor.send(report(4, "op_1"));
            stand.executor.peer.reset(); // in the middle of an operation that nobody asks for again
            co_await stand.executor.accept();
            co_await stand.executor.read();
            co_await stand.executor.send(report(5, "op_1"));
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(executor());
            auto ending = co_await stand.link();
            CHECK(ending.code.empty());
            co_await group.join();
        };
        stand.run(body);
    }

    TEST_CASE("a link that is told to end says goodbye and does not come back as one that was lost"
    ) {
        Stand stand;
        bool heard = false, returned = false;
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            co_await say(socket, welcome(0));
            auto last = co_await socket.read();
            CHECK(!last);
            heard = socket.close_reason().code == 1001;
        };
        auto agent = [&]() -> Task<> {
            auto ending = co_await stand.link();
            returned = true;
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(stand.executor.accept());
            group.spawn(agent());
            while (!stand.online) co_await sleep_for(2ms);
            group.cancel();
            co_await group.join();
        };
        stand.run(body);
        CHECK(heard);
        CHECK(!returned);
    }

    TEST_CASE("a refusal in place of the welcome comes out by name") {
        Stand stand;
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            proto::Refused refused;
            refused.code = "clock_wrong";
            refused.message = "The clock of this server is 400 s behind.";
            co_await say(socket, refused);
            co_await socket.close(4003, "");
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(stand.executor.accept());
            auto ending = co_await stand.link();
            CHECK(ending.code == "clock_wrong");
            CHECK(ending.reason.find("400 s") != std::string::npos);
            CHECK(ending.kind == Errc::forbidden);
            co_await group.join();
        };
        stand.run(body);
        CHECK(!stand.online);
    }

    TEST_CASE("after a third of its life the certificate is renewed over the link, for the same key"
    ) {
        Stand stand;
        auto now = SystemClock().now();
        stand.give_certificate(now - 11h, now + 20h);
        stand.options.read_facts = true;
        auto before = stand.store.certificate().value();
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto message = co_await next(socket);
            co_await say(socket, welcome(0));
            message = co_await next(socket);
            CHECK(std::get<proto::FactsMessage>(message).facts.policy.sha256 == "policy-hash");
            message = co_await next(socket);
            auto csr = crypto::parse_csr(std::get<proto::Renew>(message).csr).value();
            proto::Certificate renewed;
            renewed.certificate = stand.issue(
                csr.public_der, crypto::Usage::client, stand.identity.server_id, now - 1h,
                now + 240h
            );
            renewed.ca = stand.ca;
            co_await say(socket, renewed);
            proto::Certificate foreign;
            foreign.certificate = stand.issue(
                crypto::P256Key::generate().public_der(), crypto::Usage::client, "srv_x", now - 1h,
                now + 240h
            );
            co_await say(socket, foreign);
            co_await socket.close(1001, "");
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(stand.executor.accept());
            auto ending = co_await stand.link();
            CHECK(!ending.reason.empty());
            co_await group.join();
        };
        stand.run(body);
        auto after = crypto::parse_certificate(stand.store.certificate().value()).value();
        CHECK(after.common_name == stand.identity.server_id);
        CHECK(after.not_after > now + 200h);
    }

    TEST_CASE(
        "streams reach what the executor's inventory names, under keys that the controller told, "
        "and only with protocol 3"
    ) {
        Stand stand;
        bool streams = true, pinned = false;
        SUBCASE("protocol 3") {}
        SUBCASE("protocol 2") {
            streams = false;
        }
        SUBCASE("a policy that names another key") {
            pinned = true;
        }
        const std::string shop = "env_01J0000000000000000000000A";
        auto executor = stand.io.get_executor();
        Tcp::acceptor odoo(stand.io, Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        proto::EnvironmentState state;
        state.id = shop;
        state.tunnel = {odoo.local_endpoint().port()};
        const std::string key_id = "tkey_01J0000000000000000000000A";
        auto key = crypto::SigningKey::generate();
        if (pinned)
            stand.executor.tunnel_keys = {crypto::SigningKey::generate().verify_key().str()};
        auto capability = [&] {
            return proto::sign_capability(
                       {{"kind", "tunnel"}, {"environment", shop}, {"port", state.tunnel[0]}},
                       stand.identity.server_id, key_id, key, SystemClock().now()
            )
                .value();
        };
        stream::Carrier carrier(executor, stream::Role::acceptor);
        fairlead::Event listed(executor);
        bool done = false;
        auto use = [&]() -> Task<> {
            co_await listed.wait();
            auto opened = carrier.open(capability());
            REQUIRE(opened);
            auto sent = co_await opened->write("request");
            CHECK(sent);
            if (pinned) {
                auto bytes = co_await opened->read();
                CHECK(opened->reset_code() == static_cast<std::uint32_t>(proto::StreamEnd::denied));
            } else if (streams) {
                auto socket = co_await odoo.async_accept(asio::use_awaitable);
                std::string buffer(7, '\0');
                auto room = asio::buffer(buffer);
                co_await asio::async_read(socket, room, asio::use_awaitable);
                co_await asio::async_write(socket, room, asio::use_awaitable);
                CHECK(co_await stream::read_exactly(*opened, 7) == "request");
            } else {
                co_await sleep_for(30ms); // it goes to nobody
                CHECK(stand.tunnel.streams().open_streams() == 0);
            }
            done = true;
        };
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            proto::Welcome message;
            message.protocol = streams ? 3 : 2;
            co_await say(socket, message);
            proto::TunnelKeys keys{{{key_id, key.verify_key().str(), 0}}};
            co_await say(socket, keys);
            TaskGroup both(executor);
            auto work = [&]() -> Task<> {
                co_await use();
                socket.abort();
            };
            both.spawn(stream::carry_over(socket, carrier, executor, [&](std::string) {
                listed.notify(); // the inventory
            }));
            both.spawn(work());
            co_await both.join();
        };
        auto play = [&]() -> Task<> {
            co_await stand.executor.accept();
            proto::Inventory inventory;
            inventory.environments.push_back(state);
            co_await stand.executor.send(inventory);
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(executor);
            group.spawn(play());
            auto ending = co_await stand.link();
            CHECK(ending.code.empty());
            co_await group.join();
            CHECK(!stand.tunnel.streams().attached());
            carrier.give_up("The test is over.");
            stand.tunnel.streams().give_up("The test is over.");
        };
        auto served = [&]() -> Task<> {
            TaskGroup group(executor);
            group.spawn(stand.tunnel.run());
            co_await body();
            group.cancel();
            co_await group.join();
        };
        stand.run(served);
        CHECK(done);
    }

    TEST_CASE("a list of controllers and authorities in the welcome is kept") {
        Stand stand;
        stand.controller = [&](net::WebSocket socket) -> Task<> {
            auto first = co_await next(socket);
            proto::Welcome message;
            message.controllers = {"a.example:8443", "b.example:8443"};
            co_await say(socket, message);
            co_await sleep_for(20ms);
            co_await socket.close(1001, "");
        };
        auto body = [&]() -> Task<> {
            TaskGroup group(stand.io.get_executor());
            group.spawn(stand.executor.accept());
            auto ending = co_await stand.link();
            CHECK(ending.code.empty());
            co_await group.join();
        };
        stand.run(body);
        CHECK(
            stand.store.load().value().controllers ==
            std::vector<std::string>{"a.example:8443", "b.example:8443"}
        );
    }

    TEST_CASE("the wait grows with each failure, is random down to nothing, and starts anew after "
              "a good link") {
        std::uint64_t limit = 0;
        Backoff backoff([&](std::uint64_t upto) {
            limit = upto;
            return upto / 2;
        });
        std::vector<std::uint64_t> limits;
        for (int i = 0; i < 9; ++i) {
            auto wait = backoff.next();
            CHECK(wait.count() == static_cast<long>(limit / 2));
            limits.push_back(limit);
        }
        CHECK(
            limits ==
            std::vector<std::uint64_t>{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000}
        );
        backoff.link_lasted(59s);
        backoff.next();
        CHECK(limit == 30000);
        backoff.link_lasted(60s);
        backoff.next();
        CHECK(limit == 500);
    }

    TEST_CASE("addresses of controllers are read in every spelling that occurs") {
        CHECK(
            parse_address("wss://Controller.example:8443").value() ==
            Address{"controller.example", 8443}
        );
        CHECK(
            parse_address("https://controller.example").value() ==
            Address{"controller.example", 443}
        );
        CHECK(parse_address("10.0.0.1:99").value() == Address{"10.0.0.1", 99});
        CHECK(parse_address("[2001:db8::1]:8443").value().text() == "[2001:db8::1]:8443");
        CHECK(!parse_address("http://h"));
        CHECK(!parse_address(""));
    }

    TEST_CASE("an identity that is missing or damaged is told with its file and the cure") {
        Folder folder;
        IdentityFolder store(folder.path);
        auto missing = store.load();
        CHECK(missing.error().kind() == Errc::not_found);
        CHECK(missing.error().message().find("is not enrolled") != std::string::npos);
        std::filesystem::create_directories(folder.path);
        FILE* file = std::fopen((folder.path / "identity.json").c_str(), "w");
        std::fputs("{broken", file);
        std::fclose(file);
        auto damaged = store.load();
        CHECK(damaged.error().kind() == Errc::invalid);
        CHECK(damaged.error().message().find("identity.json is damaged") != std::string::npos);
    }

    TEST_CASE("enrolling again with the same controller is harmless, with another one refused") {
        Folder folder;
        IdentityFolder store(folder.path);
        Identity identity;
        identity.server_id = "srv_1";
        identity.org_id = "org_1";
        identity.enrolled_with = "https://c.example:8443";
        identity.controllers = {"c.example:8443"};
        REQUIRE(store.save(identity));
        EnrollOptions options;
        options.folder = folder.path;
        options.controller = "https://c.example:8443";
        CHECK(enroll(std::move(options)).value() == "already enrolled as srv_1 in org_1");
        EnrollOptions other;
        other.folder = folder.path;
        other.controller = "https://other.example";
        auto refused = enroll(std::move(other));
        CHECK(refused.error().kind() == Errc::conflict);
        CHECK(refused.error().message().find("https://c.example:8443") != std::string::npos);
    }

    TEST_CASE("facts of this machine are there") {
        FactsReader reader("1.2.3");
        auto facts = reader.read(1);
        CHECK(facts.agent_version == "1.2.3");
        CHECK(!facts.hostname.empty());
        CHECK(!facts.os.id.empty());
        CHECK(facts.cpu.cores > 0);
        CHECK(facts.memory.total_bytes > facts.memory.used_bytes);
        CHECK(facts.disk.total_bytes > 0);
        CHECK(facts.load.size() == 3);
        facts = reader.read(2);
        CHECK(facts.cpu.used_percent >= 0);
        CHECK(facts.cpu.used_percent <= 100);
    }
}
