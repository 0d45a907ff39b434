#include "common/net/listener.hpp"

#include "common/async/event.hpp"
#include "common/net/http_session.hpp"
#include "common/net/tls_impl.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <list>
#include <map>

namespace fairlead::net {

namespace {

using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr int backlog = 4096;
constexpr unsigned char tls_record = 0x16;

/// "GET /path HTTP/1.1" and a Host, as far as somebody who typed http:// sends them. Nothing else
/// is understood here.
std::string plain_answer(std::string_view request, const std::string& public_url) {
    auto refuse = [](std::string_view text) {
        return "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: "
               "text/plain\r\ncontent-length: " +
               std::to_string(text.size()) + "\r\n\r\n" + std::string(text);
    };
    constexpr std::string_view only_tls = "This port speaks HTTPS only.\n";
    bool head = request.starts_with("HEAD ");
    if (!request.starts_with("GET ") && !head) return refuse(only_tls);
    auto target = request.substr(head ? 5 : 4);
    target = target.substr(0, target.find_first_of(" \r\n"));
    if (!target.starts_with('/') || target.starts_with("//")) return refuse(only_tls);
    for (char c : target)
        if (static_cast<unsigned char>(c) <= 0x20 || c == '\x7f' || c == '\\')
            return refuse(only_tls);
    auto url = public_url;
    if (url.empty()) {
        auto at = request.find("\r\nHost: ");
        if (at == std::string_view::npos) at = request.find("\r\nhost: ");
        if (at == std::string_view::npos) return refuse(only_tls);
        auto host = request.substr(at + 8);
        host = host.substr(0, host.find('\r'));
        if (host.empty() ||
            host.find_first_not_of(
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"
            ) != std::string_view::npos)
            return refuse(only_tls);
        url = "https://" + std::string(host);
    }
    while (url.ends_with('/')) url.pop_back();
    return "HTTP/1.1 308 Permanent Redirect\r\nlocation: " + url + std::string(target) +
           "\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
}

/// Apart, so that an open link's frame has no room for it.
void note_unopened(const PeerInfo& peer, const Error& why) {
    log::info(
        "an agent link was not opened", {{"address", peer.address}, {"reason", why.message()}}
    );
}

} // namespace

struct Listener::Impl {
    Impl(Executor ex, TlsServerContext& context, ListenerOptions wanted, ListenerHandlers does)
        : executor(ex), tls(context), options(std::move(wanted)), handlers(std::move(does)),
          acceptor(ex), pause(ex), gone(ex), deadlines(std::make_shared<Deadlines>(ex)) {
        http.handler = handlers.http;
        http.refusal = handlers.refusal;
        http.limits = options.http;
        http.deadlines = deadlines;
        // What an agent says before its link is open is short.
        link = http;
        link.limits.header_bytes = 4 * 1024;
        link.limits.body_bytes = 0;
        link.limits.idle_time = link.limits.header_time = options.handshake_time;
    }

    Result<> open();
    Task<> accept_loop();
    void start(tcp::socket socket);
    Task<> serve(Connection& connection);
    Task<> serve_agent(Connection& connection);
    bool is_elsewhere(const PeerInfo& peer) const {
        return handlers.elsewhere && peer.alpn != recover_alpn && handlers.elsewhere(peer);
    }
    Task<bool> secure(Connection& connection);
    Task<> answer_plain(Connection& connection);
    void cut(Activity least);
    void stop(std::chrono::milliseconds limit);
    bool take_place(const std::string& subscriber);
    void leave_place(const std::string& subscriber);

