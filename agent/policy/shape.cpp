#include "agent/policy/shape.hpp"

#include "common/runtime/id.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>

namespace fairlead::policy {
namespace {

constexpr std::size_t most_addons = 50, most_variables = 200, most_modules = 500,
                      most_requirements = 300, most_domains = 100, longest_value = 8192,
                      longest_url = 500, longest_branch = 200;

bool lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool alnum(char c) {
    return lower(c) || upper(c) || digit(c);
}
bool one_of(char c, const char* set) {
    return c != '\0' && std::strchr(set, c) != nullptr;
}

/// For messages: short, and no control characters.
std::string shown(std::string_view text) {
    std::string result;
    for (char c : text.substr(0, 80)) result += c >= ' ' && c != 127 ? c : '?';
    return text.size() > 80 ? result + "…" : result;
}

tl::unexpected<Error> wrong(std::string_view what, std::string_view value, std::string_view rule) {
    return fail(
        Errc::invalid, fmt::format("The {} \"{}\" is not allowed: {}.", what, shown(value), rule)
    );
}

template <class Allowed>
bool all(std::string_view text, Allowed allowed) {
    return std::ranges::all_of(text, allowed);
}

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

/// A folder name: the repository's short name.
Result<> check_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || !(lower(name.front()) || digit(name.front())) ||
        !all(name, [](char c) { return lower(c) || digit(c) || c == '_' || c == '-'; }))
        return wrong(
            "repository name", name, "lower-case letters, digits, '_' and '-', at most 64, are"
        );
    return {};
}

bool plain_text(std::string_view text) {
    return all(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
}

Result<> check_count(std::size_t count, std::size_t most, std::string_view what) {
    if (count > most)
        return fail(
            Errc::invalid,
            fmt::format("There are {} {}; at most {} are allowed.", count, what, most)
        );
    return {};
}

Result<> check_source(const proto::Source& source) {
    FAIRLEAD_CHECK(check_name(source.name));
    FAIRLEAD_CHECK(parse_repository(source.url));
    FAIRLEAD_CHECK(check_branch(source.branch));
    if (!source.credential.empty()) {
        auto id = std::string_view(source.credential);
        if (id.starts_with("credential:")) id.remove_prefix(11);
        FAIRLEAD_CHECK(check_id(id, "gcr_"));
        if (source.credential_kind != "token" && source.credential_kind != "ssh_key")
            return wrong("kind of credential", source.credential_kind, "token and ssh_key are");
    }
    if (source.username.size() > 100 ||
        !all(source.username, [](char c) { return alnum(c) || one_of(c, "._@+-"); }) ||
        source.username.starts_with('-'))
        return wrong(
            "user name", source.username, "letters, digits and . _ @ + -, at most 100, are"
        );
    return {};
}

} // namespace

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

Result<> check_slug(std::string_view slug) {
    if (slug.empty() || slug.size() > 31 || !lower(slug.front()) ||
        !all(slug, [](char c) { return lower(c) || digit(c) || c == '-'; }))
        return wrong(
            "environment name", slug,
            "a letter and then up to 30 lower-case letters, digits and '-' are"
        );
    return {};
}

