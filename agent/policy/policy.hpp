/// What the controller may ask of this server: a file that only root can write decides, and what it
/// does not name is refused.
#pragma once

#include "agent/policy/shape.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"
#include "proto/source_url.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::policy {

inline constexpr std::string_view default_file = "/etc/fairlead/policy.yaml";

/// The policy that the agent is installed with, as text with comments.
std::string_view default_text();

enum class Effect { allow, deny };

/// Decides about operation kinds on environments. Patterns are globs in which '*' stands for any
/// characters.
struct OperationRule {
    Effect effect = Effect::deny;
    std::vector<std::string> kinds;
    std::vector<std::string> environments; ///< empty: all, and operations on none
    int line = 0;
};

/// Decides about repositories: "https://host/path", "https://*.host", "file:///srv/git". A host may
/// begin with "*.", or be "*"; a path stands for itself and what is below it.
struct RepositoryRule {
    Effect effect = Effect::deny;
    std::vector<RepositoryUrl> patterns;
    int line = 0;
};

/// Decides about buckets: "https://s3.example.org/bucket/prefix", by the same patterns.
using StorageRule = RepositoryRule;

/// Decides about the sources of imports, by the same patterns: "https://files.example.org" and
/// "file:///srv/imports" for what is on this server's disk.
using ImportRule = RepositoryRule;
/// Decides about who may open what was encrypted here: public keys of age by globs, "age1…" or
/// "age1*".
struct RecipientRule {
    Effect effect = Effect::deny;
    std::vector<std::string> patterns;
    int line = 0;
};

/// Decides about which environments requests may come to over the link: globs of their slugs.
using TunnelRule = RecipientRule;

/// Decides about which Unix users terminals are opened as: their names, by globs. An allowing glob
/// does not reach those that are root: they have to be named.
using TerminalRule = RecipientRule;

/// Decides about for which Unix users SSH keys may be kept, by the same patterns.
using SshKeyRule = TerminalRule;

/// Decides about of which Unix users' terminals recordings are shown over the link, by the same
/// patterns.
using RecordingRule = TerminalRule;

/// Decides about how environments may be reached: "port", "tunnel", "direct", "cloudflared", each
/// for all or for some environments.
using ExposureRule = OperationRule;

/// Decides about which logs are read over the link: "odoo", "postgresql", "agent". With
/// environments a rule is about the Odoo of these alone.
using LogsRule = OperationRule;

/// Decides about the captured mail of which environments is read over the link: globs of their
/// slugs.
using MailRule = TunnelRule;

/// From one minute of the day to before another, by this server's clock and time zone. Where the
/// end is not after the beginning, it is on the next day.
struct Hours {
    int from = 0, to = 0;
    std::string text; ///< as it is written

    bool cover(int minute_of_day) const {
        return from < to ? minute_of_day >= from && minute_of_day < to
                         : minute_of_day >= from || minute_of_day < to;
    }
};

/// Decides about as which users of Odoo people may log in from afar: their logins, by globs. An
/// allowing one with hours fits in these alone, and so does a forbidding one.
struct OdooLoginRule {
    Effect effect = Effect::deny;
    std::vector<std::string> logins;
    std::vector<std::string> environments; ///< globs of slugs; empty: all
    std::optional<Hours> hours{};
    int line = 0;
};

/// Minutes since midnight, in the time zone of this server.
int minute_of_day(Timestamp at);

/// Immutable once read.
class Policy {
public:
    /// Reads the file; Errc::forbidden with the cure when anybody but root could have written it,
    /// Errc::invalid with the line when it makes no sense. `owner` is for tests.
    static Result<Policy> load(const std::filesystem::path& file, uid_t owner = 0);

    /// `name` is the file's name for messages.
    static Result<Policy> parse(std::string_view text, std::string name);

    /// Nothing, or why this operation is not run: code "policy_refused", the rule's file and line
    /// in the message.
    Result<> permit(const proto::Operation& operation) const;

    /// An address that an import is fetched from, also one that another redirects to.
    Result<> permit_import(const proto::SourceUrl& url) const;
    /// Requests that come to the environment of this name over the link; errors as for permit().
    Result<> permit_tunnel(std::string_view slug) const;
    /// That the environment of this name is reached in this way; errors as for permit().
    Result<> permit_exposure(std::string_view slug, proto::Exposure exposure) const;

    /// A terminal as this Unix user; `is_root`: its user id is 0. Errors as for permit().
    Result<> permit_terminal(std::string_view user, bool is_root) const;
    /// What the rules about terminals allow, as they are written.
    std::vector<std::string> terminal_patterns() const;