    Executor executor;
    TlsServerContext& tls;
    ListenerOptions options;
    ListenerHandlers handlers;
    tcp::acceptor acceptor;
    Event pause; // notified by stop()
    Event gone;  // notified when the last connection has ended
    std::shared_ptr<Deadlines> deadlines;
    HttpService http, link;
    std::list<Connection> connections;
    std::map<std::string, std::size_t> by_subscriber;
    ListenerCounters counters;
    bool running = false;
    bool stopping = false;
    std::shared_ptr<asio::steady_timer> patience;
};

Result<> Listener::Impl::open() {
    error_code ec;
    auto address = asio::ip::make_address(options.address, ec);
    if (ec)
        return fail(Errc::invalid, "'" + options.address + "' is not an IP address to listen on.");
    tcp::endpoint at(address, options.port);
    auto where = options.address + " port " + std::to_string(options.port);
    acceptor.open(at.protocol(), ec);
    if (ec == asio::error::address_family_not_supported && address == asio::ip::address_v6::any()) {
        at = tcp::endpoint(asio::ip::address_v4::any(), options.port); // a machine without IPv6
        acceptor.open(at.protocol(), ec);
    }
    if (ec)
        return fail(
            Errc::internal, "A socket cannot be opened for " + where + ": " + ec.message() + "."
        );
    acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(!address.is_unspecified()), ec);
    acceptor.bind(at, ec);
    if (ec == asio::error::address_in_use)
        return fail(Errc::conflict, "Another program already listens on " + where + ".");
    if (ec == asio::error::access_denied)
        return fail(
            Errc::forbidden, "Listening on " + where + " needs root or CAP_NET_BIND_SERVICE."
        );
    if (ec) return fail(Errc::invalid, "Cannot listen on " + where + ": " + ec.message() + ".");
    acceptor.listen(backlog, ec);
    if (ec) return fail(Errc::internal, "Cannot listen on " + where + ": " + ec.message() + ".");
    return {};
}

Task<> Listener::Impl::accept_loop() {
    while (!stopping) {
        auto accepted = co_await acceptor.async_accept(executor, as_result);
        auto ec = std::get<0>(accepted);
        if (stopping) break;
        if (!ec) {
            start(std::move(std::get<1>(accepted)));
            continue;
        }
        if (ec == asio::error::operation_aborted) break;
        if (ec == asio::error::connection_aborted) continue;
        // Out of file descriptors or memory: what is open goes on, new ones wait.
        log::warning("cannot accept connections for a moment", {{"reason", ec.message()}});
        auto stopped = co_await pause.wait_for(std::chrono::milliseconds(200));
        if (stopped) break;
    }
}

bool Listener::Impl::take_place(const std::string& subscriber) {
    if (options.max_per_address == 0) return true;
    auto& count = by_subscriber[subscriber];
    if (count >= options.max_per_address) return false;
    ++count;
    return true;
}

void Listener::Impl::leave_place(const std::string& subscriber) {
    auto found = by_subscriber.find(subscriber);
    if (found != by_subscriber.end() && --found->second == 0) by_subscriber.erase(found);
}

void Listener::Impl::start(tcp::socket socket) {
    ++counters.accepted;
    error_code ec;
    auto remote = socket.remote_endpoint(ec);
    auto address = ec ? std::string() : remote.address().to_string();
    auto subscriber = subscriber_of(address);
    if (connections.size() >= options.max_connections || !take_place(subscriber)) {
        ++counters.refused_full;
        return; // closes it
    }
    auto at = connections.emplace(connections.end());
    at->stream = std::make_shared<TlsStream>(std::move(socket), deadlines);
    ++counters.open;
    auto done = [this, at, address, subscriber](const std::exception_ptr& thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& error) {
            if (error.code() != asio::error::operation_aborted)
                log::error("a connection failed", {{"address", address}, {"reason", error.what()}});
        } catch (const std::exception& error) {
            log::error("a connection failed", {{"address", address}, {"reason", error.what()}});
        }
        at->stream->close();
        connections.erase(at);
        leave_place(subscriber);
        --counters.open;
        if (connections.empty()) gone.notify();
    };
    auto slot = at->signal.slot();
    asio::co_spawn(executor, serve(*at), asio::bind_cancellation_slot(slot, std::move(done)));
}

