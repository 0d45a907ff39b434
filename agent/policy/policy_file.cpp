#include "agent/policy/policy.hpp"
#include "common/config/node.hpp"
#include "common/crypto/sign.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead::policy {
namespace {

using config::Node;
using Kind = Node::Kind;

constexpr std::size_t largest_file = 256 << 10;
constexpr std::size_t most_rules = 500;
constexpr std::size_t most_tunnel_keys = 100;
constexpr std::size_t longest_user = 64;
constexpr int most_idle_minutes = 24 * 60;

/// Reads the tree of a file; every complaint has its line.
class Loader {
public:
    explicit Loader(std::string name) : name_(std::move(name)) {}

    /// Hands each rule of a section to `one`.
    template <class One>
    Result<> rules(const Node& list, std::string_view section, One one) {
        if (list.kind != Kind::list)
            return wrong(list, fmt::format("\"{}\" must be a list of rules", section));
        if (list.items.size() > most_rules)
            return wrong(list, fmt::format("there are more than {} rules", most_rules));
        for (const auto& rule : list.items) {
            if (rule.kind != Kind::map)
                return wrong(rule, "a rule must have \"allow\" or \"deny\"");
            FAIRLEAD_CHECK(one(rule));
        }
        return {};
    }

    Result<> only(const Node& map, std::initializer_list<std::string_view> keys) {
        for (const auto& entry : map.entries)
            if (std::ranges::find(keys, entry.key) == keys.end())
                return wrong(entry.line, fmt::format("\"{}\" is not known here", entry.key));
        return {};
    }

    Result<std::vector<std::string>> words(const Node& node, std::string_view what) {
        if (node.kind == Kind::scalar) return std::vector{node.text};
        if (node.kind != Kind::list || node.items.empty())
            return wrong(node, fmt::format("\"{}\" must be a text or a list of texts", what));
        std::vector<std::string> list;
        for (const auto& item : node.items) {
            if (item.kind != Kind::scalar)
                return wrong(item, fmt::format("\"{}\" must be a list of texts", what));
            list.push_back(item.text);
        }
        return list;
    }

    /// Effect and texts of a rule.
    Result<std::vector<std::string>> effect(const Node& rule, Effect& into, std::string_view what) {
        const auto *allow = find(rule, "allow"), *deny = find(rule, "deny");
        if (!allow == !deny) return wrong(rule, "a rule needs either \"allow\" or \"deny\"");
        into = allow ? Effect::allow : Effect::deny;
        return words(allow ? *allow : *deny, what);
    }

    static const Node* find(const Node& map, std::string_view key) {
        auto entry = std::ranges::find(map.entries, key, &config::Entry::key);
        return entry == map.entries.end() ? nullptr : &entry->value;
    }

    tl::unexpected<Error> wrong(const Node& node, std::string_view what) {
        return wrong(node.line, what);
    }
    tl::unexpected<Error> wrong(int line, std::string_view what) {
        return fail(Errc::invalid, fmt::format("{} line {}: {}.", name_, line, what));
    }

private:
    std::string name_;
};

Result<OperationRule> operation_rule(Loader& loader, const Node& node) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny", "environments"}));
    OperationRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(kinds, loader.effect(node, rule.effect, "kinds"));
    rule.kinds = std::move(kinds);
    const auto* environments = Loader::find(node, "environments");
    if (!environments) return rule;
    FAIRLEAD_TRY(patterns, loader.words(*environments, "environments"));
    rule.environments = std::move(patterns);
    return rule;
}

Result<ExposureRule> exposure_rule(Loader& loader, const Node& node) {
    FAIRLEAD_TRY(rule, operation_rule(loader, node));
    for (const auto& way : rule.kinds)
        if (way != "port" && way != "tunnel" && way != "direct" && way != "cloudflared")
            return loader.wrong(
                node, fmt::format(
                          "\"{}\" is no exposure: port, tunnel, direct and cloudflared are",
                          way.substr(0, 100)
                      )
            );
    return rule;
}

