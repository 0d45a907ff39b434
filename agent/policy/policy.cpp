#include "agent/policy/policy.hpp"

#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

namespace fairlead::policy {
namespace {

constexpr std::size_t largest_file = 256 << 10;
constexpr std::size_t most_rules = 500;

tl::unexpected<Error> refused(std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code("policy_refused"));
}

/// Reads the YAML tree; every complaint has a line.
class Loader {
public:
    explicit Loader(std::string name) : name_(std::move(name)) {}

    Result<> rules(
        const YAML::Node& list, std::string_view section,
        const std::function<Result<>(const YAML::Node&)>& one
    ) {
        if (!list.IsSequence())
            return wrong(list, fmt::format("\"{}\" must be a list of rules", section));
        if (list.size() > most_rules)
            return wrong(list, fmt::format("there are more than {} rules", most_rules));
        for (const auto& rule : list) {
            if (!rule.IsMap()) return wrong(rule, "a rule must have \"allow\" or \"deny\"");
            FAIRLEAD_CHECK(one(rule));
        }
        return {};
    }

    Result<> only(const YAML::Node& map, std::initializer_list<std::string_view> keys) {
        for (const auto& entry : map) {
            auto key = entry.first.as<std::string>();
            if (std::ranges::find(keys, key) == keys.end())
                return wrong(entry.first, fmt::format("\"{}\" is not known here", key));
        }
        return {};
    }

    Result<std::vector<std::string>> words(const YAML::Node& node, std::string_view what) {
        std::vector<std::string> list;
        if (node.IsScalar()) return std::vector{node.as<std::string>()};
        if (!node.IsSequence() || node.size() == 0)
            return wrong(node, fmt::format("\"{}\" must be a text or a list of texts", what));
        for (const auto& item : node) {
            if (!item.IsScalar())
                return wrong(item, fmt::format("\"{}\" must be a list of texts", what));
            list.push_back(item.as<std::string>());
        }
        return list;
    }

    Result<Effect> effect(const YAML::Node& rule) {
        bool allow = bool(rule["allow"]), deny = bool(rule["deny"]);
        if (allow == deny) return wrong(rule, "a rule needs either \"allow\" or \"deny\"");
        return allow ? Effect::allow : Effect::deny;
    }

    tl::unexpected<Error> wrong(const YAML::Node& node, std::string_view what) {
        return fail(Errc::invalid, fmt::format("{} line {}: {}.", name_, line(node), what));
    }

    static int line(const YAML::Node& node) { return node.Mark().line + 1; }

private:
    std::string name_;
};

/// "https://*.corp.example/odoo" → the parts that `covers` compares.
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

Result<OperationRule> operation_rule(Loader& loader, const YAML::Node& node) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny", "environments"}));
    OperationRule rule;
    FAIRLEAD_TRY(effect, loader.effect(node));
    rule.effect = effect;
    rule.line = Loader::line(node);
    FAIRLEAD_TRY(kinds, loader.words(node[effect == Effect::allow ? "allow" : "deny"], "kinds"));
    rule.kinds = std::move(kinds);
    if (!node["environments"]) return rule;
    FAIRLEAD_TRY(environments, loader.words(node["environments"], "environments"));
    rule.environments = std::move(environments);
    return rule;
}

