#include "proto/source_url.hpp"

#include "common/runtime/ip.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead::proto {
namespace {

constexpr std::size_t longest = 4096, longest_path = 400;
constexpr std::string_view scheme = "https://";

bool alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lowered(std::string_view text) {
    std::string name(text);
    std::ranges::transform(name, name.begin(), lower);
    return name;
}

tl::unexpected<Error> wrong(std::string text) {
    return fail(Errc::invalid, std::move(text));
}

Result<> check_name(const std::string& host) {
    if (host.empty() || host.size() > 253)
        return wrong("must name a host of at most 253 characters");
    std::string_view rest = host, last;
    for (bool more = true; more;) {
        auto dot = rest.find('.');
        last = rest.substr(0, dot);
        if (last.empty() || last.size() > 63 || last.front() == '-' || last.back() == '-' ||
            !std::ranges::all_of(last, [](char c) { return alnum(c) || c == '-' || c == '_'; }))
            return wrong(
                "must name a host by letters a-z, digits, dashes and dots; write one with other "
                "letters in its xn-- spelling"
            );
        more = dot != std::string_view::npos;
        if (more) rest.remove_prefix(dot + 1);
    }
    // "2130706433", "0x7f.1", "127.1": what a resolver would take for an address.
    bool numeric = last.find_first_not_of("0123456789") == std::string_view::npos ||
                   (last.starts_with("0x") && std::ranges::all_of(last.substr(2), hex));
    if (numeric && !IpAddress::parse(host))
        return wrong("must spell an address as 192.0.2.7 or [2001:db8::7]");
    return {};
}

Result<> check_path(std::string_view path, std::string_view what) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%') {
            if (i + 2 >= path.size() || !hex(path[i + 1]) || !hex(path[i + 2]))
                return wrong(
                    "must have two hexadecimal digits after each % of its " + std::string(what)
                );
            continue;
        }
        bool fine =
            c > ' ' && c < 127 && std::string_view("\"<>\\^`{}#").find(c) == std::string_view::npos;
        if (!fine)
            return wrong(
                "must have no spaces, quotes, backslashes, fragment or letters beyond ASCII: "
                "write them as %XX"
            );
    }
    return {};
}

Result<> check_parts(std::string_view path) {
    auto text = lowered(path);
    for (auto encoded : {"%2e", "%2f", "%5c", "%00", "%0a", "%0d"})
        if (text.find(encoded) != std::string::npos)
            return wrong("must not have an encoded dot, slash, backslash or line end in its path");
    for (std::size_t start = 1; start <= path.size();) {
        auto end = std::min(path.find('/', start), path.size());
        auto part = path.substr(start, end - start);
        if (part == "." || part == "..") return wrong("must not have \".\" or \"..\" in its path");
        start = end + 1;
    }
    return {};
}

} // namespace

std::string SourceUrl::authority() const {
    auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == 443 ? name : name + ":" + std::to_string(port);
}

std::string SourceUrl::target() const {
    return query.empty() ? path : path + "?" + query;
}

std::string SourceUrl::text() const {
    return std::string(scheme) + authority() + path;
}

Result<SourceUrl> parse_source_url(std::string_view text) {
    if (text.size() > longest) return wrong("must be at most 4096 characters");
    if (lowered(text.substr(0, scheme.size())) != scheme)
        return wrong("must begin with https://: no other scheme is fetched");
    auto rest = text.substr(scheme.size());
    auto end = std::min(rest.find_first_of("/?#"), rest.size());
    auto authority = rest.substr(0, end);
    rest.remove_prefix(end);
    SourceUrl url;
    if (authority.find('@') != std::string_view::npos)
        return wrong("must have no user or password in it: use a signed address instead");
    auto colon = authority.rfind(':');
    auto bracket = authority.rfind(']');
    bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (has_port) {
        auto digits = authority.substr(colon + 1);
        auto [last, failed] =
            std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (failed != std::errc() || last != digits.data() + digits.size() || url.port == 0)
            return wrong("must have a port between 1 and 65535, or none");
        authority = authority.substr(0, colon);
    }
    if (authority.starts_with('[')) {
        if (!authority.ends_with(']')) return wrong("must close the bracket of its address");
        auto address = IpAddress::parse(authority.substr(1, authority.size() - 2));
        if (!address || address->v4()) return wrong("must have an IPv6 address between brackets");
        url.host = address->text();
    } else {
        url.host = lowered(authority);
        if (url.host.ends_with('.')) url.host.pop_back();
        FAIRLEAD_CHECK(check_name(url.host));
    }
    auto mark = rest.find('?');
    url.path = rest.substr(0, mark);
    if (mark != std::string_view::npos) url.query = rest.substr(mark + 1);
    if (url.path.empty()) url.path = "/";
    FAIRLEAD_CHECK(check_path(url.path, "path"));
    FAIRLEAD_CHECK(check_path(url.query, "query"));
    FAIRLEAD_CHECK(check_parts(url.path));
    return url;
}

Result<SourceUrl> follow(const SourceUrl& base, std::string_view location) {
    if (location.starts_with("//")) return parse_source_url("https:" + std::string(location));
    if (location.starts_with('/'))
        return parse_source_url(std::string(scheme) + base.authority() + std::string(location));
    // Relative paths are rare in redirects and have many spellings.
    return parse_source_url(location);
}

bool among(std::span<const std::string> domains, std::string_view host) {
    if (domains.empty()) return true;
    auto name = lowered(host);
    if (name.ends_with('.')) name.pop_back();
    return std::ranges::any_of(domains, [&](std::string_view domain) {
        if (!domain.starts_with("*.")) return domain == name;
        auto ending = domain.substr(1);
        return name.size() > ending.size() && name.ends_with(ending);
    });
}

bool is_source_path(std::string_view path) {
    if (path.size() < 2 || path.size() > longest_path || path.front() != '/' || path.back() == '/')
        return false;
    for (std::size_t start = 1; start <= path.size();) {
        auto end = std::min(path.find('/', start), path.size());
        auto part = path.substr(start, end - start);
        if (part.empty() || part == "." || part.find("..") != std::string_view::npos ||
            part.front() == '-')
            return false;
        start = end + 1;
    }
    return std::ranges::all_of(path, [](char c) {
        return alnum(c) || std::string_view("._~/+@:-").find(c) != std::string_view::npos;
    });
}

} // namespace fairlead::proto