Result<> check_branch(std::string_view branch) {
    auto no = [&](std::string_view rule) { return wrong("branch", branch, rule); };
    if (branch.empty() || branch.size() > longest_branch) return no("it needs 1 to 200 characters");
    if (branch.starts_with('-')) return no("it begins with '-'");
    if (branch.starts_with("refs/") || branch.starts_with("pull/") ||
        branch.starts_with("merge-requests/") || branch.starts_with("pull-requests/") ||
        branch.starts_with("changes/"))
        return no("it could be somebody else's merge request; name a branch of the repository");
    if (branch == "HEAD" || branch == "@") return no("name a branch");
    bool hex = all(branch, [](char c) {
        return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (hex && (branch.size() == 40 || branch.size() == 64)) return no("a commit is not a branch");
    if (branch.find("..") != std::string_view::npos || branch.find("@{") != std::string_view::npos)
        return no("\"..\" and \"@{\" are not part of branch names");
    if (!all(branch, [](char c) {
            return static_cast<unsigned char>(c) > ' ' && c != 127 && !one_of(c, "~^:?*[\\");
        }))
        return no("it has characters that git does not allow");
    if (branch.back() == '.' || branch.back() == '/') return no("it ends with '.' or '/'");
    for (std::size_t start = 0; start <= branch.size();) {
        auto end = std::min(branch.find('/', start), branch.size());
        auto part = branch.substr(start, end - start);
        if (part.empty() || part.starts_with('.') || part.ends_with(".lock"))
            return no("git does not allow this name");
        start = end + 1;
    }
    return {};
}

Result<> check_port(std::uint16_t port, std::string_view what) {
    if (port < 1024)
        return fail(
            Errc::invalid, fmt::format("The {} {} is not allowed: 1024 to 65535 are.", what, port)
        );
    return {};
}

Result<> check_module(std::string_view name) {
    if (name.empty() || name.size() > 64 || !alnum(name.front()) ||
        !all(name, [](char c) { return alnum(c) || c == '_'; }))
        return wrong("module name", name, "letters, digits and '_', at most 64, are");
    return {};
}

Result<> check_variable_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || !(upper(name.front()) || name.front() == '_') ||
        !all(name, [](char c) { return upper(c) || digit(c) || c == '_'; }))
        return wrong("variable name", name, "upper-case letters, digits and '_', at most 64, are");
    // What changes which code runs, where it connects, or what systemd hands over.
    static constexpr std::array prefixes{
        "LD_",     "DYLD_",  "PYTHON",  "PG",        "PIP_",  "GIT_",  "SSH_",    "BASH",
        "MALLOC_", "GLIBC_", "OPENSSL", "XDG_",      "PERL",  "RUBY",  "LISTEN_", "SYSTEMD_",
        "GEVENT_", "LIBEV_", "NODE_",   "FAIRLEAD_", "JAVA_", "DBUS_", "UV_",     "VIRTUAL_"};
    static constexpr std::array names{
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "IFS",
        "ENV",
        "TMPDIR",
        "GCONV_PATH",
        "LOCPATH",
        "NLSPATH",
        "NOTIFY_SOCKET",
        "CREDENTIALS_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "MAINPID",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "RES_OPTIONS",
        "HOSTALIASES",
        "LOCALDOMAIN",
        "ODOO_RC",
        "OPENERP_SERVER",
        "ODOO_HTTP_SOCKET_FD",
        "ODOO_READY_SIGHUP_PID",
        "_"};
    bool taken = std::ranges::any_of(
                     prefixes, [&](const char* prefix) { return name.starts_with(prefix); }
                 ) ||
                 std::ranges::any_of(names, [&](const char* one) { return name == one; });
    if (taken) return wrong("variable name", name, "it would change how the server runs programs");
    return {};
}

Result<> check_requirement(std::string_view line) {
    auto no = [&](std::string_view rule) { return wrong("requirement", line, rule); };
    if (line.empty() || line.size() > 300) return no("it needs 1 to 300 characters");
    if (line.starts_with('-')) return no("options of pip are refused");
    if (!alnum(line.front())) return no("it must begin with a package's name");
    // No '@', '/', ':', '\\', '#', '%', '$': neither an address nor a path nor a variable can be
    // written without them.
    if (!all(line, [](char c) { return alnum(c) || one_of(c, "._-[],<>=!~ ;'\"()*+"); }))
        return no("only a package's name, extras, versions and a marker are; no address and no path"
        );
    if (line.find(" -") != std::string_view::npos) return no("options of pip are refused");
    auto name = line.substr(
        0,
        line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    );
    if (name.ends_with(".whl") || name.ends_with(".zip") || name.ends_with(".gz") ||
        name.ends_with(".txt"))
        return no("it is the name of a file");
    return {};
}

Result<> check_version(std::string_view version) {
    auto rest = version;
    if (rest.starts_with("saas-") || rest.starts_with("saas~")) rest.remove_prefix(5);
    auto dot = rest.find('.');
    if (version == "master") return {};
    if (dot == std::string_view::npos || dot == 0 || dot > 2 || rest.size() < dot + 2 ||
        rest.size() > dot + 3 || !all(rest.substr(0, dot), digit) ||
        !all(rest.substr(dot + 1), digit))
        return wrong("Odoo version", version, "write it as 19.0");
    return {};
}

Result<> check_domain(std::string_view name) {
    if (!is_host(name) || name.find('.') == std::string_view::npos ||
        all(name, [](char c) { return digit(c) || c == '.'; }))
        return wrong("domain", name, "write it as shop.example.com");
    return {};
}

Result<> check_id(std::string_view id, std::string_view prefix) {
    if (!id.starts_with(prefix) || !is_ulid(id.substr(prefix.size())))
        return wrong("id", id, fmt::format("it must be {} and 26 characters", prefix));
    return {};
}

