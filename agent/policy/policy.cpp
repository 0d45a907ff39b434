#include "agent/policy/policy.hpp"

#include "agent/policy/text.hpp"
#include "proto/codec.hpp"

#include <boost/describe/enum_to_string.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace fairlead::policy {
namespace {

constexpr std::string_view backup_kinds[] = {
    proto::kind::storage_test,  proto::kind::backup_configure, proto::kind::backup,
    proto::kind::backup_delete, proto::kind::restore,          proto::kind::drill,
    proto::kind::clone,         proto::kind::recipient,        proto::kind::grant};

constexpr std::string_view import_kinds[] = {
    proto::kind::import_analyse, proto::kind::import_run, proto::kind::import_discard};

constexpr std::string_view mail_kinds[] = {proto::kind::mail_configure, proto::kind::mail_delete};

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

Result<> Policy::permit_address(
    std::string_view what, std::string_view section, const RepositoryUrl& url,
    const std::vector<RepositoryRule>& rules
) const {
    for (const auto& rule : rules) {
        if (std::ranges::none_of(rule.patterns, [&](const auto& pattern) {
                return covers(pattern, url);
            }))
            continue;
        if (rule.effect == Effect::allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids the {} {}: {} line {}.", what, url.text(), name_,
            rule.line
        ));
    }
    return refused(fmt::format(
        "The policy of this server does not name the {} {}, so it is refused: add a rule under "
        "\"{}\" in {}.",
        what, url.text(), section, name_
    ));
}

Result<> Policy::permit_repository(const proto::Source& source) const {
    FAIRLEAD_TRY(url, parse_repository(source.url));
    return permit_address("repository", "repositories", url, repositories_);
}

Result<> Policy::permit_storage(const proto::Storage& storage) const {
    auto text = storage.endpoint + "/" + storage.bucket;
    if (!storage.prefix.empty()) text += "/" + storage.prefix;
    FAIRLEAD_TRY(url, parse_repository(text));
    return permit_address("storage", "storages", url, storages_);
}

Result<> Policy::permit_import(const proto::SourceUrl& url) const {
    RepositoryUrl address;
    address.scheme = "https";
    address.host = url.host;
    address.port = url.port;
    address.path = url.path;
    return permit_address("import from", "imports", address, imports_);
}

Result<> Policy::permit_import_path(const std::string& path) const {
    if (path.empty()) return {};
    FAIRLEAD_TRY(address, parse_repository("file://" + path));
    return permit_address("import from", "imports", address, imports_);
}

Result<> Policy::permit_recipient(std::string_view recipient) const {
    for (const auto& rule : recipients_) {
        if (std::ranges::none_of(rule.patterns, [&](const auto& pattern) {
                return matches(pattern, recipient);
            }))
            continue;
        if (rule.effect == Effect::allow) return {};
        return refused(fmt::format(
            "The policy of this server forbids that {} can open its backups: {} line {}.",
            recipient, name_, rule.line
        ));
    }
    return refused(fmt::format(
        "The policy of this server does not name the recipient {}, so nothing is encrypted for it: "
        "if it is really one of yours, add a rule under \"recipients\" in {}.",
        recipient, name_
    ));
}

Result<> Policy::permit_settings(const proto::BackupSettings& settings) const {
    FAIRLEAD_CHECK(permit_storage(settings.storage));
    for (const auto& recipient : settings.recipients) FAIRLEAD_CHECK(permit_recipient(recipient));
    return {};
}

