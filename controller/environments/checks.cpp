#include "controller/environments/checks.hpp"

#include "controller/environments/git_address.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

namespace fairlead::environments {
namespace {

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
bool hex(char c) {
    return digit(c) || (c >= 'a' && c <= 'f');
}
template <class Test>
bool all(std::string_view text, Test test) {
    return std::all_of(text.begin(), text.end(), test);
}
bool one_of(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
}

std::string to_lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return upper(c) ? static_cast<char>(c + 32) : c;
    });
    return result;
}

/// "example.com", "10.0.0.1", "git.example.com:2222".
bool is_host(std::string_view host) {
    auto colon = host.rfind(':');
    if (colon != std::string_view::npos) {
        auto port = host.substr(colon + 1);
        unsigned number = 0;
        auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
        if (error != std::errc() || end != port.data() + port.size() || number < 1 ||
            number > 65535)
            return false;
        host = host.substr(0, colon);
    }
    if (host.empty() || host.size() > 253) return false;
    while (true) {
        auto dot = host.find('.');
        auto label = host.substr(0, dot);
        if (label.empty() || label.size() > 63 || !alnum(label.front()) || !alnum(label.back()))
            return false;
        if (!all(label, [](char c) { return alnum(c) || c == '-'; })) return false;
        if (dot == std::string_view::npos) return true;
        host.remove_prefix(dot + 1);
    }
}

bool is_user(std::string_view user) {
    return !user.empty() && user.size() <= 64 && user.front() != '-' &&
           all(user, [](char c) { return alnum(c) || one_of(c, "._-"); });
}

/// Empty when it is fine, else what is wrong with it.
std::string wrong_with_branch(std::string_view branch) {
    if (branch.empty() || branch.size() > 200) return "must have 1 to 200 characters";
    if (branch.front() == '-') return "must not begin with a dash: git would read it as an option";
    auto plain = to_lower(branch);
    for (std::string_view prefix :
         {"refs/", "pull/", "merge-requests/", "pull-requests/", "changes/"})
        if (plain.starts_with(prefix))
            return fmt::format(
                "is \"{}\": names below {} hold other people's proposals. Name a branch of the "
                "repository",
                branch, prefix
            );
    if (branch.find("..") != std::string_view::npos) return "must not hold \"..\"";
    if (!(alnum(branch.front()) || branch.front() == '_') ||
        !all(branch, [](char c) { return alnum(c) || one_of(c, "._/+-"); }))
        return "may hold letters, digits and . _ / + - only, and begins with a letter, digit or _";
    if (branch.find("//") != std::string_view::npos ||
        branch.find("/.") != std::string_view::npos || branch.ends_with('/') ||
        branch.ends_with('.') || branch.ends_with(".lock"))
        return "is no name that git accepts for a branch";
    if (branch == "HEAD")
        return "must be a branch's name; HEAD is whatever the other side makes of it";
    bool digits = std::any_of(plain.begin(), plain.end(), digit),
         letters = std::any_of(plain.begin(), plain.end(), lower);
    bool like_commit = plain.size() == 40 || plain.size() == 64 ||
                       (plain.size() >= 7 && plain.size() < 64 && digits && letters);
    if (like_commit && all(plain, hex))
        return fmt::format(
            "is \"{}\", which looks like a commit id. Name a branch: a bare commit may belong to "
            "somebody else's fork",
            branch
        );
    return {};
}