Result<RepositoryRule> repository_rule(Loader& loader, const YAML::Node& node) {
    FAIRLEAD_CHECK(loader.only(node, {"allow", "deny"}));
    RepositoryRule rule;
    FAIRLEAD_TRY(effect, loader.effect(node));
    rule.effect = effect;
    rule.line = Loader::line(node);
    FAIRLEAD_TRY(
        texts, loader.words(node[effect == Effect::allow ? "allow" : "deny"], "repositories")
    );
    for (const auto& text : texts) {
        auto pattern = parse_pattern(text);
        if (!pattern)
            return loader.wrong(
                node,
                fmt::format("\"{}\" is no repository pattern: {}", text, pattern.error().message())
            );
        rule.patterns.push_back(std::move(*pattern));
    }
    return rule;
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

bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

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
    policy.sha256_ = crypto::sha256(text).hex();
    Loader loader(name);
    try {
        auto root = YAML::Load(std::string(text));
        if (!root.IsMap())
            return fail(
                Errc::invalid,
                fmt::format("{} line 1: the policy must have \"version\" and \"operations\".", name)
            );
        FAIRLEAD_CHECK(loader.only(root, {"version", "operations", "repositories"}));
        if (!root["version"] || root["version"].as<std::string>() != "1")
            return fail(
                Errc::invalid,
                fmt::format(
                    "{}: \"version: 1\" is missing; this agent knows no other version.", name
                )
            );
        auto read_operation = [&](const YAML::Node& node) -> Result<> {
            FAIRLEAD_TRY(rule, operation_rule(loader, node));
            policy.operations_.push_back(std::move(rule));
            return {};
        };
        auto read_repository = [&](const YAML::Node& node) -> Result<> {
            FAIRLEAD_TRY(rule, repository_rule(loader, node));
            policy.repositories_.push_back(std::move(rule));
            return {};
        };
        if (root["operations"])
            FAIRLEAD_CHECK(loader.rules(root["operations"], "operations", read_operation));
        if (root["repositories"])
            FAIRLEAD_CHECK(loader.rules(root["repositories"], "repositories", read_repository));
    } catch (const YAML::Exception& error) {
        return fail(
            Errc::invalid, fmt::format("{} line {}: {}.", name, error.mark.line + 1, error.msg)
        );
    }
    return policy;
}

Result<> Policy::permit_kind(std::string_view kind, std::string_view slug) const {
    for (const auto& rule : operations_) {
        auto fits = [](const std::vector<std::string>& patterns, std::string_view value) {
            return std::ranges::any_of(patterns, [&](const auto& pattern) {
                return matches(pattern, value);
            });
        };
        if (!fits(rule.kinds, kind)) continue;
        if (!rule.environments.empty() && (slug.empty() || !fits(rule.environments, slug)))
            continue;
        if (rule.effect == Effect::allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids {}{}: {} line {}.", kind,
            slug.empty() ? "" : fmt::format(" on {}", slug), name_, rule.line
        ));
    }
    return refused(fmt::format(
        "The policy of this server does not name {}{}, so it is refused: add a rule under "
        "\"operations\" in {}.",
        kind, slug.empty() ? "" : fmt::format(" on {}", slug), name_
    ));
}

Result<> Policy::permit_repository(const proto::Source& source) const {
    FAIRLEAD_TRY(url, parse_repository(source.url));
    for (const auto& rule : repositories_) {
        if (std::ranges::none_of(rule.patterns, [&](const auto& pattern) {
                return covers(pattern, url);
            }))
            continue;
        if (rule.effect == Effect::allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids the repository {}: {} line {}.", url.text(), name_,
            rule.line
        ));
    }
    return refused(fmt::format(
        "The policy of this server does not name the repository {}, so it is refused: add a rule "
        "under "
        "\"repositories\" in {}.",
        url.text(), name_
    ));
}

Result<> Policy::permit_sources(const proto::EnvironmentSpec& environment) const {
    FAIRLEAD_CHECK(permit_repository(environment.odoo));
    for (const auto& source : environment.addons) FAIRLEAD_CHECK(permit_repository(source));
    return {};
}

namespace {

/// Arguments by kind, read and held against the fixed rules.
template <class Args>
Result<Args> shaped(const proto::Operation& operation) {
    auto args = proto::read<Args>(operation.args);
    if (!args)
        return refused(fmt::format(
            "The arguments of {} cannot be read: {}", operation.kind, args.error().message()
        ));
    if (auto checked = check(*args); !checked) return refused(checked.error().message());
    return args;
}

} // namespace