Result<LogsRule> logs_rule(Loader& loader, const Node& node) {
    FAIRLEAD_TRY(rule, operation_rule(loader, node));
    for (const auto& source : rule.kinds) {
        if (source != "odoo" && source != "postgresql" && source != "agent")
            return loader.wrong(
                node, fmt::format(
                          "\"{}\" is no log: odoo, postgresql and agent are", source.substr(0, 100)
                      )
            );
        if (source != "odoo" && !rule.environments.empty())
            return loader.wrong(
                node, fmt::format("\"{}\" is the log of no environment, but of the server", source)
            );
    }
    return rule;
}

Result<RepositoryRule> address_rule(Loader& loader, const Node& node, std::string_view section) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny"}));
    RepositoryRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(texts, loader.effect(node, rule.effect, section));
    for (const auto& text : texts) {
        auto pattern = parse_pattern(text);
        if (!pattern)
            return loader.wrong(
                node,
                fmt::format(
                    "\"{}\" is no pattern of \"{}\": {}", text, section, pattern.error().message()
                )
            );
        rule.patterns.push_back(std::move(*pattern));
    }
    return rule;
}

Result<RecipientRule> recipient_rule(Loader& loader, const Node& node) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny"}));
    RecipientRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(patterns, loader.effect(node, rule.effect, "recipients"));
    for (const auto& pattern : patterns) {
        bool written = std::ranges::all_of(pattern, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '*';
        });
        // A word that fits no key would let its writer believe that something is forbidden.
        bool fits = pattern.starts_with("age1") || pattern.starts_with('*');
        bool whole = pattern.size() == 62 || pattern.find('*') != std::string::npos;
        if (!written || !fits || !whole || pattern.size() > 62)
            return loader.wrong(
                node,
                fmt::format(
                    "\"{}\" is no pattern of \"recipients\": public keys of age (age1… with 62 "
                    "characters) are, and * stands for any characters",
                    pattern.substr(0, 100)
                )
            );
    }
    rule.patterns = std::move(patterns);
    return rule;
}

/// Of "tunnel" and "mail": slugs of environments.
Result<TunnelRule> slug_rule(Loader& loader, const Node& node, std::string_view section) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny"}));
    TunnelRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(patterns, loader.effect(node, rule.effect, section));
    rule.patterns = std::move(patterns);
    return rule;
}

/// Of "terminal" and "ssh_keys": Unix users.
Result<TerminalRule> user_rule(Loader& loader, const Node& node, std::string_view section) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny"}));
    TerminalRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(patterns, loader.effect(node, rule.effect, section));
    for (const auto& pattern : patterns) {
        // As for recipients: a word that no user is called by must not look like a rule.
        bool written = std::ranges::all_of(pattern, [](char c) {
            return c > ' ' && c < 127 && c != ':' && c != '/' && c != ',';
        });
        if (!written || pattern.empty() || pattern.size() > longest_user)
            return loader.wrong(
                node, fmt::format(
                          "\"{}\" is no pattern of \"{}\": names of Unix users are, and * stands "
                          "for any characters",
                          pattern.substr(0, 100), section
                      )
            );
    }
    rule.patterns = std::move(patterns);
    return rule;
}

/// "08:00" → 480; "24:00" is the end of the day.
std::optional<int> minute_of(std::string_view text) {
    int hour = 0, minute = 0;
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const char* at = text.data();
    if (std::from_chars(at, at + 2, hour).ptr != at + 2 ||
        std::from_chars(at + 3, at + 5, minute).ptr != at + 5)
        return std::nullopt;
    bool good = hour >= 0 && minute >= 0 && minute < 60 && hour * 60 + minute <= 24 * 60;
    return good ? std::optional(hour * 60 + minute) : std::nullopt;
}