Result<> check(const proto::EnvironmentSpec& e) {
    FAIRLEAD_CHECK(check_id(e.id, "env_"));
    FAIRLEAD_CHECK(check_slug(e.slug));
    FAIRLEAD_CHECK(check_version(e.odoo_version));
    if (e.name.size() > 200 || !plain_text(e.name))
        return wrong("name", e.name, "at most 200 printable characters are");
    FAIRLEAD_CHECK(check_source(e.odoo));
    FAIRLEAD_CHECK(check_count(e.addons.size(), most_addons, "addon repositories"));
    std::set<std::string_view> names{e.odoo.name};
    for (const auto& source : e.addons) {
        FAIRLEAD_CHECK(check_source(source));
        if (!names.insert(source.name).second)
            return wrong("repository name", source.name, "another one has it already");
    }
    FAIRLEAD_CHECK(check_port(e.port, "port"));
    if (e.gevent_port != 0) FAIRLEAD_CHECK(check_port(e.gevent_port, "gevent port"));
    if (e.gevent_port == e.port)
        return fail(Errc::invalid, fmt::format("Port and gevent port are both {}.", e.port));
    FAIRLEAD_CHECK(check_count(e.domains.size(), most_domains, "domains"));
    for (const auto& domain : e.domains) FAIRLEAD_CHECK(check_domain(domain));
    const auto& r = e.resources;
    if (r.memory_max_bytes != 0 && r.memory_max_bytes < (256ULL << 20))
        return fail(
            Errc::invalid,
            fmt::format(
                "A memory limit of {} bytes is too small for Odoo: 256 MiB at least.",
                r.memory_max_bytes
            )
        );
    if (r.cpu_percent > 102'400 || r.workers > 128 || r.tasks_max > 4'000'000 ||
        (r.tasks_max != 0 && r.tasks_max < 32))
        return fail(
            Errc::invalid, "Limits: at most 102400 % of a CPU, 128 workers, and 32 tasks or more."
        );
    FAIRLEAD_CHECK(check_count(e.variables.size(), most_variables, "variables"));
    std::set<std::string_view> variables;
    for (const auto& variable : e.variables) {
        FAIRLEAD_CHECK(check_variable_name(variable.name));
        if (!variables.insert(variable.name).second)
            return wrong("variable name", variable.name, "it is there twice");
        if (variable.value.size() > longest_value || !plain_text(variable.value))
            return wrong(
                "value of the variable", variable.name, "at most 8192 printable characters are"
            );
    }
    FAIRLEAD_CHECK(check_count(e.modules.size(), most_modules, "modules"));
    for (const auto& module : e.modules) FAIRLEAD_CHECK(check_module(module));
    FAIRLEAD_CHECK(check_count(e.requirements.size(), most_requirements, "requirements"));
    for (const auto& line : e.requirements) FAIRLEAD_CHECK(check_requirement(line));
    if (e.keep_releases < 1 || e.keep_releases > 50)
        return fail(
            Errc::invalid, fmt::format("{} releases cannot be kept: 1 to 50 can.", e.keep_releases)
        );
    return {};
}

namespace {

Result<> check_release(const proto::ReleaseRef& release) {
    FAIRLEAD_CHECK(check_id(release.id, "rel_"));
    if (release.number < 1 || release.number > 1'000'000)
        return fail(
            Errc::invalid,
            fmt::format("There is no release number {}: they go from 1 to 1000000.", release.number)
        );
    return {};
}

} // namespace

Result<> check(const proto::DeployArgs& args) {
    FAIRLEAD_CHECK(check(args.environment));
    FAIRLEAD_CHECK(check_release(args.release));
    FAIRLEAD_CHECK(check_count(args.modules.size(), most_modules, "modules"));
    for (const auto& module : args.modules) FAIRLEAD_CHECK(check_module(module));
    if (args.update == proto::UpdateMode::modules && args.modules.empty())
        return fail(Errc::invalid, "No module to update is named.");
    return {};
}

Result<> check(const proto::PreflightArgs& args) {
    return check(args.environment);
}

Result<> check(const proto::RollbackArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check_release(args.release);
}

Result<> check(const proto::EnvironmentArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    return check_slug(args.slug);
}

Result<> check(const proto::PingArgs& args) {
    if (args.note.size() > 1000 || !plain_text(args.note))
        return wrong("note", args.note, "at most 1000 printable characters are");
    return {};
}

} // namespace fairlead::policy
