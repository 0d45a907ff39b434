#include "controller/environments/git_address.hpp"

#include <algorithm>

namespace fairlead::environments {
namespace {

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool alike(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return to_lower(x) == to_lower(y);
    });
}

struct Host {
    std::string_view name, port;
};

std::string_view usual_port(std::string_view scheme) {
    return alike(scheme, "https") ? "443"
           : alike(scheme, "ssh") ? "22"
           : alike(scheme, "git") ? "9418"
                                  : "80";
}

Host host_of(const GitAddress& address) {
    auto colon = address.host.rfind(':');
    Host host{address.host.substr(0, colon), usual_port(address.scheme)};
    if (colon != std::string_view::npos) host.port = address.host.substr(colon + 1);
    if (host.name.ends_with('.')) host.name.remove_suffix(1);
    return host;
}

/// "acme/shop" of "/acme/shop.git/".
std::string_view repository_of(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.size() > 4 && alike(path.substr(path.size() - 4), ".git")) path.remove_suffix(4);
    return path;
}

} // namespace

std::optional<GitAddress> split_git_address(std::string_view url) {
    GitAddress parts;
    auto separator = url.find("://");
    if (separator != std::string_view::npos) {
        parts.scheme = url.substr(0, separator);
        auto rest = url.substr(separator + 3);
        auto slash = rest.find('/');
        if (slash == std::string_view::npos) return std::nullopt;
        auto authority = rest.substr(0, slash);
        parts.path = rest.substr(slash);
        auto at = authority.rfind('@');
        if (at != std::string_view::npos) parts.user = authority.substr(0, at);
        parts.host = at == std::string_view::npos ? authority : authority.substr(at + 1);
        return parts;
    }
    auto colon = url.find(':');
    auto at = url.find('@');
    if (colon == std::string_view::npos || at == std::string_view::npos || at > colon)
        return std::nullopt;
    parts.scheme = "ssh";
    parts.user = url.substr(0, at);
    parts.host = url.substr(at + 1, colon - at - 1);
    parts.path = url.substr(colon + 1);
    return parts;
}

bool same_repository(std::string_view a, std::string_view b) {
    auto one = split_git_address(a), other = split_git_address(b);
    if (!one || !other) return false;
    auto path = repository_of(one->path);
    if (path.empty() || !alike(path, repository_of(other->path))) return false;
    auto here = host_of(*one), there = host_of(*other);
    if (!alike(here.name, there.name)) return false;
    bool same_way = alike(one->scheme, "ssh") == alike(other->scheme, "ssh");
    return !same_way || here.port == there.port ||
           // http and https of one host: what is asked is where the repository is, not how.
           (!alike(one->scheme, other->scheme) && here.port == usual_port(one->scheme) &&
            there.port == usual_port(other->scheme));
}

} // namespace fairlead::environments
