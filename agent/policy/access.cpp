// Who and what gets to a server over the link beside operations: requests, terminals, keys, logs,
// mail, recordings.
#include "agent/policy/policy.hpp"
#include "agent/policy/text.hpp"

#include <boost/describe/enum_to_string.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace fairlead::policy {
namespace {

bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
    return std::ranges::any_of(patterns, [&](const auto& one) { return matches(one, text); });
}

/// The first rule that fits decides; where none does, nothing is allowed. `what` is a clause:
/// "requests over the link reach shop".
template <class Rule, class Fits>
Result<> first_rule(
    const std::vector<Rule>& rules, std::string_view section, const std::string& what,
    const std::string& file, Fits fits
) {
    auto rule = std::ranges::find_if(rules, fits);
    if (rule == rules.end())
        return refused(fmt::format(
            "The policy of this server has no rule in \"{}\" that allows that {}: {}.", section,
            what, file
        ));
    if (rule->effect == Effect::allow) return {};
    return refused(fmt::format(
        "The policy of this server forbids that {}: {} line {}.", what, file, rule->line
    ));
}

/// About one kind of thing, of all environments or of some.
auto names(std::string_view kind, std::string_view slug) {
    return [kind, slug](const OperationRule& rule) {
        return std::ranges::find(rule.kinds, kind) != rule.kinds.end() &&
               (rule.environments.empty() || any_matches(rule.environments, slug));
    };
}

auto names(std::string_view slug) {
    return [slug](const TunnelRule& rule) { return any_matches(rule.patterns, slug); };
}

std::vector<std::string> allowed_patterns(const std::vector<TerminalRule>& rules) {
    std::vector<std::string> all;
    for (const auto& rule : rules)
        if (rule.effect == Effect::allow)
            all.insert(all.end(), rule.patterns.begin(), rule.patterns.end());
    return all;
}

} // namespace

Result<> Policy::permit_exposure(std::string_view slug, proto::Exposure exposure) const {
    std::string_view way = boost::describe::enum_to_string(exposure, "");
    auto what = fmt::format("{} is reached by \"{}\"", slug, way);
    return first_rule(exposure_, "exposure", what, name_, names(way, slug));
}

Result<> Policy::permit_tunnel(std::string_view slug) const {
    auto what = fmt::format("requests over the link reach {}", slug);
    return first_rule(tunnel_, "tunnel", what, name_, names(slug));
}

Result<> Policy::permit_mail(std::string_view slug) const {
    auto what = fmt::format("captured mail of {} is read over the link", slug);
    return first_rule(mail_, "mail", what, name_, names(slug));
}

Result<> Policy::permit_log(std::string_view source, std::string_view slug) const {
    auto what = source == "odoo"         ? fmt::format("the log of the Odoo of {}", slug)
                : source == "postgresql" ? std::string("PostgreSQL's log")
                                         : std::string("the agent's log");
    return first_rule(logs_, "logs", what + " is read over the link", name_, names(source, slug));
}

Result<> Policy::permit_user(
    const std::vector<TerminalRule>& rules, std::string_view section, std::string_view what,
    std::string_view user, bool is_root
) const {
    for (const auto& rule : rules) {
        bool allow = rule.effect == Effect::allow;
        if (std::ranges::none_of(rule.patterns, [&](const auto& pattern) {
                return allow && is_root ? pattern == user : matches(pattern, user);
            }))
            continue;
        if (allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids {} {}: {} line {}.", what, user, name_, rule.line
        ));
    }
    return refused(fmt::format(
        "The policy of this server does not name {}{} for {}, so it is refused: add a rule under "
        "\"{}\" in {}.",
        user, is_root ? ", which is root and has to be named as it is," : "",
        section == "terminal"     ? "terminals"
        : section == "recordings" ? "replays of recordings"
                                  : "SSH keys",
        section, name_
    ));
}

Result<> Policy::permit_terminal(std::string_view user, bool is_root) const {
    return permit_user(terminal_, "terminal", "a terminal as", user, is_root);
}

Result<> Policy::permit_ssh_keys(std::string_view user, bool is_root) const {
    FAIRLEAD_CHECK(permit_kind(proto::kind::ssh_keys, ""));
    return permit_user(ssh_keys_, "ssh_keys", "SSH keys for", user, is_root);
}

Result<> Policy::permit_recording(std::string_view user, bool is_root) const {
    return permit_user(recordings_, "recordings", "replays of terminals of", user, is_root);
}

Result<> Policy::permits_any_recording() const {
    bool any = std::ranges::any_of(recordings_, [](const auto& rule) {
        return rule.effect == Effect::allow;
    });
    if (any) return {};
    return refused(fmt::format(
        "The policy of this server lets nobody's recordings be shown: add a rule under "
        "\"recordings\" in {}.",
        name_
    ));
}

std::vector<std::string> Policy::terminal_patterns() const {
    return allowed_patterns(terminal_);
}

std::vector<std::string> Policy::ssh_key_patterns() const {
    return allowed_patterns(ssh_keys_);
}

} // namespace fairlead::policy
