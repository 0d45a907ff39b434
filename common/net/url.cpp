#include "common/net/http_client.hpp"

#include <charconv>

namespace fairlead::net {

namespace {

auto bad(std::string_view text, const std::string& why) {
    return fail(
        Errc::invalid,
        "'" + std::string(text.substr(0, 200)) + "' is not an address to call: " + why
    );
}

} // namespace

Result<Url> Url::parse(std::string_view text) {
    constexpr std::string_view scheme = "https://";
    if (!text.starts_with(scheme)) return bad(text, "it must begin with https://.");
    auto rest = text.substr(scheme.size());
    auto end = std::min(rest.find_first_of("/?#"), rest.size());
    auto authority = rest.substr(0, end);
    auto target = rest.substr(end);
    for (char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
            return bad(text, "it has a space or a control character.");
    if (target.find('#') != std::string_view::npos) return bad(text, "it has a fragment.");
    if (authority.find('@') != std::string_view::npos) return bad(text, "it has a user name.");

    Url url;
    auto port_at = std::string_view::npos;
    if (authority.starts_with('[')) {
        auto close = authority.find(']');
        if (close == std::string_view::npos) return bad(text, "the IPv6 address has no end.");
        url.host = authority.substr(1, close - 1);
        if (close + 1 < authority.size()) {
            if (authority[close + 1] != ':')
                return bad(text, "something follows the IPv6 address.");
            port_at = close + 1;
        }
    } else {
        port_at = authority.find(':');
        url.host = authority.substr(0, port_at);
    }
    for (auto& c : url.host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (url.host.empty()) return bad(text, "the host is missing.");
    if (port_at != std::string_view::npos) {
        auto digits = authority.substr(port_at + 1);
        auto [stop, failed] =
            std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (failed != std::errc() || stop != digits.data() + digits.size() || url.port == 0)
            return bad(text, "the port is not a number from 1 to 65535.");
    }
    url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    return url;
}

std::string Url::host_field() const {
    auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == 443 ? name : name + ":" + std::to_string(port);
}

} // namespace fairlead::net
