#include "common/async/within.hpp"
#include "common/net/tls_impl.hpp"
#include "common/net/websocket_impl.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead::net {

namespace {

using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

Task<Result<tcp::socket>> connect_tcp(std::string host, std::uint16_t port) {
    auto executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    error_code not_literal;
    auto literal = asio::ip::make_address(host, not_literal);
    tcp::resolver::results_type addresses;
    if (!not_literal) {
        addresses = tcp::resolver::results_type::create(
            tcp::endpoint(literal, port), host, std::to_string(port)
        );
    } else {
        tcp::resolver resolver(executor);
        auto resolved = co_await resolver.async_resolve(host, std::to_string(port), as_result);
        if (std::get<0>(resolved))
            co_return fail(
                Errc::unavailable,
                "The name " + host + " has no address: " + std::get<0>(resolved).message() + "."
            );
        addresses = std::get<1>(resolved);
    }
    auto connected = co_await asio::async_connect(socket, addresses, as_result);
    if (std::get<0>(connected))
        co_return fail(
            Errc::unavailable, "Nothing answers at " + host + ":" + std::to_string(port) + ": " +
                                   std::get<0>(connected).message() + "."
        );
    co_return socket;
}

Task<Result<std::shared_ptr<TlsStream>>>
connect_stream(std::string host, std::uint16_t port, std::string alpn, TlsClientContext& tls) {
    auto executor = co_await asio::this_coro::executor;
    auto socket = co_await connect_tcp(host, port);
    if (!socket) co_return fail(std::move(socket).error());
    auto deadlines = std::make_shared<Deadlines>(executor);
    auto stream = std::make_shared<TlsStream>(std::move(*socket), deadlines);
    stream->adopt(tls.impl().connection(host, port, alpn, stream->notes()), true, host);
    auto failed = co_await stream->handshake();
    if (failed) co_return fail(stream->failure(failed));
    co_return stream;
}

} // namespace

Task<Result<Connected>> connect_tls(
    std::string host, std::uint16_t port, std::string alpn, TlsClientContext& tls,
    std::chrono::milliseconds limit
) {
    auto where = host + ":" + std::to_string(port);
    auto stream =
        co_await within<std::shared_ptr<TlsStream>>(limit, connect_stream(host, port, alpn, tls));
    if (!stream && stream.error().kind() == Errc::timeout)
        co_return fail(
            Errc::timeout,
            where + " did not answer within " + std::to_string(limit.count()) + " ms."
        );
    if (!stream) co_return fail(std::move(stream).error());
    auto facts = (*stream)->take_facts();
    if (facts.alpn != alpn)
        co_return fail(Error(Errc::unauthenticated, where + " does not speak " + alpn + ".")
                           .with_code("tls_alpn"));
    Connected connected(std::move(*stream), std::move(facts));
    co_return connected;
}

} // namespace fairlead::net
