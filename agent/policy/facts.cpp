// Apart from what decides, so that a program that only asks does without the hash.
#include "agent/policy/policy.hpp"
#include "common/crypto/hash.hpp"

#include <boost/describe/enum_to_string.hpp>
#include <fmt/core.h>

namespace fairlead::policy {

proto::PolicyFacts Policy::facts() const {
    proto::PolicyFacts facts;
    facts.sha256 = crypto::sha256(text_).hex();
    auto join = [](const std::vector<std::string>& words) {
        std::string text;
        for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
        return text;
    };
    auto verb = [](const auto& rule) {
        return rule.effect == Effect::allow ? "Allows" : "Forbids";
    };
    for (const auto& rule : operations_)
        facts.summary.push_back(fmt::format(
            "{} {}{}", verb(rule), join(rule.kinds),
            rule.environments.empty() ? "" : " on " + join(rule.environments)
        ));
    auto tell_addresses = [&](std::string_view what, const std::vector<RepositoryRule>& rules) {
        for (const auto& rule : rules) {
            std::vector<std::string> urls;
            for (const auto& pattern : rule.patterns) urls.push_back(pattern.text());
            facts.summary.push_back(fmt::format("{} {} {}", verb(rule), what, join(urls)));
        }
    };
    auto tell_patterns = [&](std::string_view what, const std::vector<RecipientRule>& rules) {
        for (const auto& rule : rules)
            facts.summary.push_back(fmt::format("{} {} {}", verb(rule), what, join(rule.patterns)));
    };
    tell_addresses("repositories", repositories_);
    tell_addresses("storages", storages_);
    tell_addresses("imports", imports_);
    for (const auto& network : networks_)
        facts.summary.push_back(fmt::format("Allows imports from {}", network.text()));
    tell_patterns("recipients", recipients_);
    tell_patterns("requests over the link to", tunnel_);
    for (const auto& rule : exposure_)
        facts.summary.push_back(fmt::format(
            "{} that environments are reached by {}{}", verb(rule), join(rule.kinds),
            rule.environments.empty() ? "" : ": " + join(rule.environments)
        ));
    tell_patterns("terminals as", terminal_);
    tell_patterns("SSH keys for", ssh_keys_);
    for (const auto& rule : recordings_)
        facts.summary.push_back(fmt::format(
            "{} recordings of terminals of {} to be shown", verb(rule), join(rule.patterns)
        ));
    if (records_terminals_) facts.summary.push_back("Records every terminal");
    for (const auto& rule : logs_)
        facts.summary.push_back(fmt::format(
            "{} logs of {} to be read{}", verb(rule), join(rule.kinds),
            rule.environments.empty() ? "" : ": " + join(rule.environments)
        ));
    for (const auto& rule : mail_)
        facts.summary.push_back(
            fmt::format("{} captured mail of {} to be read", verb(rule), join(rule.patterns))
        );
    for (const auto& rule : odoo_login_) {
        auto text = [](int minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); };
        facts.summary.push_back(fmt::format(
            "{} to log in to Odoo as {}{}{}", verb(rule), join(rule.logins),
            rule.environments.empty() ? "" : ": " + join(rule.environments),
            rule.hours
                ? fmt::format(", from {} to {}", text(rule.hours->from), text(rule.hours->to))
                : ""
        ));
    }
    if (update_hours_)
        facts.summary.push_back(fmt::format("Allows agent.update at {} alone", update_hours_->text)
        );
    if (!update_oldest_.empty())
        facts.summary.push_back(
            fmt::format("Allows the agent to go back to version {}", update_oldest_)
        );
    if (tunnel_keys_)
        facts.summary.push_back(
            tunnel_keys_->empty()
                ? "Allows requests over the link under no tunnel key"
                : "Allows requests over the link under no tunnel key but " + join(*tunnel_keys_)
        );
    facts.summary.push_back("Refuses everything else");
    return facts;
}

} // namespace fairlead::policy