/// "22:00-05:30".
Result<Hours> times_of_day(Loader& loader, const Node& node, std::string_view name) {
    auto text = std::string_view(node.text);
    auto from = minute_of(text.substr(0, text.find('-')));
    auto to = text.size() > 5 ? minute_of(text.substr(6)) : std::nullopt;
    // One that covers all of a day would be no rule, or a slip of the pen.
    if (node.kind != Kind::scalar || text.size() != 11 || text[5] != '-' || !from || !to ||
        *from == *to)
        return loader.wrong(
            node, fmt::format("\"{}\" are written as \"08:00-18:00\", in this server's time", name)
        );
    return Hours{*from, *to, node.text};
}

Result<OdooLoginRule> odoo_login_rule(Loader& loader, const Node& node) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny", "environments", "hours"}));
    OdooLoginRule rule;
    rule.line = node.line;
    FAIRLEAD_TRY(logins, loader.effect(node, rule.effect, "odoo_login"));
    rule.logins = std::move(logins);
    if (const auto* environments = Loader::find(node, "environments")) {
        FAIRLEAD_TRY(patterns, loader.words(*environments, "environments"));
        rule.environments = std::move(patterns);
    }
    if (const auto* hours = Loader::find(node, "hours")) {
        FAIRLEAD_TRY(read, times_of_day(loader, *hours, "hours"));
        rule.hours = std::move(read);
    }
    return rule;
}

Result<std::chrono::minutes> idle_minutes(Loader& loader, const Node& node) {
    int minutes = 0;
    const auto* end = node.text.data() + node.text.size();
    auto read = std::from_chars(node.text.data(), end, minutes);
    if (node.kind != Kind::scalar || read.ec != std::errc() || read.ptr != end || minutes < 1 ||
        minutes > most_idle_minutes)
        return loader.wrong(
            node, fmt::format(
                      "\"terminal_idle_minutes\" must be a number from 1 to {}", most_idle_minutes
                  )
        );
    return std::chrono::minutes(minutes);
}

Result<std::string> agent_version(Loader& loader, const Node& node) {
    auto checked = node.kind == Kind::scalar ? check_agent_version(node.text)
                                             : Result<>(fail(Errc::invalid, ""));
    if (checked) return node.text;
    return loader.wrong(
        node, "\"update_oldest\" must be a version of the agent, such as \"0.2.0\""
    );
}

Result<std::vector<std::string>> pinned_keys(Loader& loader, const Node& node) {
    bool list = node.kind == Kind::list && node.items.size() <= most_tunnel_keys;
    if (!list)
        return loader.wrong(
            node, fmt::format("\"tunnel_keys\" must be a list of at most {} keys", most_tunnel_keys)
        );
    std::vector<std::string> keys;
    for (const auto& item : node.items) {
        auto key = item.kind == Kind::scalar
                       ? crypto::VerifyKey::parse(item.text)
                       : Result<crypto::VerifyKey>(fail(Errc::invalid, "It is no text."));
        if (!key) return loader.wrong(item, "\"tunnel_keys\": " + key.error().message());
        keys.push_back(item.text);
    }
    return keys;
}

Result<> check_owner(const std::filesystem::path& path, uid_t owner, bool folder) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0)
        return fail(
            Errc::not_found,
            fmt::format(
                "Cannot look at {}: {}. `fairlead-agent enroll` writes the default policy.",
                path.string(), std::strerror(errno)
            )
        );
    if (folder ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode))
        return fail(
            Errc::forbidden, fmt::format(
                                 "{} must be a {}, not a link or anything else.", path.string(),
                                 folder ? "folder" : "regular file"
                             )
        );
    if (info.st_uid != owner && info.st_uid != 0)
        return fail(
            Errc::forbidden,
            fmt::format(
                "{} belongs to user id {}, so that user could change what this server allows. "
                "Cure: chown root:root {}",
                path.string(), info.st_uid, path.string()
            )
        );
    // A sticky folder such as /tmp lets others add files, but not replace ours.
    bool open = (info.st_mode & 022) != 0 && !(folder && (info.st_mode & S_ISVTX));
    if (open)
        return fail(
            Errc::forbidden,
            fmt::format(
                "{} can be written by others (mode {:o}), so they could change what this server "
                "allows. Cure: chmod go-w {}",
                path.string(), info.st_mode & 07777, path.string()
            )
        );
    return {};
}

} // namespace

