#include "../../common/stream/over_socket.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/x509.hpp"
#include "common/net/listener.hpp"
#include "controller/gateway/hub.hpp"
#include "proto/messages.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <mutex>

using namespace fairlead;
using namespace fairlead::gateway;
using namespace std::chrono_literals;

namespace {

const std::string server_id = "srv_01J0000000000000000000000A";

struct FakeLink final : LinkState {
    using LinkState::LinkState;
    std::string_view id() const override { return "link"; }
    std::uint32_t protocol() const override { return spoken; }

    std::uint32_t spoken = proto::streams_since;
};

/// Answers with what a test wants, and counts.
class FakeCore final : public AgentCore {
public:
    Result<std::unique_ptr<LinkState>> identify(const net::PeerCertificate& certificate) override {
        ++identified;
        if (unknown)
            return fail(Error(Errc::forbidden, "No such server.").with_code("server_unknown"));
        return std::make_unique<FakeLink>(ServerId::trusted(certificate.common_name));
    }
    Result<Replies> hello(LinkState& link, std::string_view text) override {
        static_cast<FakeLink&>(link).spoken = protocol;
        if (on_hello) on_hello();
        if (text != "hello")
            return fail(Error(Errc::invalid, "The first message must be a hello.")
                            .with_code("protocol_error"));
        return say({"welcome"});
    }
    Result<Replies> message(LinkState&, std::string_view text) override {
        CHECK(++inside == 1);
        std::this_thread::sleep_for(1ms);
        --inside;
        if (text == "break")
            return fail(Error(Errc::invalid, "That was wrong.").with_code("report_gap"));
        if (text == "throw") throw std::runtime_error("broken");
        if (text == "flood") return say(std::vector<std::string>(64, std::string(100'000, 'f')));
        return say({"ack " + std::string(text)});
    }
    Result<bool> due(LinkState&) override {
        CHECK(++inside == 1);
        --inside;
        ++asked;
        std::lock_guard lock(mutex);
        if (!waiting.empty()) {
            hub->send(ServerId::trusted(server_id), "link", {waiting.front()});
            waiting.erase(waiting.begin());
        }
        return !waiting.empty();
    }
    void closed(LinkState&) override { ++ended; }
    std::string refusal(std::string_view code, std::string_view message) override {
        return "refused " + std::string(code) + " " + std::string(message);
    }

    static Replies say(std::vector<std::string> messages) {
        Replies replies;
        replies.messages = std::move(messages);
        return replies;
    }

    std::atomic<int> identified = 0, ended = 0, asked = 0, inside = 0;
    std::atomic<bool> unknown = false;
    std::atomic<std::uint32_t> protocol = proto::streams_since;
    Hub* hub = nullptr;
    std::function<void()> on_hello;
    std::mutex mutex;
    std::vector<std::string> waiting;
};

/// Controller and agents on one loop.
struct Stand {
    explicit Stand(HubOptions options = HubOptions())
        : hub(io.get_executor(), pool, core, options), ca_key(crypto::P256Key::generate()) {
        core.hub = &hub;
        auto now = SystemClock().now();
        ca = crypto::self_sign_ca(ca_key, "Test CA", {now - 1h, now + 240h});
        Secret key;
        auto server = issue(crypto::Usage::server, "localhost", key);
        REQUIRE(tls.set_certificate(server + ca, key));
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

    std::string issue(crypto::Usage usage, const std::string& name, Secret& key) {
        auto now = SystemClock().now();
        auto own = crypto::P256Key::generate();
        crypto::IssueRequest request;
        request.public_der = own.public_der();
        request.common_name = name;
        request.usage = usage;
        if (usage == crypto::Usage::server) request.names.dns = {name};
        request.validity = {now - 1h, now + 24h};
        key = own.to_pem();
        return crypto::issue(ca_key, ca, request).value();
    }

    Task<Result<net::WebSocket>> dial() {
        auto client = std::make_unique<net::TlsClientContext>(
            net::TlsClientContext::make(net::Trust::authorities(ca)).value()
        );
        Secret key;
        auto pem = issue(crypto::Usage::client, server_id, key);
        CHECK(client->set_identity(pem, key));
        net::Endpoint to;
        to.host = "localhost";
        to.port = listener->port();
        to.path = "/link";
        to.alpn = net::agent_alpn;
        net::WebSocketLimits limits;
        auto& context = *client;
        contexts.push_back(std::move(client));
        co_return co_await net::WebSocket::connect(to, context, limits);
    }

    /// Runs `body` beside listener and hub, then stops both as the controller does.
    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            group.spawn(listener->run());
            group.spawn(hub.watch());
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            listener->stop(100ms);
            while (listener->counters().open > 0) co_await sleep_for(2ms);
            group.cancel();
            co_await group.join();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    asio::io_context io{1};
    FakeCore core;
    WorkerPool pool{3};
    Hub hub;
    crypto::P256Key ca_key;
    std::string ca;
    net::TlsServerContext tls;
    std::optional<net::Listener> listener;
    std::vector<std::unique_ptr<net::TlsClientContext>> contexts;
};

Task<std::string> text_of(net::WebSocket& socket) {
    auto message = co_await socket.read();
    if (!message) co_return "closed " + std::to_string(socket.close_reason().code);
    co_return message->data;
}

Task<> say(net::WebSocket& socket, std::string text) {
    auto written = co_await socket.write(net::MessageKind::text, text);
    CHECK(written);
}

} // namespace

TEST_SUITE("controller/gateway/session") {

    TEST_CASE("a hello is welcomed, messages are answered in order, and what is due is sent") {
        Stand stand;
        stand.core.waiting = {"first", "second", "third"};
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            REQUIRE(link);
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            CHECK(co_await text_of(*link) == "first");
            CHECK(co_await text_of(*link) == "second");
            CHECK(co_await text_of(*link) == "third");
            CHECK(stand.hub.online() == 1);
            for (int i = 0; i < 20; ++i) co_await say(*link, std::to_string(i));
            for (int i = 0; i < 20; ++i)
                CHECK(co_await text_of(*link) == "ack " + std::to_string(i));
            {
                std::lock_guard lock(stand.core.mutex);
                stand.core.waiting = {"fourth"};
            }
            stand.hub.wake(ServerId::trusted(server_id));
            CHECK(co_await text_of(*link) == "fourth");
            co_await link->close(1000, "");
            while (stand.core.ended == 0) co_await sleep_for(2ms);
            CHECK(stand.hub.online() == 0);
        };
        stand.run(body);
        CHECK(stand.core.ended == 1);
    }

    TEST_CASE(
        "what is handed out comes in the order of its commits, after the welcome, and only on "
        "its own link"
    ) {
        Stand stand;
        auto server = ServerId::trusted(server_id);
        stand.core.on_hello = [&] {
            stand.hub.send(server, "the link before", {"not for this one"});
            stand.hub.send(server, "link", {"first", "second"});
            // The loop has them before it has the answer to the hello.
            std::promise<void> passed;
            asio::post(stand.io, [&] { passed.set_value(); });
            passed.get_future().wait();
        };
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            REQUIRE(link);
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            CHECK(co_await text_of(*link) == "first");
            CHECK(co_await text_of(*link) == "second");
            stand.hub.send(server, "the link before", {"nor this"});
            stand.hub.send(server, "link", {"third"});
            CHECK(co_await text_of(*link) == "third");
            co_await link->close(1000, "");
            while (stand.core.ended == 0) co_await sleep_for(2ms);
            stand.hub.send(server, "link", {"to nobody"});
        };
        stand.run(body);
    }

    TEST_CASE("a server that is unknown is told so and cut") {
        Stand stand;
        stand.core.unknown = true;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            CHECK(co_await text_of(*link) == "refused server_unknown No such server.");
            CHECK(co_await text_of(*link) == "closed 4001");
        };
        stand.run(body);
        CHECK(stand.core.ended == 0);
    }