Result<> Policy::permit(const proto::Operation& operation) const {
    if (operation.secrets.size() > 500)
        return refused("The operation brings more than 500 secrets.");
    for (const auto& [name, value] : operation.secrets) {
        if (!name.starts_with("credential:") && !name.starts_with("variable:"))
            return refused("The operation brings a secret of an unknown kind.");
        if (value.size() > 64 << 10)
            return refused(fmt::format("The secret {} is larger than 64 KiB.", name.substr(0, 100))
            );
    }
    const auto& kind = operation.kind;
    if (kind == proto::kind::deploy) {
        FAIRLEAD_TRY(args, shaped<proto::DeployArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.environment.slug));
        return permit_sources(args.environment);
    }
    if (kind == proto::kind::preflight) {
        FAIRLEAD_TRY(args, shaped<proto::PreflightArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.environment.slug));
        return permit_sources(args.environment);
    }
    if (kind == proto::kind::rollback) {
        FAIRLEAD_TRY(args, shaped<proto::RollbackArgs>(operation));
        return permit_kind(kind, args.slug);
    }
    if (kind == proto::kind::start || kind == proto::kind::stop || kind == proto::kind::restart ||
        kind == proto::kind::remove) {
        FAIRLEAD_TRY(args, shaped<proto::EnvironmentArgs>(operation));
        return permit_kind(kind, args.slug);
    }
    if (kind == proto::kind::ping) {
        FAIRLEAD_CHECK(shaped<proto::PingArgs>(operation));
        return permit_kind(kind, "");
    }
    std::string shown;
    for (char c : kind.substr(0, 60))
        shown += (c >= 'a' && c <= 'z') || c == '.' || c == '_' ? c : '?';
    return refused(fmt::format("This agent knows no operation \"{}\".", shown));
}

std::string slug_of(const proto::Operation& operation) {
    const auto& kind = operation.kind;
    if (kind == proto::kind::deploy || kind == proto::kind::preflight) {
        auto args = proto::read<proto::PreflightArgs>(operation.args);
        return args ? args->environment.slug : "";
    }
    if (kind == proto::kind::ping) return "";
    auto args = proto::read<proto::EnvironmentArgs>(operation.args);
    return args ? args->slug : "";
}

proto::PolicyFacts Policy::facts() const {
    proto::PolicyFacts facts;
    facts.sha256 = sha256_;
    auto join = [](const std::vector<std::string>& words) {
        std::string text;
        for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
        return text;
    };
    for (const auto& rule : operations_)
        facts.summary.push_back(fmt::format(
            "{} {}{}", rule.effect == Effect::allow ? "Allows" : "Forbids", join(rule.kinds),
            rule.environments.empty() ? "" : " on " + join(rule.environments)
        ));
    for (const auto& rule : repositories_) {
        std::vector<std::string> urls;
        for (const auto& pattern : rule.patterns) urls.push_back(pattern.text());
        facts.summary.push_back(fmt::format(
            "{} repositories {}", rule.effect == Effect::allow ? "Allows" : "Forbids", join(urls)
        ));
    }
    facts.summary.push_back("Refuses everything else");
    return facts;
}

std::string_view default_text() {
    return R"(# What the controller may ask of this server. Only root can write this file; the agent refuses to start otherwise.
# In each list the first rule that fits decides, and what no rule names is refused.
version: 1

operations:
  - allow:
      - agent.ping
      - environment.preflight
      - environment.deploy
      - environment.rollback
      - environment.start
      - environment.stop
      - environment.restart
      - environment.delete
    # environments: ["shop-*"]    only these; without the line, all

# Where code may come from. A host may be "*" or begin with "*."; a path stands for itself and what is below it.
repositories:
  - allow:
      - https://*
      - ssh://*
    # - file:///srv/git           repositories on this server's own disk
)";
}

} // namespace fairlead::policy
