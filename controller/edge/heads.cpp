#include "controller/edge/heads.hpp"

#include "common/runtime/ip.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

namespace fairlead::edge {
namespace {

using namespace std::string_view_literals;

/// A Host field taken apart; `port` is "" where none stands.
struct Authority {
    std::string_view name, port;
};

Authority authority_of(std::string_view field) {
    auto colon = field.rfind(':');
    if (colon == std::string_view::npos) return {field, ""};
    return {field.substr(0, colon), field.substr(colon + 1)};
}

bool good_port(std::string_view field) {
    if (field.find(':') == std::string_view::npos) return true;
    auto port = authority_of(field).port;
    return !port.empty() && port.size() <= 5 &&
           port.find_first_not_of("0123456789") == std::string_view::npos;
}

/// RFC 9110 section 7.6.1, and what was never in it but behaves so.
bool one_hop(std::string_view name) {
    constexpr std::array fields{
        "connection"sv,
        "proxy-connection"sv,
        "keep-alive"sv,
        "transfer-encoding"sv,
        "te"sv,
        "trailer"sv,
        "upgrade"sv,
        "http2-settings"sv,
        "expect"sv,
        "proxy-authenticate"sv,
        "proxy-authorization"sv,
        "content-length"sv};
    return std::ranges::find(fields, name) != fields.end();
}

bool proxy_word(std::string_view name) {
    return name.starts_with("x-forwarded") || name == "forwarded" || name == "x-real-ip" ||
           name == "x-client-ip" || name == "x-cluster-client-ip" || name == "true-client-ip" ||
           name == "cf-connecting-ip" || name == "cf-connecting-ipv6" || name == "cf-pseudo-ipv4" ||
           name == "proxy" || name.find('_') != std::string_view::npos;
}

/// What Connection names; net's readers let few through.
std::vector<std::string_view> one_hop_words(const net::Headers& headers) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers.name(i) != "connection") continue;
        auto list = headers.value(i);
        while (!list.empty()) {
            auto word = list.substr(0, list.find(','));
            list.remove_prefix(std::min(word.size() + 1, list.size()));
            word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
            word = word.substr(0, word.find_last_not_of(" \t") + 1);
            if (!word.empty()) words.push_back(word);
        }
    }
    return words;
}

bool is_among(const std::vector<std::string_view>& words, std::string_view name) {
    return std::ranges::any_of(words, [&](auto word) { return net::same_word(word, name); });
}

void append(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

} // namespace

std::optional<Refusal> refusal_of(const net::HttpRequest& request, std::string_view server_name) {
    for (auto method : {"CONNECT"sv, "TRACE"sv, "TRACK"sv})
        if (request.method == method)
            return Refusal(405, fmt::format("The method {} is not served here.", method));
    if (request.target.find('#') != std::string::npos)
        return Refusal(400, "The request target has a fragment.");
    auto field = request.headers.get("host");
    if (!field || field->empty()) return Refusal(400, "The Host field is missing.");
    if (!good_port(*field)) return Refusal(400, "The Host field is not valid.");
    auto host = plain_name(authority_of(*field).name);
    if (host != plain_name(request.host))
        return Refusal(400, "The request target names another host than the Host field.");
    if (host != server_name)
        return Refusal(421, "The connection was made for another name than the request.");
    return std::nullopt;
}

std::string visitor_of(
    const net::HttpRequest& request, std::string_view field, std::string_view connection_address
) {
    auto said = request.headers.get(field);
    if (said && request.headers.count(field) == 1)
        if (auto address = IpAddress::parse(*said)) return address->text();
    return std::string(connection_address);
}

std::uint16_t port_for(const Route& route, const net::HttpRequest& request) {
    auto path = request.path();
    bool bus = path == "/websocket" || path.starts_with("/websocket/") ||
               path.starts_with("/longpolling/");
    return bus && route.gevent_port != 0 ? route.gevent_port : route.port;
}

Framing framing_of(const net::HttpRequest& request) {
    if (request.headers.count("transfer-encoding") > 0) return Framing::chunked;
    if (request.headers.count("content-length") > 0) return Framing::counted;
    return Framing::none;
}

std::string request_head(const net::HttpRequest& request, std::string_view client_address) {
    const auto& headers = request.headers;
    auto [name, port] = authority_of(headers.get("host").value_or(""));
    auto host = plain_name(name);
    auto authority = port.empty() ? host : fmt::format("{}:{}", host, port);

    std::string out = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    append(out, "host", authority);
    auto named = one_hop_words(headers);
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto field = headers.name(i);
        if (field == "host" || one_hop(field) || proxy_word(field) || is_among(named, field))
            continue;
        append(out, field, headers.value(i));
    }
    switch (framing_of(request)) {
    case Framing::counted:
        append(out, "content-length", *headers.get("content-length"));
        break;
    case Framing::chunked:
        append(out, "transfer-encoding", "chunked");
        break;
    default:
        break;
    }
    append(out, "x-forwarded-for", client_address);
    append(out, "x-forwarded-proto", "https");
    append(out, "x-forwarded-host", authority);
    append(out, "x-forwarded-port", port.empty() ? "443"sv : port);
    append(out, "x-real-ip", client_address);
    bool v6 = client_address.find(':') != std::string_view::npos;
    auto by = v6 ? fmt::format("\"[{}]\"", client_address) : std::string(client_address);
    append(out, "forwarded", fmt::format("for={};host=\"{}\";proto=https", by, authority));
    if (request.wants_websocket) {
        append(out, "connection", "upgrade");
        append(out, "upgrade", "websocket");
    }
    out += "\r\n";
    return out;
}

std::string answer_head(
    int status, const net::Headers& headers, Framing framing, std::optional<std::uint64_t> length,
    bool keep_alive, bool to_http_1_0
) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, net::reason_phrase(status));
    auto named = one_hop_words(headers);
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto field = headers.name(i);
        if (one_hop(field) || is_among(named, field)) continue;
        append(out, field, headers.value(i));
    }
    if (status == 101) {
        append(out, "connection", "upgrade");
        append(out, "upgrade", "websocket");
    } else {
        // An answer without a body may still say how long one would be (HEAD, 304).
        if (length && status != 204 && framing != Framing::chunked)
            append(out, "content-length", std::to_string(*length));
        if (framing == Framing::chunked) append(out, "transfer-encoding", "chunked");
        if (!keep_alive)
            append(out, "connection", "close");
        else if (to_http_1_0)
            append(out, "connection", "keep-alive");
    }
    out += "\r\n";
    return out;
}

void append_chunk_size(std::string& out, std::size_t size) {
    fmt::format_to(std::back_inserter(out), "{:x}\r\n", size);
}

} // namespace fairlead::edge