    TEST_CASE("a revoked server is cut at once, also while its hello is being answered") {
        Stand stand;
        bool during_hello = false;
        SUBCASE("later") {}
        SUBCASE("during the hello") {
            during_hello = true;
        }
        auto cut = [&] {
            stand.hub.cut(ServerId::trusted(server_id), "revoked", "This server was revoked.");
        };
        if (during_hello) stand.core.on_hello = cut;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            auto first = co_await text_of(*link);
            if (!during_hello) {
                CHECK(first == "welcome");
                cut();
                first = co_await text_of(*link);
            } else if (first == "welcome") {
                first = co_await text_of(*link);
            }
            CHECK(first == "refused revoked This server was revoked.");
            CHECK(co_await text_of(*link) == "closed 4002");
        };
        stand.run(body);
        CHECK(stand.core.ended == 1);
    }

    TEST_CASE("a second link of a server replaces the first") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto first = co_await stand.dial();
            co_await say(*first, "hello");
            CHECK(co_await text_of(*first) == "welcome");
            auto second = co_await stand.dial();
            co_await say(*second, "hello");
            CHECK(co_await text_of(*second) == "welcome");
            CHECK((co_await text_of(*first)).starts_with("refused replaced"));
            CHECK(co_await text_of(*first) == "closed 4005");
            while (stand.core.ended == 0) co_await sleep_for(2ms);
            CHECK(stand.hub.online() == 1);
            co_await say(*second, "still here");
            CHECK(co_await text_of(*second) == "ack still here");
        };
        stand.run(body);
        CHECK(stand.core.ended == 2);
    }

    TEST_CASE("a message that breaks the rules ends the link with its code") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            co_await say(*link, "break");
            CHECK(co_await text_of(*link) == "refused report_gap That was wrong.");
            CHECK(co_await text_of(*link) == "closed 1002");
            auto other = co_await stand.dial();
            co_await say(*other, "not a hello");
            CHECK((co_await text_of(*other)).starts_with("refused protocol_error"));
            auto third = co_await stand.dial();
            co_await say(*third, "hello");
            CHECK(co_await text_of(*third) == "welcome");
            co_await say(*third, "throw");
            CHECK((co_await text_of(*third)).starts_with("refused going_away"));
        };
        stand.run(body);
        CHECK(stand.core.ended == 3);
    }

    TEST_CASE("an agent that says nothing is given up, one that only lives is pinged and kept") {
        HubOptions options;
        options.hello_time = 300ms;
        options.look_every = 20ms;
        options.ping_after = 60ms;
        options.give_up_after = 2s;
        Stand stand(options);
        auto body = [&]() -> Task<> {
            auto silent = co_await stand.dial();
            auto reason = co_await text_of(*silent);
            CHECK(reason.starts_with("refused hello_timeout"));
            CHECK(co_await text_of(*silent) == "closed 4007");
            auto quiet = co_await stand.dial();
            co_await say(*quiet, "hello");
            CHECK(co_await text_of(*quiet) == "welcome");
            auto reader = [&]() -> Task<> { CHECK(co_await text_of(*quiet) == "ack x"); };
            TaskGroup group(stand.io.get_executor());
            group.spawn(reader());
            co_await sleep_for(500ms);
            CHECK(quiet->last_heard() > std::chrono::steady_clock::now() - 300ms);
            co_await say(*quiet, "x");
            co_await group.join();
        };
        stand.run(body);
    }

    TEST_CASE("an agent that does not read is cut when too much waits for it") {
        HubOptions options;
        options.queue_bytes = 1'000'000;
        options.look_every = 100ms;
        Stand stand(options);
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            co_await say(*link, "flood");
            for (;;) {
                auto text = co_await text_of(*link);
                if (text.starts_with("f")) continue;
                CHECK(text.starts_with("refused too_slow"));
                break;
            }
            CHECK(co_await text_of(*link) == "closed 4006");
        };
        stand.run(body);
    }

    TEST_CASE("when the controller stops, agents are told that it goes away") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            stand.listener->stop(5s);
            CHECK(co_await text_of(*link) == "closed 1001");
        };
        stand.run(body);
        CHECK(stand.core.ended == 1);
    }

    TEST_CASE("streams travel beside messages, and go on over the server's next link") {
        Stand stand;
        auto server = ServerId::trusted(server_id);
        auto executor = stand.io.get_executor();
        auto body = [&]() -> Task<> {
            TaskGroup work(executor);
            stream::Carrier agent(
                executor, stream::Role::dialler, stream::Limits(),
                [&](stream::Stream came) { work.spawn(stream::echo(std::move(came))); }
            );
            std::vector<std::string> texts;
            auto text = [&](std::string one) { texts.push_back(std::move(one)); };
            CHECK(stand.hub.open_stream(server, "x").error().code() == "server_offline");
            auto link = co_await stand.dial();
            REQUIRE(link);
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            TaskGroup line(executor);
            line.spawn(stream::carry_over(*link, agent, executor, text));
            auto opened = stand.hub.open_stream(server, "x");
            REQUIRE(opened);
            auto sent = co_await opened->write("before");
            CHECK(sent);
            CHECK(co_await stream::read_exactly(*opened, 6) == "before");
            stand.hub.send(server, "link", {"a message"});
            while (texts.empty()) co_await sleep_for(1ms);
            CHECK(texts == std::vector<std::string>{"a message"});

            link->abort();
            co_await line.join();
            while (stand.hub.online() > 0) co_await sleep_for(1ms);
            CHECK(stand.hub.open_stream(server, "x").error().code() == "server_offline");
            sent = co_await opened->write("after");
            CHECK(sent);
            auto next = co_await stand.dial();
            REQUIRE(next);
            co_await say(*next, "hello");
            CHECK(co_await text_of(*next) == "welcome");
            TaskGroup second_line(executor);
            second_line.spawn(stream::carry_over(*next, agent, executor, text));
            CHECK(co_await stream::read_exactly(*opened, 5) == "after");

            stand.hub.cut(server, "revoked", "This server was revoked.");
            auto ended = co_await opened->read();
            CHECK(ended.error().code() == "stream_lost");
            CHECK(ended.error().message() == "This server was revoked.");
            co_await second_line.join();
            agent.give_up("The test is over.");
            co_await work.join();
        };
        stand.run(body);
    }

    TEST_CASE("a message does not wait for what ten streams have to send") {
        Stand stand;
        auto server = ServerId::trusted(server_id);
        auto executor = stand.io.get_executor();
        auto body = [&]() -> Task<> {
            TaskGroup work(executor);
            stream::Carrier agent(
                executor, stream::Role::dialler, stream::Limits(),
                [&](stream::Stream came) { work.spawn(stream::echo(std::move(came))); }
            );
            std::string order; // 'f' for each frame, 'm' for the message
            auto text = [&](std::string) { order += 'm'; };
            auto frame = [&] { order += 'f'; };
            auto link = co_await stand.dial();
            REQUIRE(link);
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            TaskGroup line(executor);
            line.spawn(stream::carry_over(*link, agent, executor, text, frame));
            std::vector<stream::Stream> streams;
            for (int i = 0; i < 10; ++i) {
                streams.push_back(stand.hub.open_stream(server, "x").value());
                auto sent = co_await streams.back().write("x");
                CHECK(sent);
                CHECK(co_await stream::read_exactly(streams.back(), 1) == "x");
            }
            order.clear();
            std::string bulk(60 * 1024, 'b'); // fits the windows: nothing waits before the message
            for (auto& one : streams) {
                auto sent = co_await one.write(bulk);
                CHECK(sent);
            }
            stand.hub.send(server, "link", {"a message"});
            for (auto& one : streams)
                CHECK((co_await stream::read_exactly(one, bulk.size())).size() == bulk.size());
            CHECK(order.size() > 20); // two of each stream, and the message
            CHECK(order.find('m') <= 3);
            link->abort();
            co_await line.join();
            streams.clear();
            agent.give_up("The test is over.");
            co_await work.join();
        };
        stand.run(body);
    }

    TEST_CASE("a link that replaces another takes its streams over") {
        Stand stand;
        auto server = ServerId::trusted(server_id);
        auto executor = stand.io.get_executor();
        auto body = [&]() -> Task<> {
            TaskGroup work(executor);
            stream::Carrier agent(
                executor, stream::Role::dialler, stream::Limits(),
                [&](stream::Stream came) { work.spawn(stream::echo(std::move(came))); }
            );
            auto first = co_await stand.dial();
            co_await say(*first, "hello");
            CHECK(co_await text_of(*first) == "welcome");
            TaskGroup line(executor);
            line.spawn(stream::carry_over(*first, agent, executor));
            auto opened = stand.hub.open_stream(server, "x");
            REQUIRE(opened);
            auto sent = co_await opened->write("one");
            CHECK(sent);
            CHECK(co_await stream::read_exactly(*opened, 3) == "one");
            auto second = co_await stand.dial();
            co_await say(*second, "hello");
            CHECK(co_await text_of(*second) == "welcome");
            co_await line.join();
            line.spawn(stream::carry_over(*second, agent, executor));
            sent = co_await opened->write("two");
            CHECK(sent);
            CHECK(co_await stream::read_exactly(*opened, 3) == "two");
            opened->close();
            CHECK(co_await stream::read_exactly(*opened, 1) == "");
            co_await opened->ended();
            second->abort();
            co_await line.join();
            co_await work.join();
        };
        stand.run(body);
    }

    TEST_CASE("streams that wait too long for their server are given up") {
        HubOptions options;
        options.look_every = 10ms;
        options.stream_patience = 30ms;
        Stand stand(options);
        auto server = ServerId::trusted(server_id);
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            auto opened = stand.hub.open_stream(server, "x");
            REQUIRE(opened);
            link->abort();
            auto bytes = co_await opened->read();
            CHECK(bytes.error().code() == "stream_lost");
        };
        stand.run(body);
    }

    TEST_CASE("an agent of protocol 2 is sent no streams and may send none") {
        Stand stand;
        stand.core.protocol = 2;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            auto refused = stand.hub.open_stream(ServerId::trusted(server_id), "x");
            CHECK(refused.error().code() == "agent_too_old");
            auto sent = co_await link->write(net::MessageKind::binary, "anything");
            CHECK(sent);
            CHECK((co_await text_of(*link)).starts_with("refused protocol_error"));
            CHECK(co_await text_of(*link) == "closed 1002");
        };
        stand.run(body);
    }

    TEST_CASE("a frame that breaks the rules of streams ends the link") {
        Stand stand;
        auto body = [&]() -> Task<> {
            auto link = co_await stand.dial();
            co_await say(*link, "hello");
            CHECK(co_await text_of(*link) == "welcome");
            auto sent = co_await link->write(net::MessageKind::binary, "no frame");
            CHECK(sent);
            std::string last;
            while (!last.starts_with("refused") && !last.starts_with("closed"))
                last = co_await text_of(*link);
            CHECK(last.starts_with("refused protocol_error"));
        };
        stand.run(body);
    }
}
