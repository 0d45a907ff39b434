#include "controller/egress/protocol.hpp"

#include <algorithm>

namespace fairlead::egress {
namespace {

tl::unexpected<Error> bad(std::string text) {
    return fail(Error(Errc::invalid, std::move(text)).with_code("bad_request"));
}

std::string_view take_line(std::string_view& text) {
    auto end = std::min(text.find("\r\n"), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    return line;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

bool same_name(std::string_view a, std::string_view lower) {
    return std::ranges::equal(a, lower, [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

std::string_view reason(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 503:
        return "Service Unavailable";
    default:
        return "Bad Gateway";
    }
}

bool token_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

Result<Place> parse_name(std::string_view name) {
    if (name.find(':') != std::string_view::npos) return bad("A name has no colon.");
    return parse_place(name);
}

} // namespace

Result<Ask> parse_ask(std::string_view head) {
    auto first = take_line(head);
    constexpr std::string_view version = " HTTP/1.1", connect = "CONNECT ",
                               addresses = "GET /addresses/", texts = "GET /texts/",
                               challenge = "GET /challenge/";
    if (!first.ends_with(version)) return bad("The request must end with HTTP/1.1.");
    first.remove_suffix(version.size());
    Ask ask;
    if (first.starts_with(connect)) {
        auto authority = first.substr(connect.size());
        FAIRLEAD_TRY(place, parse_place(authority));
        if (!authority.ends_with(":" + std::to_string(place.port)))
            return bad("CONNECT must name host and port.");
        ask.place = place;
    } else if (first.starts_with(addresses)) {
        ask.what = Ask::What::addresses;
        FAIRLEAD_TRY(place, parse_name(first.substr(addresses.size())));
        ask.place = place;
    } else if (first.starts_with(texts)) {
        ask.what = Ask::What::texts;
        FAIRLEAD_TRY(place, parse_name(first.substr(texts.size())));
        ask.place = place;
    } else if (first.starts_with(challenge)) {
        ask.what = Ask::What::challenge;
        first.remove_prefix(challenge.size());
        auto slash = std::min(first.find('/'), first.size());
        FAIRLEAD_TRY(place, parse_name(first.substr(0, slash)));
        ask.place = place;
        ask.place.port = http_port;
        ask.token = first.substr(std::min(slash + 1, first.size()));
        if (ask.token.size() != token_length || !std::ranges::all_of(ask.token, token_letter))
            return bad("A challenge has a token of 43 letters, digits, - and _.");
    } else {
        return bad("CONNECT, and GET of /addresses, /texts and /challenge, are known here.");
    }
    while (!head.empty()) {
        auto line = take_line(head);
        if (line.empty()) break;
        auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return bad("A header has no name.");
        if (!same_name(line.substr(0, colon), "fairlead-address")) continue;
        if (ask.address) return bad("fairlead-address comes twice.");
        FAIRLEAD_TRY(address, IpAddress::parse(trimmed(line.substr(colon + 1))));
        ask.address = address;
    }
    return ask;
}

std::string answer_text(int status, std::string_view code, std::string_view body) {
    auto text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason(status)) +
                "\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: " +
                std::to_string(body.size()) + "\r\n";
    if (!code.empty()) text += "fairlead-code: " + std::string(code) + "\r\n";
    return text + "\r\n" + std::string(body);
}

std::string answer_of(const Error& error) {
    int status = error.kind() == Errc::invalid     ? 400
                 : error.kind() == Errc::forbidden ? 403
                 : error.kind() == Errc::not_found ? 404
                                                   : 502;
    return answer_text(
        status, error.code().empty() ? "bad_request" : error.code(), error.message()
    );
}

std::string connected_text() {
    return "HTTP/1.1 200 OK\r\n\r\n";
}

} // namespace fairlead::egress