/// Everything of one connection. Ends without throwing into Asio when it is cancelled (see
/// TaskGroup).
Task<> Listener::Impl::serve(Connection& connection) {
    std::exception_ptr thrown;
    try {
        auto ready = co_await secure(connection);
        if (!ready || connection.peer->alpn == acme_alpn) {
            // An ACME authority has seen what it wanted.
        } else if (connection.peer->alpn == agent_alpn) {
            co_await serve_agent(connection);
        } else if (is_elsewhere(*connection.peer)) {
            co_await serve_wire(http, connection, handlers.wire);
        } else {
            co_await serve_http(http, connection);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    if (thrown) std::rethrow_exception(thrown);
}

Task<bool> Listener::Impl::secure(Connection& connection) {
    auto& stream = *connection.stream;
    stream.set_deadline(options.handshake_time);
    auto failed = co_await stream.wait_for_first_byte();
    if (failed) co_return false;
    unsigned char first = 0;
    auto size = ::recv(stream.socket().native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size <= 0) co_return false;
    if (first != tls_record) {
        co_await answer_plain(connection);
        co_return false;
    }
    SslPtr ssl(SSL_new(tls.impl().ctx.get()));
    if (!ssl) co_return false;
    attach_notes(*ssl, &stream.notes());
    SSL_set_accept_state(ssl.get());
    error_code ignored;
    auto remote = stream.socket().remote_endpoint(ignored);
    stream.adopt(std::move(ssl), false, remote.address().to_string());
    failed = co_await stream.handshake();
    if (failed) {
        ++counters.handshake_failures;
        auto error = stream.failure(failed);
        auto level =
            error.kind() == Errc::unauthenticated ? log::Level::warning : log::Level::debug;
        log::write(
            level, "a TLS handshake failed",
            {{"address", remote.address().to_string()},
             {"code", error.code()},
             {"reason", error.message()},
             {"detail", error.detail()}}
        );
        co_return false;
    }
    stream.clear_deadline();
    connection.peer = std::make_shared<PeerInfo>(stream.take_facts());
    co_return true;
}

Task<> Listener::Impl::answer_plain(Connection& connection) {
    auto& socket = connection.stream->socket();
    char text[2048];
    auto size = ::recv(socket.native_handle(), text, sizeof text, MSG_DONTWAIT);
    auto answer = plain_answer(
        {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))}, options.public_url
    );
    auto written = co_await asio::async_write(socket, asio::buffer(answer), as_result);
    static_cast<void>(written);
}

Task<> Listener::Impl::serve_agent(Connection& connection) {
    if (!handlers.agent || !connection.peer->certificate) co_return;
    auto socket = co_await accept_agent(link, connection, options.agent_path, options.agent);
    if (!socket) co_return note_unopened(*connection.peer, socket.error());
    ++counters.agents;
    std::exception_ptr thrown;
    try {
        co_await handlers.agent(*std::move(socket));
    } catch (...) {
        thrown = std::current_exception();
    }
    --counters.agents;
    if (thrown) std::rethrow_exception(thrown);
}

/// Ends what may be ended without harm; `least` says how much harm is meant.
void Listener::Impl::cut(Activity least) {
    for (auto at = connections.begin(); at != connections.end();) {
        auto& connection = *at++;
        bool now = connection.activity != Activity::request || least == Activity::request;
        if (now) connection.signal.emit(asio::cancellation_type::terminal);
    }
}

void Listener::Impl::stop(std::chrono::milliseconds limit) {
    if (stopping) return;
    stopping = http.stopping = link.stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    pause.notify();
    cut(Activity::idle);
    if (connections.empty()) return;
    patience = std::make_shared<asio::steady_timer>(executor, limit);
    patience->async_wait([this](const error_code& failed) {
        if (!failed) cut(Activity::request);
    });
}

Listener::Listener(
    Executor executor, TlsServerContext& tls, ListenerOptions options, ListenerHandlers handlers
)
    : impl_(
          std::make_unique<Impl>(std::move(executor), tls, std::move(options), std::move(handlers))
      ) {}

Listener::~Listener() = default;

Result<> Listener::open() {
    return impl_->open();
}

std::uint16_t Listener::port() const {
    error_code ignored;
    return impl_->acceptor.local_endpoint(ignored).port();
}

Task<> Listener::run() {
    auto& self = *impl_;
    self.running = true;
    std::exception_ptr thrown;
    try {
        co_await self.accept_loop();
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none || thrown) {
        co_await asio::this_coro::reset_cancellation_state();
        self.stop(std::chrono::milliseconds(0));
        self.cut(Activity::request);
    }
    while (!self.connections.empty()) {
        co_await self.gone.wait();
    }
    if (self.patience) self.patience->cancel();
    self.running = false;
    if (thrown) std::rethrow_exception(thrown);
}

void Listener::stop(std::chrono::milliseconds limit) {
    impl_->stop(limit);
}

ListenerCounters Listener::counters() const {
    auto counters = impl_->counters;
    counters.requests = impl_->http.requests;
    return counters;
}

} // namespace fairlead::net
