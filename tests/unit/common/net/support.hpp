/// A certificate authority, a listener on loopback and a loop, for the tests of this folder.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/x509.hpp"
#include "common/net/listener.hpp"
#include "common/net/tls_context.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace fairlead::net {

using namespace std::chrono_literals;

inline void must(const Result<>& result) {
    if (!result) throw std::runtime_error(result.error().message());
}

struct Leaf {
    std::string pem;
    Secret key;
};

/// `from_now` and `until_now` place the validity around this moment.
struct TestCa {
    explicit TestCa(const std::string& name = "Test CA") : key(crypto::P256Key::generate()) {
        auto now = SystemClock().now();
        pem = crypto::self_sign_ca(key, name, {now - 240h, now + 2400h});
    }

    Leaf issue(
        crypto::Usage usage, const std::string& name, std::chrono::hours from_now = -1h,
        std::chrono::hours until = 24h
    ) const {
        auto leaf_key = crypto::P256Key::generate();
        auto now = SystemClock().now();
        crypto::IssueRequest request;
        request.public_der = leaf_key.public_der();
        request.common_name = name;
        request.usage = usage;
        if (usage == crypto::Usage::server) {
            request.names.dns = {name};
            request.names.ip = {"127.0.0.1"};
        } else {
            request.names.uri = {"urn:fairlead:org:org_test"};
        }
        request.validity = {now + from_now, now + until};
        auto issued = crypto::issue(key, pem, request);
        if (!issued) throw std::runtime_error(issued.error().message());
        return {*issued, leaf_key.to_pem()};
    }
    Leaf server() const { return issue(crypto::Usage::server, "localhost"); }
    Leaf client(const std::string& id = "srv_1") const { return issue(crypto::Usage::client, id); }

    crypto::P256Key key;
    std::string pem;
};

/// A listener that runs on a thread of its own, so that blocking clients can talk to it.
class TestServer {
public:
    explicit TestServer(
        const TestCa& ca, ListenerHandlers handlers,
        std::function<void(ListenerOptions&)> adjust = {},
        std::optional<Leaf> certificate = std::nullopt
    ) {
        Leaf own = certificate ? Leaf{certificate->pem, certificate->key.clone()} : ca.server();
        must(tls.set_certificate(own.pem + ca.pem, own.key));
        must(tls.set_agent_authorities({ca.pem}));
        ListenerOptions options;
        options.address = "127.0.0.1";
        options.port = 0;
        if (adjust) adjust(options);
        listener.emplace(io.get_executor(), tls, options, std::move(handlers));
        must(listener->open());
        port = listener->port();
        asio::co_spawn(io, listener->run(), [](std::exception_ptr thrown) {
            if (thrown) std::terminate();
        });
        thread = std::thread([this] { io.run(); });
    }
    ~TestServer() {
        asio::co_spawn(io, stop(), [](std::exception_ptr) {});
        thread.join();
    }
    Task<> stop() {
        listener->stop(200ms);
        co_return;
    }

    asio::io_context io{1};
    TlsServerContext tls;
    std::optional<Listener> listener;
    std::uint16_t port = 0;
    std::thread thread;
};

/// Runs a task to its end on a loop of its own and throws what it threw.
inline void run(Task<> task) {
    asio::io_context io(1);
    std::exception_ptr failed;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown) {
        failed = std::move(thrown);
    });
    io.run();
    if (failed) std::rethrow_exception(failed);
}

inline ListenerHandlers only_http(HttpHandler handler) {
    ListenerHandlers handlers;
    handlers.http = std::move(handler);
    return handlers;
}

} // namespace fairlead::net