/// name[extras] ==1.2, <2
bool is_requirement(std::string_view text) {
    std::size_t i = 0;
    auto skip_spaces = [&] {
        while (i < text.size() && text[i] == ' ') ++i;
    };
    if (text.empty() || !alnum(text[0])) return false;
    while (i < text.size() && (alnum(text[i]) || one_of(text[i], "._-"))) ++i;
    if (i < text.size() && text[i] == '[') {
        auto end = text.find(']', i);
        if (end == std::string_view::npos || end == i + 1) return false;
        if (!all(text.substr(i + 1, end - i - 1), [](char c) {
                return alnum(c) || one_of(c, "._-, ");
            }))
            return false;
        i = end + 1;
    }
    skip_spaces();
    if (i == text.size()) return true;
    while (true) {
        auto begin = i;
        while (i < text.size() && one_of(text[i], "<>=!~")) ++i;
        static const std::set<std::string_view> operators{
            "==", "===", "!=", "<=", ">=", "<", ">", "~="};
        if (!operators.contains(text.substr(begin, i - begin))) return false;
        skip_spaces();
        begin = i;
        while (i < text.size() && (alnum(text[i]) || one_of(text[i], ".*+!_-"))) ++i;
        if (i == begin) return false;
        skip_spaces();
        if (i == text.size()) return true;
        if (text[i++] != ',') return false;
        skip_spaces();
    }
}

} // namespace

void check_name(api::Checks& checks, std::string_view field, std::string_view name) {
    if (!all(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }))
        return checks.wrong(field, "must not hold control characters");
    if (!name.empty() && (name.front() == ' ' || name.back() == ' '))
        return checks.wrong(field, "must not begin or end with a space");
    checks.length(field, name, 1, 80);
}

void check_slug(
    api::Checks& checks, std::string_view field, std::string_view slug, std::size_t most
) {
    bool fine = slug.size() >= 2 && slug.size() <= most && lower(slug.front()) &&
                slug.back() != '-' && slug.find("--") == std::string_view::npos &&
                all(slug, [](char c) { return lower(c) || digit(c) || c == '-'; });
    checks.that(
        fine, field,
        fmt::format(
            "must be 2 to {} of a-z, 0-9 and single dashes between them, with a letter first", most
        )
    );
}

void check_odoo_version(api::Checks& checks, std::string_view field, std::string_view v) {
    bool fine =
        v.size() == 4 && v[0] >= '1' && v[0] <= '9' && digit(v[1]) && v[2] == '.' && digit(v[3]);
    checks.that(fine, field, "must be a version of Odoo such as 19.0");
}

void check_git_url(
    api::Checks& checks, std::string_view field, std::string_view url, GitTransports transports
) {
    if (url.size() < 8 || url.size() > 500)
        return checks.wrong(field, "must have 8 to 500 characters");
    if (!all(url, [](char c) { return c > 0x20 && c < 0x7f; }))
        return checks.wrong(field, "must be printable ASCII without spaces");
    auto parts = split_git_address(url);
    bool insecure =
        parts && (parts->scheme == "http" || parts->scheme == "git" || parts->scheme == "file");
    if (!parts || !(parts->scheme == "https" || parts->scheme == "ssh" || insecure))
        return checks.wrong(
            field, "must be https://host/path, ssh://user@host/path or user@host:path"
        );
    if (insecure && transports == GitTransports::safe)
        return checks.wrong(
            field,
            fmt::format(
                "uses {}://, which proves neither who answers nor what was sent. Use https or ssh "
                "(the operator may allow it in the configuration: git_transports: any)",
                parts->scheme
            )
        );
    if (parts->scheme == "ssh" ? !parts->user.empty() && !is_user(parts->user)
                               : url.find('@') < url.size() - parts->path.size())
        return checks.wrong(
            field, "must not hold a password or token: it would be shown to everybody. Store a git "
                   "credential and name it"
        );
    if (parts->scheme == "file") {
        checks.that(
            parts->host.empty() && parts->path.size() > 1, field,
            "must be file:// and an absolute path"
        );
    } else {
        checks.that(
            is_host(parts->host), field,
            fmt::format("has \"{}\" where a host name is due", parts->host)
        );
    }
    auto first = parts->path.find_first_not_of('/');
    bool path_fine = first != std::string_view::npos && parts->path[first] != '-' &&
                     parts->path.find("..") == std::string_view::npos;
    checks.that(
        path_fine, field,
        "has no path to a repository (a path must not begin with a dash or hold \"..\")"
    );
}

