#include "controller/outbound/exchange.hpp"

#include "common/net/http_client.hpp"
#include "controller/outbound/cut.hpp"

#include <algorithm>
#include <array>

namespace fairlead::outbound {
namespace {

/// Headers of the connection, which are not the caller's.
constexpr std::array own_headers{
    "host",    "content-length", "transfer-encoding", "connection",       "upgrade",        "te",
    "trailer", "expect",         "keep-alive",        "proxy-connection", "accept-encoding"};

tl::unexpected<Error>
failed(Errc kind, std::string_view code, std::string text, std::string detail = {}) {
    return fail(Error(kind, std::move(text), std::move(detail)).with_code(std::string(code)));
}

Result<net::Headers> headers_of(const net::Headers& given) {
    net::Headers headers;
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto name = given.name(i), value = given.value(i);
        constexpr std::string_view breaks("\r\n\0", 3);
        bool fine = !name.empty() && name.find_first_of("\r\n\t :") == std::string_view::npos &&
                    name.find('\0') == std::string_view::npos &&
                    value.find_first_of(breaks) == std::string_view::npos &&
                    std::ranges::find(own_headers, name) == own_headers.end();
        if (!fine)
            return failed(
                Errc::invalid, "outbound_header",
                "The header \"" + std::string(name.substr(0, 64)) + "\" cannot be sent."
            );
        headers.add(name, value);
    }
    headers.add("accept-encoding", "identity");
    return headers;
}

tl::unexpected<Error> named(const Exchange& given, const Error& error) {
    const auto& host = given.place.host;
    if (error.code().starts_with("tls_"))
        return failed(Errc::unavailable, "outbound_tls", error.message(), error.detail());
    if (error.kind() == Errc::timeout)
        return failed(
            Errc::unavailable, "outbound_unreachable",
            given.place.text() + " did not answer within the time given."
        );
    if (error.kind() == Errc::invalid)
        return failed(Errc::invalid, "outbound_too_large", error.message(), error.detail());
    return failed(
        Errc::unavailable, "outbound_cut",
        "The connection to " + host + " ended before the answer did. " + error.message(),
        error.detail()
    );
}

} // namespace

Result<Answer> exchange(Descriptor connection, const Exchange& given) {
    net::HttpClientOptions options;
    FAIRLEAD_TRY(headers, headers_of(given.headers));
    options.headers = std::move(headers);
    options.body_bytes = given.body_bytes;
    options.limit = std::max(
        std::chrono::ceil<std::chrono::milliseconds>(
            given.deadline.at - std::chrono::steady_clock::now()
        ),
        std::chrono::milliseconds(1)
    );
    FAIRLEAD_TRY(tls, net::TlsClientContext::make(given.trust));
    net::Url url;
    url.host = given.place.host;
    url.port = given.place.port;
    url.target = given.target;
    FAIRLEAD_TRY(cut, Cut::on(connection, given.deadline.stop));
    auto answer =
        net::http_request_over(std::move(connection), tls, given.method, url, given.body, options);
    if (!answer && given.deadline.stop.stop_requested()) return stopped();
    if (!answer) return named(given, answer.error());
    return Answer{answer->status, std::move(answer->headers), std::move(answer->body)};
}

} // namespace fairlead::outbound
