// As which users of Odoo people may log in, and what the arguments of that may look like.
#include "agent/policy/policy.hpp"
#include "agent/policy/text.hpp"
#include "common/crypto/encoding.hpp"
#include "common/runtime/utf8.hpp"

#include <ctime>

namespace fairlead::policy {
namespace {

bool fits(const OdooLoginRule& rule, std::string_view slug, int minute) {
    if (!rule.environments.empty() &&
        std::ranges::none_of(rule.environments, [&](const auto& pattern) {
            return matches(pattern, slug);
        }))
        return false;
    return !rule.hours || rule.hours->cover(minute);
}

/// In YAML, whatever is in it.
std::string quoted(std::string_view text) {
    std::string word = "'";
    for (char c : text) word += c == '\'' ? std::string("''") : std::string(1, c);
    return word + "'";
}

tl::unexpected<Error>
not_named(const std::string& name, std::string_view slug, std::string_view login) {
    auto whom = login.empty() ? std::string("anybody") : shown(login);
    return refused(fmt::format(
        "The policy of this server has no rule in \"odoo_login\" that lets people log in to the "
        "Odoo of {} as {} now, so it is refused. Its root allows it in {}:\n\nodoo_login:\n  - "
        "allow: [{}]\n    environments: [{}]",
        slug, whom, name, quoted(login.empty() ? "admin" : login), quoted(slug)
    ));
}

Result<> check_public_key(std::string_view text) {
    auto key = crypto::base64url_decode(text);
    if (!key || key->size() != 65 || key->front() != '\x04')
        return wrong("public key", text, "an uncompressed point of P-256 in base64url is");
    return {};
}

bool printable(std::string_view text) {
    return utf8::valid(text) &&
           all(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
}

} // namespace

int minute_of_day(Timestamp at) {
    auto seconds = std::chrono::system_clock::to_time_t(at);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return local.tm_hour * 60 + local.tm_min;
}

Result<>
Policy::permit_odoo_login(std::string_view slug, std::string_view login, int minute) const {
    for (const auto& rule : odoo_login_) {
        if (!fits(rule, slug, minute)) continue;
        if (std::ranges::none_of(rule.logins, [&](const auto& pattern) {
                return matches(pattern, login);
            }))
            continue;
        if (rule.effect == Effect::allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids to log in to the Odoo of {} as {}: {} line {}.",
            slug, shown(login), name_, rule.line
        ));
    }
    return not_named(name_, slug, login);
}

Result<> Policy::permit_odoo_users(std::string_view slug, int minute) const {
    for (const auto& rule : odoo_login_)
        if (rule.effect == Effect::allow && fits(rule, slug, minute)) return {};
    return not_named(name_, slug, "");
}

Result<> check(const proto::OdooUsersArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check_public_key(args.public_key);
}

Result<> check(const proto::OdooLoginArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    if (args.login.empty() || args.login.size() > proto::longest_odoo_login ||
        !printable(args.login))
        return wrong(
            "login", args.login,
            fmt::format("1 to {} bytes of printable text are", proto::longest_odoo_login)
        );
    bool blank = args.reason.find_first_not_of(' ') == std::string::npos;
    if (blank || args.reason.size() > proto::longest_odoo_reason || !printable(args.reason))
        return wrong(
            "reason", args.reason,
            fmt::format("one line of 1 to {} bytes is", proto::longest_odoo_reason)
        );
    return check_public_key(args.public_key);
}

} // namespace fairlead::policy