    /// SSH keys for this Unix user: the operation itself, and the rule about users. `is_root` as
    /// above; errors as for permit().
    Result<> permit_ssh_keys(std::string_view user, bool is_root) const;
    /// What the rules about SSH keys allow, as they are written.
    std::vector<std::string> ssh_key_patterns() const;
    /// A terminal in which nobody types for so long is closed.
    std::chrono::minutes terminal_idle() const { return terminal_idle_; }
    /// Whether every terminal is recorded, and not only those for which somebody asks for it.
    bool records_terminals() const { return records_terminals_; }

    /// That recordings of this Unix user's terminals are shown over the link; `is_root` as above,
    /// errors as for permit().
    Result<> permit_recording(std::string_view user, bool is_root) const;
    /// Whether there is anybody whose recordings are; the error says what to write.
    Result<> permits_any_recording() const;

    /// That a log of this server is read over the link: "odoo" of the environment of this name,
    /// "postgresql" or "agent" of the server. Errors as for permit().
    Result<> permit_log(std::string_view source, std::string_view slug) const;

    /// That captured mail of the environment of this name is read over the link. Errors as for
    /// permit().
    Result<> permit_mail(std::string_view slug) const;

    /// A link that signs in to the Odoo of the environment of this name as this user, at this
    /// minute of the day. Errors as for permit(), with what to write where nothing allows it.
    Result<> permit_odoo_login(std::string_view slug, std::string_view login, int minute) const;
    /// That whom this is allowed for is asked: some rule allows somebody now. Errors as above.
    Result<> permit_odoo_users(std::string_view slug, int minute) const;

    /// Public keys ("ed25519:…") that alone may open streams; nothing: all of the organization's.
    const std::optional<std::vector<std::string>>& tunnel_keys() const { return tunnel_keys_; }

    /// When the agent may be updated; nothing: at any time.
    const std::optional<Hours>& update_hours() const { return update_hours_; }
    /// Down to which version the agent may go back; empty: to none that is older than what runs.
    const std::string& update_oldest() const { return update_oldest_; }

    /// Networks that are not on the internet, and from which imports may come nevertheless.
    const std::vector<IpNetwork>& networks() const { return networks_; }

    proto::PolicyFacts facts() const;

private:
    Result<> permit_kind(std::string_view kind, std::string_view slug) const;
    Result<> permit_address(
        std::string_view what, std::string_view section, const RepositoryUrl& url,
        const std::vector<RepositoryRule>& rules
    ) const;
    Result<> permit_repository(const proto::Source& source) const;
    Result<> permit_storage(const proto::Storage& storage) const;
    Result<> permit_recipient(std::string_view recipient) const;
    /// Where backups go, and who can open them.
    Result<> permit_settings(const proto::BackupSettings& settings) const;
    Result<> permit_backup(const proto::Operation& operation) const;
    Result<> permit_import(const proto::Operation& operation) const;
    Result<> permit_mail(const proto::Operation& operation) const;
    Result<> permit_import_path(const std::string& path) const;
    /// `what` is between the user's name and a verb: "a terminal as".
    Result<> permit_user(
        const std::vector<TerminalRule>& rules, std::string_view section, std::string_view what,
        std::string_view user, bool is_root
    ) const;
    /// One that is made before something else: who forbids backups forbids it here too.
    Result<> permit_first(const std::optional<proto::BackupArgs>& backup) const;
    Result<> permit_sources(const proto::EnvironmentSpec& environment) const;

    std::string name_;
    std::string text_; // as it was read
    std::vector<OperationRule> operations_;
    std::vector<RepositoryRule> repositories_;
    std::vector<StorageRule> storages_;
    std::vector<ImportRule> imports_;
    std::vector<IpNetwork> networks_;
    std::vector<RecipientRule> recipients_;
    std::vector<TunnelRule> tunnel_;
    std::vector<ExposureRule> exposure_;
    std::vector<TerminalRule> terminal_;
    std::vector<SshKeyRule> ssh_keys_;
    std::vector<RecordingRule> recordings_;
    bool records_terminals_ = false;
    std::vector<LogsRule> logs_;
    std::vector<MailRule> mail_;
    std::vector<OdooLoginRule> odoo_login_;
    std::chrono::minutes terminal_idle_{30};
    std::optional<std::vector<std::string>> tunnel_keys_;
    std::optional<Hours> update_hours_;
    std::string update_oldest_;
};

/// Every environment that an operation works on or reads, the one of `slug_of` first. Only after
/// `permit`.
std::vector<std::string> slugs_of(const proto::Operation& operation);

/// The slug that an operation's arguments name, "" for none. Only after `permit`.
std::string slug_of(const proto::Operation& operation);

/// True when `text` is what `pattern` describes; '*' stands for any characters.
bool matches(std::string_view pattern, std::string_view text);

} // namespace fairlead::policy
