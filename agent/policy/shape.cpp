#include "agent/policy/shape.hpp"

#include "agent/policy/text.hpp"
#include "common/runtime/id.hpp"

#include <array>

namespace fairlead::policy {
namespace {

constexpr std::size_t longest_branch = 200;

} // namespace

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

} // namespace fairlead::policy