Result<> Policy::permit_sources(const proto::EnvironmentSpec& environment) const {
    FAIRLEAD_CHECK(permit_repository(environment.odoo));
    for (const auto& source : environment.addons) FAIRLEAD_CHECK(permit_repository(source));
    return permit_exposure(environment.slug, environment.exposure);
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

Result<> Policy::permit_first(const std::optional<proto::BackupArgs>& backup) const {
    if (!backup) return {};
    FAIRLEAD_CHECK(permit_kind(proto::kind::backup, backup->slug));
    return permit_settings(backup->settings);
}

Result<> Policy::permit_backup(const proto::Operation& operation) const {
    const auto& kind = operation.kind;
    if (kind == proto::kind::storage_test) {
        FAIRLEAD_TRY(args, shaped<proto::StorageTestArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, ""));
        return permit_storage(args.storage);
    }
    if (kind == proto::kind::backup_configure) {
        FAIRLEAD_TRY(args, shaped<proto::BackupConfigureArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        return args.settings ? permit_settings(*args.settings) : Result<>();
    }
    if (kind == proto::kind::backup) {
        FAIRLEAD_TRY(args, shaped<proto::BackupArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        return permit_settings(args.settings);
    }
    if (kind == proto::kind::recipient) {
        FAIRLEAD_TRY(args, shaped<proto::BackupRecipientArgs>(operation));
        return permit_kind(kind, args.slug);
    }
    if (kind == proto::kind::grant) {
        FAIRLEAD_TRY(args, shaped<proto::BackupGrantArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        FAIRLEAD_CHECK(permit_storage(args.backup.storage));
        return permit_recipient(args.recipient);
    }
    if (kind == proto::kind::backup_delete) {
        FAIRLEAD_TRY(args, shaped<proto::BackupDeleteArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        FAIRLEAD_CHECK(permit_kind(kind, args.backup.slug));
        return permit_storage(args.backup.storage);
    }
    if (kind == proto::kind::restore) {
        FAIRLEAD_TRY(args, shaped<proto::RestoreArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        FAIRLEAD_CHECK(permit_kind(kind, args.backup.slug)); // whose data are read
        FAIRLEAD_CHECK(permit_storage(args.backup.storage));
        return permit_first(args.safety);
    }
    if (kind == proto::kind::drill) {
        FAIRLEAD_TRY(args, shaped<proto::DrillArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        return permit_storage(args.backup.storage);
    }
    FAIRLEAD_TRY(args, shaped<proto::CloneArgs>(operation));
    FAIRLEAD_CHECK(permit_kind(kind, args.slug));
    FAIRLEAD_CHECK(permit_kind(kind, args.source_slug));
    return permit_first(args.safety);
}

Result<> Policy::permit_import(const proto::Operation& operation) const {
    const auto& kind = operation.kind;
    if (kind == proto::kind::import_analyse) {
        FAIRLEAD_TRY(args, shaped<proto::ImportAnalyseArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        FAIRLEAD_CHECK(permit_import_path(args.source.path));
        FAIRLEAD_CHECK(permit_import_path(args.source.filestore));
        if (args.source.url.empty()) return {};
        auto url = proto::parse_source_url(args.source.url);
        if (!url) return refused("The address of the import " + url.error().message() + ".");
        return permit_import(*url);
    }
    if (kind == proto::kind::import_run) {
        FAIRLEAD_TRY(args, shaped<proto::ImportRunArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        return permit_first(args.safety);
    }
    FAIRLEAD_TRY(args, shaped<proto::ImportDiscardArgs>(operation));
    return permit_kind(kind, args.slug);
}

Result<> Policy::permit_mail(const proto::Operation& operation) const {
    if (operation.kind == proto::kind::mail_configure) {
        FAIRLEAD_TRY(args, shaped<proto::MailConfigureArgs>(operation));
        return permit_kind(operation.kind, args.slug);
    }
    FAIRLEAD_TRY(args, shaped<proto::MailDeleteArgs>(operation));
    return permit_kind(operation.kind, args.slug);
}

Result<> Policy::permit(const proto::Operation& operation) const {
    if (operation.secrets.size() > 500)
        return refused("The operation brings more than 500 secrets.");
    for (const auto& [name, value] : operation.secrets) {
        if (!name.starts_with("credential:") && !name.starts_with("variable:") &&
            !name.starts_with("storage:") && !name.starts_with("storage_token:") &&
            !name.starts_with("identity:") && !name.starts_with("import:") &&
            !name.starts_with("connector:"))
            return refused("The operation brings a secret of an unknown kind.");
        if (value.size() > 64 << 10)
            return refused(fmt::format("The secret {} is larger than 64 KiB.", name.substr(0, 100))
            );
    }
    const auto& kind = operation.kind;
    if (kind == proto::kind::deploy) {
        FAIRLEAD_TRY(args, shaped<proto::DeployArgs>(operation));
        FAIRLEAD_CHECK(permit_kind(kind, args.environment.slug));
        FAIRLEAD_CHECK(permit_first(args.backup_before));
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
        FAIRLEAD_CHECK(permit_kind(kind, args.slug));
        return permit_first(args.last_backup);
    }
    if (kind == proto::kind::ping) {
        FAIRLEAD_CHECK(shaped<proto::PingArgs>(operation));
        return permit_kind(kind, "");
    }
    if (kind == proto::kind::agent_update) {
        FAIRLEAD_CHECK(shaped<proto::AgentUpdateArgs>(operation));
        return permit_kind(kind, "");
    }
    if (kind == proto::kind::ssh_keys) {
        FAIRLEAD_TRY(args, shaped<proto::SshKeysArgs>(operation));
        // Who else is root, the plan finds out: that takes the list of users.
        return permit_ssh_keys(args.user, args.user == "root");
    }
    if (kind == proto::kind::odoo_users) {
        FAIRLEAD_TRY(args, shaped<proto::OdooUsersArgs>(operation));
        return permit_kind(kind, args.slug);
    }
    if (kind == proto::kind::odoo_login) {
        FAIRLEAD_TRY(args, shaped<proto::OdooLoginArgs>(operation));
        // As whom, and at which hour, the plan asks when it is its turn.
        return permit_kind(kind, args.slug);
    }
    if (std::ranges::find(backup_kinds, kind) != std::end(backup_kinds))
        return permit_backup(operation);
    if (std::ranges::find(import_kinds, kind) != std::end(import_kinds))
        return permit_import(operation);
    if (std::ranges::find(mail_kinds, kind) != std::end(mail_kinds)) return permit_mail(operation);
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
    // Nor do those change an environment that make links to log in: they wait for none of its
    // others.
    if (kind == proto::kind::ping || kind == proto::kind::ssh_keys ||
        kind == proto::kind::agent_update || proto::is_odoo_login(kind))
        return "";
    auto args = proto::read<proto::EnvironmentArgs>(operation.args);
    return args ? args->slug : "";
}

std::vector<std::string> slugs_of(const proto::Operation& operation) {
    std::vector<std::string> slugs;
    auto add = [&](std::string slug) {
        if (!slug.empty() && std::ranges::find(slugs, slug) == slugs.end())
            slugs.push_back(std::move(slug));
    };
    add(slug_of(operation));
    if (operation.kind == proto::kind::clone) {
        if (auto args = proto::read<proto::CloneArgs>(operation.args)) add(args->source_slug);
    } else if (operation.kind == proto::kind::restore) {
        if (auto args = proto::read<proto::RestoreArgs>(operation.args)) add(args->backup.slug);
    }
    return slugs;
}

} // namespace fairlead::policy
