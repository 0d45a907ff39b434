#include "agent/policy/repository.hpp"

#include "agent/policy/text.hpp"

#include <charconv>

namespace fairlead::policy {
namespace {

constexpr std::size_t longest_url = 500;

bool is_path(std::string_view path) {
    if (path.size() < 2 || path.front() != '/' || path.find("..") != std::string_view::npos)
        return false;
    // No percent sign: what is encoded here would be decoded where nobody checks any more.
    if (!all(path, [](char c) { return alnum(c) || one_of(c, "._~/+@:-"); })) return false;
    for (std::size_t start = 1; start <= path.size();) {
        auto end = std::min(path.find('/', start), path.size());
        auto part = path.substr(start, end - start);
        if (part == "." || part.starts_with('-') || (part.empty() && end != path.size()))
            return false;
        start = end + 1;
    }
    return true;
}

} // namespace

bool is_host(std::string_view host) {
    if (host.empty() || host.size() > 253 || host.front() == '.' || host.back() == '.')
        return false;
    char before = '.';
    for (char c : host) {
        if (!alnum(c) && c != '-' && c != '.') return false;
        if (c == '.' && (before == '.' || before == '-')) return false;
        if (c == '-' && before == '.') return false;
        before = c;
    }
    return before != '-';
}

std::string RepositoryUrl::text() const {
    auto at = user.empty() ? "" : user + "@";
    auto colon = port == 0 ? "" : fmt::format(":{}", port);
    return fmt::format("{}://{}{}{}{}", scheme, at, host, colon, path);
}

Result<RepositoryUrl> parse_repository(std::string_view text) {
    constexpr std::string_view rule =
        "it must look like https://host/path, ssh://user@host/path or user@host:path, without a "
        "password, a percent sign or \"..\"";
    RepositoryUrl url;
    auto rest = text;
    if (rest.size() > longest_url) return wrong("repository address", text, "it is too long");
    if (rest.starts_with("git+")) rest.remove_prefix(4);
    // ssh's own way to write it, which every forge shows: "git@host:path". Only with a user, so
    // that no remote helper ("ext::…") looks like it.
    std::string spelled_out;
    if (auto mark = rest.find(':'); mark != std::string_view::npos &&
                                    rest.substr(0, mark).find('@') != std::string_view::npos &&
                                    rest.find("://") == std::string_view::npos &&
                                    mark + 1 < rest.size() &&
                                    (alnum(rest[mark + 1]) || one_of(rest[mark + 1], "_~"))) {
        spelled_out = fmt::format("ssh://{}/{}", rest.substr(0, mark), rest.substr(mark + 1));
        rest = spelled_out;
    }
    auto colon = rest.find("://");
    if (colon == std::string_view::npos) return wrong("repository address", text, rule);
    url.scheme = rest.substr(0, colon);
    if (url.scheme != "https" && url.scheme != "ssh" && url.scheme != "file")
        return wrong("repository address", text, rule);
    rest.remove_prefix(colon + 3);
    auto slash = rest.find('/');
    if (slash == std::string_view::npos) return wrong("repository address", text, rule);
    auto authority = rest.substr(0, slash);
    url.path = rest.substr(slash);
    if (!is_path(url.path)) return wrong("repository address", text, rule);
    if (url.scheme == "file") {
        if (!authority.empty()) return wrong("repository address", text, rule);
        return url;
    }
    if (auto at = authority.find('@'); at != std::string_view::npos) {
        url.user = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        bool good = url.scheme == "ssh" && !url.user.empty() && url.user.size() <= 64 &&
                    !url.user.starts_with('-') &&
                    all(url.user, [](char c) { return alnum(c) || one_of(c, "._-"); });
        if (!good) return wrong("repository address", text, rule);
    }
    if (auto mark = authority.find(':'); mark != std::string_view::npos) {
        auto number = authority.substr(mark + 1);
        auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), url.port);
        if (error != std::errc() || end != number.data() + number.size() || url.port == 0 ||
            number.front() == '0')
            return wrong("repository address", text, rule);
        authority = authority.substr(0, mark);
    }
    if (!is_host(authority)) return wrong("repository address", text, rule);
    url.host = authority;
    std::ranges::transform(url.host, url.host.begin(), [](char c) {
        return upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return url;
}

Result<RepositoryUrl> parse_pattern(std::string text) {
    // Patterns may lack the path and have a star for the host: both are made whole for the one
    // parser there is.
    RepositoryUrl pattern;
    auto colon = text.find("://");
    if (text.ends_with("/*") && text.size() > colon + 5) text.resize(text.size() - 2);
    if (colon == std::string::npos)
        return fail(Errc::invalid, "it must begin with https://, ssh:// or file://");
    auto rest = text.substr(colon + 3);
    std::string star;
    if (rest == "*" || rest.starts_with("*/") || rest.starts_with("*:")) {
        star = "*";
        rest = "any" + rest.substr(1);
    } else if (rest.starts_with("*.")) {
        star = "*.";
        rest = rest.substr(2);
    }
    bool whole_host = rest.find('/') == std::string::npos || rest == "/";
    if (text.starts_with("file:") && (rest.empty() || rest == "/")) {
        pattern.scheme = "file";
        return pattern;
    }
    auto parsed = parse_repository(
        text.substr(0, colon + 3) + rest +
        (whole_host ? (rest.ends_with('/') ? "any" : "/any") : "")
    );
    if (!parsed)
        return fail(
            Errc::invalid, "it must look like https://host/path, https://*.host or file:///folder"
        );
    pattern = *parsed;
    if (whole_host) pattern.path.clear();
    if (star == "*") pattern.host = "*";
    if (star == "*.") pattern.host = "*." + pattern.host;
    return pattern;
}

bool covers(const RepositoryUrl& pattern, const RepositoryUrl& url) {
    if (pattern.scheme != url.scheme) return false;
    if (pattern.host.starts_with("*.")) {
        if (!url.host.ends_with(std::string_view(pattern.host).substr(1))) return false;
    } else if (pattern.host != "*" && pattern.host != url.host) {
        return false;
    }
    if (pattern.port != 0 && pattern.port != url.port) return false;
    if (pattern.port == 0 && pattern.host != "*" && url.port != 0 &&
        url.port != (url.scheme == "https" ? 443 : 22))
        return false;
    if (!pattern.user.empty() && pattern.user != url.user) return false;
    std::string_view path = pattern.path;
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return true;
    return url.path.starts_with(path) &&
           (url.path.size() == path.size() || url.path[path.size()] == '/');
}

} // namespace fairlead::policy