Result<Policy> Policy::load(const std::filesystem::path& file, uid_t owner) {
    for (auto folder = file.parent_path();; folder = folder.parent_path()) {
        FAIRLEAD_CHECK(check_owner(folder, owner, true));
        if (folder == folder.root_path()) break;
    }
    FAIRLEAD_CHECK(check_owner(file, owner, false));
    FAIRLEAD_TRY(text, read_file(file, largest_file));
    return parse(text, file.string());
}

Result<Policy> Policy::parse(std::string_view text, std::string name) {
    Policy policy;
    policy.name_ = name;
    policy.text_ = text;
    Loader loader(name);
    FAIRLEAD_TRY(root, config::parse(text, name));
    if (root.kind != Kind::map)
        return loader.wrong(1, "the policy must have \"version\" and \"operations\"");
    FAIRLEAD_CHECK(loader.only(
        root, {"version",
               "operations",
               "repositories",
               "storages",
               "recipients",
               "imports",
               "networks",
               "tunnel",
               "tunnel_keys",
               "exposure",
               "terminal",
               "terminal_idle_minutes",
               "terminal_recording",
               "recordings",
               "ssh_keys",
               "logs",
               "mail",
               "odoo_login",
               "update_hours",
               "update_oldest"}
    ));
    const auto* version = Loader::find(root, "version");
    if (!version || version->text != "1")
        return loader.wrong(
            version ? version->line : 1,
            "\"version: 1\" is missing; this agent knows no other version"
        );
    auto read_operation = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, operation_rule(loader, node));
        policy.operations_.push_back(std::move(rule));
        return {};
    };
    auto read_repository = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, address_rule(loader, node, "repositories"));
        policy.repositories_.push_back(std::move(rule));
        return {};
    };
    auto read_storage = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, address_rule(loader, node, "storages"));
        policy.storages_.push_back(std::move(rule));
        return {};
    };
    auto read_import = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, address_rule(loader, node, "imports"));
        policy.imports_.push_back(std::move(rule));
        return {};
    };
    if (const auto* operations = Loader::find(root, "operations"))
        FAIRLEAD_CHECK(loader.rules(*operations, "operations", read_operation));
    if (const auto* repositories = Loader::find(root, "repositories"))
        FAIRLEAD_CHECK(loader.rules(*repositories, "repositories", read_repository));
    if (const auto* storages = Loader::find(root, "storages"))
        FAIRLEAD_CHECK(loader.rules(*storages, "storages", read_storage));
    auto read_recipient = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, recipient_rule(loader, node));
        policy.recipients_.push_back(std::move(rule));
        return {};
    };
    if (const auto* recipients = Loader::find(root, "recipients"))
        FAIRLEAD_CHECK(loader.rules(*recipients, "recipients", read_recipient));
    else
        // Policies from before there was such a section go on making backups.
        policy.recipients_.push_back({Effect::allow, {"age1*"}, 0});
    if (const auto* imports = Loader::find(root, "imports"))
        FAIRLEAD_CHECK(loader.rules(*imports, "imports", read_import));
    auto read_tunnel = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, slug_rule(loader, node, "tunnel"));
        policy.tunnel_.push_back(std::move(rule));
        return {};
    };
    if (const auto* tunnel = Loader::find(root, "tunnel"))
        FAIRLEAD_CHECK(loader.rules(*tunnel, "tunnel", read_tunnel));
    else
        // Whoever may deploy an environment may show it; only who says otherwise wants otherwise.
        policy.tunnel_.push_back({Effect::allow, {"*"}, 0});
    auto read_exposure = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, exposure_rule(loader, node));
        policy.exposure_.push_back(std::move(rule));
        return {};
    };
    if (const auto* exposure = Loader::find(root, "exposure"))
        FAIRLEAD_CHECK(loader.rules(*exposure, "exposure", read_exposure));
    else
        // Not cloudflared: whoever configures its tunnel at Cloudflare reaches more than Odoo.
        policy.exposure_.push_back({Effect::allow, {"port", "tunnel", "direct"}, {}, 0});
    auto read_terminal = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, user_rule(loader, node, "terminal"));
        policy.terminal_.push_back(std::move(rule));
        return {};
    };
    // Without this section nobody gets a terminal.
    if (const auto* terminal = Loader::find(root, "terminal"))
        FAIRLEAD_CHECK(loader.rules(*terminal, "terminal", read_terminal));
    auto read_ssh_keys = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, user_rule(loader, node, "ssh_keys"));
        policy.ssh_keys_.push_back(std::move(rule));
        return {};
    };
    // And without this one nobody's key is kept.
    if (const auto* keys = Loader::find(root, "ssh_keys"))
        FAIRLEAD_CHECK(loader.rules(*keys, "ssh_keys", read_ssh_keys));
    auto read_logs = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, logs_rule(loader, node));
        policy.logs_.push_back(std::move(rule));
        return {};
    };
    if (const auto* logs = Loader::find(root, "logs"))
        FAIRLEAD_CHECK(loader.rules(*logs, "logs", read_logs));
    else
        // As for tunnels: only who says otherwise wants otherwise.
        policy.logs_.push_back({Effect::allow, {"odoo", "postgresql", "agent"}, {}, 0});
    auto read_mail = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, slug_rule(loader, node, "mail"));
        policy.mail_.push_back(std::move(rule));
        return {};
    };
    if (const auto* mail = Loader::find(root, "mail"))
        FAIRLEAD_CHECK(loader.rules(*mail, "mail", read_mail));
    else
        // As for logs.
        policy.mail_.push_back({Effect::allow, {"*"}, 0});
    auto read_odoo_login = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, odoo_login_rule(loader, node));
        policy.odoo_login_.push_back(std::move(rule));
        return {};
    };
    // Without this section nobody logs in from afar.
    if (const auto* logins = Loader::find(root, "odoo_login"))
        FAIRLEAD_CHECK(loader.rules(*logins, "odoo_login", read_odoo_login));
    auto read_recordings = [&](const Node& node) -> Result<> {
        FAIRLEAD_TRY(rule, user_rule(loader, node, "recordings"));
        policy.recordings_.push_back(std::move(rule));
        return {};
    };
    // Without this section none are shown: they hold whatever was on somebody's screen.
    if (const auto* recordings = Loader::find(root, "recordings"))
        FAIRLEAD_CHECK(loader.rules(*recordings, "recordings", read_recordings));
    if (const auto* when = Loader::find(root, "terminal_recording")) {
        if (when->kind != Kind::scalar || (when->text != "always" && when->text != "asked"))
            return loader.wrong(*when, "\"terminal_recording\" must be \"asked\" or \"always\"");
        policy.records_terminals_ = when->text == "always";
    }
    if (const auto* idle = Loader::find(root, "terminal_idle_minutes")) {
        FAIRLEAD_TRY(minutes, idle_minutes(loader, *idle));
        policy.terminal_idle_ = minutes;
    }
    if (const auto* hours = Loader::find(root, "update_hours")) {
        FAIRLEAD_TRY(read, times_of_day(loader, *hours, "update_hours"));
        policy.update_hours_ = std::move(read);
    }
    if (const auto* oldest = Loader::find(root, "update_oldest")) {
        FAIRLEAD_TRY(least, agent_version(loader, *oldest));
        policy.update_oldest_ = std::move(least);
    }
    if (const auto* keys = Loader::find(root, "tunnel_keys")) {
        FAIRLEAD_TRY(pinned, pinned_keys(loader, *keys));
        policy.tunnel_keys_ = std::move(pinned);
    }
    if (const auto* networks = Loader::find(root, "networks")) {
        FAIRLEAD_TRY(words, loader.words(*networks, "networks"));
        for (const auto& word : words) {
            auto network = IpNetwork::parse(word);
            if (!network)
                return loader.wrong(*networks, "\"networks\": " + network.error().message());
            policy.networks_.push_back(*network);
        }
    }
    return policy;
}

} // namespace fairlead::policy