void check_branch(api::Checks& checks, std::string_view field, std::string_view branch) {
    if (auto wrong = wrong_with_branch(branch); !wrong.empty()) checks.wrong(field, wrong);
}

void check_addon_name(api::Checks& checks, std::string_view field, std::string_view name) {
    bool fine = !name.empty() && name.size() <= 40 && (lower(name[0]) || digit(name[0])) &&
                all(name, [](char c) { return lower(c) || digit(c) || c == '_' || c == '-'; });
    checks.that(fine, field, "must be 1 to 40 of a-z, 0-9, _ and -, with a letter or digit first");
    checks.that(name != "odoo", field, "is \"odoo\", which is the folder of Odoo itself");
}

void check_modules(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& modules
) {
    if (modules.size() > 200) return checks.wrong(field, "must be at most 200 modules");
    for (std::size_t i = 0; i < modules.size(); ++i) {
        const auto& module = modules[i];
        bool fine = !module.empty() && module.size() <= 100 &&
                    all(module, [](char c) { return lower(c) || digit(c) || c == '_'; });
        checks.that(
            fine, fmt::format("{}[{}]", field, i),
            "is no technical name of a module: a-z, 0-9 and _ only"
        );
    }
}

void check_requirements(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& requirements
) {
    if (requirements.size() > 100) return checks.wrong(field, "must be at most 100 requirements");
    for (std::size_t i = 0; i < requirements.size(); ++i) {
        bool fine = requirements[i].size() <= 200 && is_requirement(requirements[i]);
        checks.that(
            fine, fmt::format("{}[{}]", field, i),
            "is no requirement such as \"phonenumbers==8.13.40\"; options, paths and addresses are "
            "not taken"
        );
    }
}

void check_domains(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& domains
) {
    if (domains.size() > 20) return checks.wrong(field, "must be at most 20 domains");
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < domains.size(); ++i) {
        const auto& domain = domains[i];
        bool fine =
            is_host(domain) && domain.find('.') != std::string::npos &&
            all(domain, [](char c) { return lower(c) || digit(c) || c == '-' || c == '.'; });
        checks.that(
            fine, fmt::format("{}[{}]", field, i),
            "must be a host name in lower case such as shop.example.com"
        );
        checks.that(seen.insert(domain).second, fmt::format("{}[{}]", field, i), "is there twice");
    }
}

void check_variable_name(api::Checks& checks, std::string_view field, std::string_view name) {
    bool fine = !name.empty() && name.size() <= 100 && (upper(name[0]) || name[0] == '_') &&
                all(name, [](char c) { return upper(c) || digit(c) || c == '_'; });
    if (!fine)
        return checks.wrong(field, "must be 1 to 100 of A-Z, 0-9 and _, with no digit first");
    bool taken = name == "PATH" || name == "HOME" || name == "ODOO_RC" || name == "IFS" ||
                 name == "SHELL" || name == "USER" || name == "BASH_ENV" || name == "ENV" ||
                 name.starts_with("LD_") || name.starts_with("PYTHON") || name.starts_with("PG") ||
                 name.starts_with("GIT_") || name.starts_with("PIP_");
    checks.that(
        !taken, field,
        fmt::format("is {}, which changes how the process itself runs. Choose another name", name)
    );
}

void check_host(api::Checks& checks, std::string_view field, std::string_view host) {
    checks.that(
        is_host(host), field,
        "must be a host name such as github.com, with a port where it is not the usual one"
    );
}

std::string host_of(std::string_view git_url) {
    auto parts = split_git_address(git_url);
    return parts ? to_lower(parts->host) : std::string();
}

std::string slug_from(std::string_view name, std::size_t most) {
    std::string slug;
    for (char c : to_lower(name)) {
        if (slug.size() == most) break;
        if (lower(c) || (digit(c) && !slug.empty()))
            slug += c;
        else if (!slug.empty() && slug.back() != '-')
            slug += '-';
    }
    while (!slug.empty() && slug.back() == '-') slug.pop_back();
    return slug.size() >= 2 ? slug : "env" + slug;
}

} // namespace fairlead::environments
