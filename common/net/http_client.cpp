#include "common/net/http_client.hpp"

#include "common/async/within.hpp"
#include "common/net/tls_impl.hpp"
#include "common/net/websocket_impl.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace fairlead::net {

namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;

constexpr std::uint32_t max_header = 32 * 1024;

/// Beast's tokeniser; what it finds goes straight into our answer.
class AnswerTokens final : public http::basic_parser<false> {
public:
    AnswerTokens(HttpAnswer& answer, std::size_t body_bytes) : answer_(answer) {
        header_limit(max_header);
        body_limit(body_bytes);
        eager(true);
    }

private:
    void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int code, string_view, int, error_code&) override {
        answer_.status = code;
    }
    void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
        // Beast's own limit holds for what is not parsed yet.
        fields_ += name.size() + value.size();
        if (fields_ > max_header)
            ec = http::error::header_limit;
        else if (!head_done_)
            answer_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(error_code&) override { head_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view piece, error_code&) override {
        answer_.body.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
        answer_.body.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    HttpAnswer& answer_;
    bool head_done_ = false;
    std::size_t fields_ = 0; ///< bytes, of trailers too
};

Error unreadable(const Url& url, const error_code& ec, std::size_t limit) {
    if (ec == http::error::body_limit)
        return Error(
            Errc::invalid,
            "The answer of " + url.host + " is larger than " + std::to_string(limit) + " bytes."
        );
    if (ec == http::error::header_limit)
        return Error(
            Errc::invalid, "The head of the answer of " + url.host + " is larger than " +
                               std::to_string(max_header) + " bytes."
        );
    return Error(
        Errc::unavailable, "The answer of " + url.host + " is not valid HTTP: " + ec.message() + "."
    );
}

Task<Result<HttpAnswer>>
read_answer(TlsStream& stream, const Url& url, bool head, std::size_t limit) {
    HttpAnswer answer;
    AnswerTokens tokens(answer, limit);
    tokens.skip(head);
    std::string held;
    for (char piece[8192]; !tokens.is_done();) {
        error_code ec;
        auto size = co_await stream.read_some(piece, sizeof piece, ec);
        if (ec) co_return fail(stream.failure(ec));
        if (size == 0) {
            if (tokens.got_some()) tokens.put_eof(ec);
            if (!tokens.got_some() || ec) co_return fail(stream.failure({}));
            break;
        }
        held.append(piece, size);
        while (!held.empty() && !tokens.is_done()) {
            auto used = tokens.put(boost::asio::const_buffer(held.data(), held.size()), ec);
            held.erase(0, used);
            if (ec == http::error::need_more || (!ec && used == 0)) break;
            if (ec) co_return fail(unreadable(url, ec, limit));
        }
        if (held.size() > max_header)
            co_return fail(unreadable(url, http::error::header_limit, limit));
    }
    co_return answer;
}

Task<Result<HttpAnswer>> exchange_on(
    TlsStream& stream, std::string text, std::string_view body, const Url& url,
    const HttpClientOptions& options, bool head
) {
    error_code ec;
    co_await stream.write_all(text, body, ec);
    if (ec) co_return fail(stream.failure(ec));
    auto answer = co_await read_answer(stream, url, head, options.body_bytes);
    stream.close();
    co_return answer;
}

Task<Result<HttpAnswer>> exchange(
    TlsClientContext& tls, std::string text, std::string_view body, const Url& url,
    const HttpClientOptions& options, bool head
) {
    auto connected = co_await connect_tls(url.host, url.port, options.alpn, tls, options.limit);
    if (!connected) co_return fail(std::move(connected).error());
    co_return co_await exchange_on(*connected->stream, std::move(text), body, url, options, head);
}

Task<Result<HttpAnswer>> exchange_over(
    int connection, TlsClientContext& tls, std::string text, std::string_view body, const Url& url,
    const HttpClientOptions& options, bool head
) {
    auto executor = co_await asio::this_coro::executor;
    // Asio's type for TCP holds any stream socket; nothing of TCP is asked of it here.
    asio::ip::tcp::socket socket(executor);
    socket.assign(asio::ip::tcp::v4(), connection);
    auto deadlines = std::make_shared<Deadlines>(executor);
    TlsStream stream(std::move(socket), deadlines);
    stream.adopt(
        tls.impl().connection(url.host, url.port, options.alpn, stream.notes()), true, url.host
    );
    auto failed = co_await stream.handshake();
    if (failed) co_return fail(stream.failure(failed));
    co_return co_await exchange_on(stream, std::move(text), body, url, options, head);
}

bool clean(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<std::string> head_of(
    std::string_view method, const Url& url, std::string_view body, const HttpClientOptions& options
) {
    std::string text(method);
    text +=
        " " + url.target + " HTTP/1.1\r\nhost: " + url.host_field() + "\r\nconnection: close\r\n";
    for (std::size_t i = 0; i < options.headers.size(); ++i) {
        if (!clean(options.headers.name(i)) || !clean(options.headers.value(i)))
            return fail(Errc::invalid, "A header to send has a line break in it.");
        text += std::string(options.headers.name(i)) + ": " +
                std::string(options.headers.value(i)) + "\r\n";
    }
    if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
        text += "content-length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n";
}

/// Runs one exchange to its end on a loop of its own. `work` makes it, on that loop.
template <class Work>
Result<HttpAnswer> run_to_end(const Url& url, const HttpClientOptions& options, Work work) {
    asio::io_context io(1);
    std::optional<Result<HttpAnswer>> result;
    std::exception_ptr thrown;
    auto all = [&]() -> Task<> { result = co_await within<HttpAnswer>(options.limit, work()); };
    asio::co_spawn(io, all(), [&](std::exception_ptr failed) { thrown = std::move(failed); });
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    if (!*result && result->error().kind() == Errc::timeout)
        return fail(
            Errc::timeout,
            url.host + " did not answer within " + std::to_string(options.limit.count()) + " ms."
        );
    return *std::move(result);
}

} // namespace

Result<HttpAnswer> http_request(
    TlsClientContext& tls, std::string_view method, const Url& url, std::string_view body,
    const HttpClientOptions& options
) {
    FAIRLEAD_TRY(text, head_of(method, url, body, options));
    return run_to_end(url, options, [&] {
        return exchange(tls, text, body, url, options, method == "HEAD");
    });
}

Result<HttpAnswer> http_request_over(
    Descriptor connection, TlsClientContext& tls, std::string_view method, const Url& url,
    std::string_view body, const HttpClientOptions& options
) {
    FAIRLEAD_TRY(text, head_of(method, url, body, options));
    return run_to_end(url, options, [&] {
        return exchange_over(connection.release(), tls, text, body, url, options, method == "HEAD");
    });
}

Result<HttpAnswer>
post_json(TlsClientContext& tls, const Url& url, std::string_view json, HttpClientOptions options) {
    options.headers.set("content-type", "application/json");
    return http_request(tls, "POST", url, json, options);
}

} // namespace fairlead::net
