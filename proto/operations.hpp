/// What an operation asks of an agent: its kinds, their arguments and what comes back. Plain
/// described structs; members that a peer does not send keep the defaults written here.
#pragma once

#include <boost/describe.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::proto {

/// The kinds, as they stand in policies, in the API and on the wire.
namespace kind {
inline constexpr std::string_view ping = "agent.ping";
inline constexpr std::string_view preflight = "environment.preflight";
inline constexpr std::string_view deploy = "environment.deploy";
inline constexpr std::string_view rollback = "environment.rollback";
inline constexpr std::string_view start = "environment.start";
inline constexpr std::string_view stop = "environment.stop";
inline constexpr std::string_view restart = "environment.restart";
inline constexpr std::string_view remove = "environment.delete";
inline constexpr std::string_view clone = "environment.clone";
inline constexpr std::string_view storage_test = "storage.test";
inline constexpr std::string_view backup = "backup.create";
inline constexpr std::string_view backup_delete = "backup.delete";
inline constexpr std::string_view backup_configure = "backup.configure";
inline constexpr std::string_view restore = "backup.restore";
inline constexpr std::string_view drill = "backup.drill";
inline constexpr std::string_view import_analyse = "import.analyse";
inline constexpr std::string_view import_run = "import.run";
inline constexpr std::string_view import_discard = "import.discard";
inline constexpr std::string_view recipient = "backup.recipient";
inline constexpr std::string_view grant = "backup.grant";
inline constexpr std::string_view ssh_keys = "ssh_keys.set";
inline constexpr std::string_view mail_configure = "mail.configure";
inline constexpr std::string_view mail_delete = "mail.delete";
inline constexpr std::string_view odoo_users = "odoo.users";
inline constexpr std::string_view odoo_login = "odoo.login";
inline constexpr std::string_view agent_update = "agent.update";
} // namespace kind

/// Of those that make links to log in to Odoo: they change no environment, and what they bring back
/// is sealed.
constexpr bool is_odoo_login(std::string_view wanted) {
    return wanted == kind::odoo_users || wanted == kind::odoo_login;
}

BOOST_DEFINE_ENUM_CLASS(EnvironmentType, development, staging, production)

/// How requests reach an environment: at a port of the server's loopback address alone, by its
/// domains through the controller's edge and the link, by its domains at the server itself, or
/// through Cloudflare by its own connector on the server.
BOOST_DEFINE_ENUM_CLASS(Exposure, port, tunnel, direct, cloudflared)
BOOST_DEFINE_ENUM_CLASS(UpdateMode, automatic, none, all, modules)
BOOST_DEFINE_ENUM_CLASS(DatabaseChoice, keep, snapshot)
BOOST_DEFINE_ENUM_CLASS(CheckResult, passed, warning, failed)

/// A git repository to build from. `credential` names an entry of Operation::secrets
/// ("credential:gcr_…"), whose value is a password or token (with `username`) or an OpenSSH private
/// key.
struct Source {
    std::string name; ///< "odoo", or the addon repository's short name: a folder name
    std::string url;
    std::string branch;
    std::string credential;      ///< empty: none
    std::string credential_kind; ///< "token" or "ssh_key"
    std::string username;
};
BOOST_DESCRIBE_STRUCT(Source, (), (name, url, branch, credential, credential_kind, username))

/// Limits of the environment's systemd unit; 0 means none.
struct Resources {
    std::uint64_t memory_max_bytes = 0;
    std::uint32_t cpu_percent = 0; ///< of one core; 200 is two cores
    std::uint32_t tasks_max = 0;
    std::uint32_t workers = 0; ///< Odoo's worker processes; 0 is its threaded server
};
BOOST_DESCRIBE_STRUCT(Resources, (), (memory_max_bytes, cpu_percent, tasks_max, workers))

/// A variable of the Odoo process's environment. A secret one has no value here but an entry of
/// Operation::secrets named "variable:NAME".
struct Variable {
    std::string name;
    std::string value;
    bool secret = false;
};
BOOST_DESCRIBE_STRUCT(Variable, (), (name, value, secret))

/// How much of the mail that was captured stays: the oldest messages go first.
struct MailRetention {
    std::uint32_t days = 14;
    std::uint32_t messages = 10'000;
    std::uint64_t bytes = 2ull << 30;
};
BOOST_DESCRIBE_STRUCT(MailRetention, (), (days, messages, bytes))
inline constexpr std::uint32_t most_mail_days = 365, most_mail_messages = 50'000;
inline constexpr std::uint64_t least_mail_box = 64ull << 20, most_mail_box = 64ull << 30;

/// Everything the server must know of an environment to build and run it.
struct EnvironmentSpec {
    std::string id;
    std::string slug; ///< [a-z][a-z0-9-]{0,30}: names the Unix user, the role, the database, the
                      ///< unit, the folder
    std::string name;
    EnvironmentType type = EnvironmentType::development;
    std::string odoo_version; ///< "19.0"
    Source odoo;
    std::vector<Source> addons; ///< later ones win
    std::uint16_t port = 0;
    std::uint16_t gevent_port = 0;
    std::vector<std::string> domains;
    /// tunnel and direct are by `domains`. What cloudflared answers to is set at Cloudflare; its
    /// token is the entry of Operation::secrets named "connector:<id>".
    Exposure exposure = Exposure::port;
    Resources resources;
    std::vector<Variable> variables;
    std::vector<std::string> modules; ///< installed at the first deployment
    std::vector<std::string>
        requirements; ///< pip requirement lines beside the repositories' requirements.txt
    bool system_site_packages = true;
    bool listed_sources = false; ///< the organization lists the domains that code may come from:
                                 ///< requirements name packages, and no addresses
    std::uint32_t keep_releases = 5;
    std::string project_id;   ///< nothing is made of them on the server: they let a controller that
    std::string project_name; ///< was set back to an older copy put the environment in its place
    /// What Odoo sends stays on the server and can be looked at; absent: it is sent. Not for
    /// production.
    std::optional<MailRetention> mail{};
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentSpec, (),
    (id, slug, name, type, odoo_version, odoo, addons, port, gevent_port, domains, exposure,
     resources, variables, modules, requirements, system_site_packages, listed_sources,
     keep_releases, project_id, project_name, mail)
)

struct ReleaseRef {
    std::string id;
    std::uint32_t number = 0;
};
BOOST_DESCRIBE_STRUCT(ReleaseRef, (), (id, number))

struct PreflightArgs {
    EnvironmentSpec environment;
};
BOOST_DESCRIBE_STRUCT(PreflightArgs, (), (environment))

struct RollbackArgs {
    std::string environment_id;
    std::string slug;
    ReleaseRef release; ///< a kept one
    DatabaseChoice database = DatabaseChoice::keep;
};
BOOST_DESCRIBE_STRUCT(RollbackArgs, (), (environment_id, slug, release, database))

struct PingArgs {
    std::string note;
};
BOOST_DESCRIBE_STRUCT(PingArgs, (), (note))

// ---- backups: agent/backup/README.md tells what is in the bucket

BOOST_DEFINE_ENUM_CLASS(Addressing, path, virtual_host)
BOOST_DEFINE_ENUM_CLASS(ObjectLock, none, governance, compliance)
BOOST_DEFINE_ENUM_CLASS(BackupKind, manual, scheduled, pre_deploy, pre_restore, pre_delete)
BOOST_DEFINE_ENUM_CLASS(RestoreParts, both, database, filestore)
/// What of it is masked in a copy; agent/odoo/masking.hpp says how.
BOOST_DEFINE_ENUM_CLASS(PersonalData, contacts, messages, documents)

/// A bucket with an S3 API. Its secret key is the entry "storage:<id>" of Operation::secrets, a
/// session token the entry "storage_token:<id>".
struct Storage {
    std::string id; ///< "sto_…"
    std::string name;
    std::string endpoint; ///< "https://s3.eu-central-1.amazonaws.com", without a path
    std::string region;   ///< "auto" for Cloudflare R2
    std::string bucket;
    std::string prefix; ///< "" or "odoo/backups": no slash at either end
    Addressing addressing = Addressing::path;
    std::string access_key;
    std::string ca; ///< PEM of a private certificate authority; empty: those of the system
    ObjectLock object_lock = ObjectLock::none;
    std::uint32_t object_lock_days = 0;
};
BOOST_DESCRIBE_STRUCT(
    Storage, (),
    (id, name, endpoint, region, bucket, prefix, addressing, access_key, ca, object_lock,
     object_lock_days)
)

/// How many backups stay: of each span the newest one. The newest good one always stays. All 0:
/// every backup stays.
struct Retention {
    std::uint32_t last = 0;
    std::uint32_t hourly = 0;
    std::uint32_t daily = 0;
    std::uint32_t weekly = 0; ///< weeks begin on Monday
    std::uint32_t monthly = 0;
    std::uint32_t yearly = 0;
};
BOOST_DESCRIBE_STRUCT(Retention, (), (last, hourly, daily, weekly, monthly, yearly))

/// What the server keeps of an environment's backups, to go on without a controller.
struct BackupSettings {
    Storage storage;
    std::string schedule;       ///< cron: five fields; empty: none
    std::string drill_schedule; ///< the same
    std::string time_zone = "UTC";
    Retention retention;                 ///< its days begin in `time_zone`
    std::vector<std::string> recipients; ///< "age1…": who can open backups beside the environment
};
BOOST_DESCRIBE_STRUCT(
    BackupSettings, (), (storage, schedule, drill_schedule, time_zone, retention, recipients)
)

struct StorageTestArgs {
    Storage storage;
};
BOOST_DESCRIBE_STRUCT(StorageTestArgs, (), (storage))

struct BackupConfigureArgs {
    std::string environment_id;
    std::string slug;
    std::optional<BackupSettings> settings{}; ///< absent: no schedule, and the server keeps no key
};
BOOST_DESCRIBE_STRUCT(BackupConfigureArgs, (), (environment_id, slug, settings))

struct BackupArgs {
    std::string environment_id;
    std::string slug;
    std::string backup_id; ///< "bak_…": the one to make
    BackupKind kind = BackupKind::manual;
    BackupSettings settings;
};
BOOST_DESCRIBE_STRUCT(BackupArgs, (), (environment_id, slug, backup_id, kind, settings))

// ---- what may begin with a backup

struct DeployArgs {
    EnvironmentSpec environment;
    ReleaseRef release; ///< the one to make
    UpdateMode update = UpdateMode::automatic;
    std::vector<std::string> modules; ///< with UpdateMode::modules
    std::optional<BackupArgs>
        backup_before{}; ///< made first; nothing is deployed unless it succeeded
};
BOOST_DESCRIBE_STRUCT(DeployArgs, (), (environment, release, update, modules, backup_before))

/// start, stop, restart, delete.
struct EnvironmentArgs {
    std::string environment_id;
    std::string slug;
    bool drop_data =
        false; ///< delete: the database and the filestore too; otherwise they stay on the server
    std::optional<BackupArgs>
        last_backup{}; ///< delete: made first; nothing goes unless it succeeded
};
BOOST_DESCRIBE_STRUCT(EnvironmentArgs, (), (environment_id, slug, drop_data, last_backup))

// ---- backups that there are

/// A backup in a bucket.
struct BackupRef {
    std::string id;             ///< "bak_…"
    std::string environment_id; ///< whose it is
    std::string slug;           ///< of that environment, where it is on this server too
    Storage storage;
};
BOOST_DESCRIBE_STRUCT(BackupRef, (), (id, environment_id, slug, storage))

struct BackupDeleteArgs {
    std::string environment_id;
    std::string slug;
    BackupRef backup;
};
BOOST_DESCRIBE_STRUCT(BackupDeleteArgs, (), (environment_id, slug, backup))

/// Asks for the public half of the environment's identity, which is made where there is none.
struct BackupRecipientArgs {
    std::string environment_id;
    std::string slug;
};
BOOST_DESCRIBE_STRUCT(BackupRecipientArgs, (), (environment_id, slug))

/// Lets one recipient more open this one backup of `slug`. The server that has the identity of
/// `slug` hands on the keys of the backup's objects, encrypted for the recipient, by the bucket.
struct BackupGrantArgs {
    std::string environment_id;
    std::string slug;
    BackupRef backup;
    std::string recipient; ///< "age1…"
};
BOOST_DESCRIBE_STRUCT(BackupGrantArgs, (), (environment_id, slug, backup, recipient))

/// Puts a backup's data in place of those of `slug`.
struct RestoreArgs {
    std::string environment_id;
    std::string slug;
    BackupRef backup;
    RestoreParts parts = RestoreParts::both;
    bool neutralise = false;
    std::vector<PersonalData> mask{};
    std::optional<BackupArgs> safety{}; ///< made of the target first
};
BOOST_DESCRIBE_STRUCT(
    RestoreArgs, (), (environment_id, slug, backup, parts, neutralise, mask, safety)
)

struct DrillArgs {
    std::string environment_id;
    std::string slug;
    BackupRef backup; ///< without an id: the newest good one
};
BOOST_DESCRIBE_STRUCT(DrillArgs, (), (environment_id, slug, backup))

/// Puts a copy of another environment of this server in place of the data of `slug`.
struct CloneArgs {
    std::string environment_id;
    std::string slug;
    std::string source_environment_id;
    std::string source_slug;
    bool neutralise = true;
    std::vector<PersonalData> mask{};
    std::optional<BackupArgs> safety{};
};
BOOST_DESCRIBE_STRUCT(
    CloneArgs, (),
    (environment_id, slug, source_environment_id, source_slug, neutralise, mask, safety)
)

// ---- imports: a database and a filestore from elsewhere; agent/imports/README.md tells of them

/// Either `path` or `url`: Odoo's own zip, or a dump (custom format, plain SQL, the same by gzip).
struct ImportSource {
    std::string path;      ///< "/srv/imports/shop.zip", on the server's disk
    std::string url;       ///< https, without its query: that is Operation::secrets["import:<id>"]
    std::string filestore; ///< with a dump: the folder on the server's disk; empty: none
    std::string sha256;    ///< of the file at `url`, in hexadecimal; empty: not known
};
BOOST_DESCRIBE_STRUCT(ImportSource, (), (path, url, filestore, sha256))

/// Fetches or opens the source and tells what it is; nothing of the environment is touched.
struct ImportAnalyseArgs {
    std::string environment_id;
    std::string slug;
    std::string import_id; ///< "imp_…"
    ImportSource source;
    std::vector<std::string> domains; ///< that the organization lets data come from; empty: any
};
BOOST_DESCRIBE_STRUCT(ImportAnalyseArgs, (), (environment_id, slug, import_id, source, domains))

/// Puts what was analysed in place of the data of `slug`.
struct ImportRunArgs {
    std::string environment_id;
    std::string slug;
    std::string import_id;
    bool neutralise = true;
    std::vector<PersonalData> mask{};
    bool update = true; ///< all its modules, with the code that the environment has
    std::optional<BackupArgs> safety{};
};
BOOST_DESCRIBE_STRUCT(
    ImportRunArgs, (), (environment_id, slug, import_id, neutralise, mask, update, safety)
)

/// Removes what the server fetched and noted of an import.
struct ImportDiscardArgs {
    std::string environment_id;
    std::string slug;
    std::string import_id;
};
BOOST_DESCRIBE_STRUCT(ImportDiscardArgs, (), (environment_id, slug, import_id))

// ---- SSH keys: the public halves that let somebody in as a Unix user

struct SshKey {
    std::string id;         ///< "sshk_…"
    std::string public_key; ///< "ssh-ed25519 AAAA…": type and key, and nothing else
};
BOOST_DESCRIBE_STRUCT(SshKey, (), (id, public_key))

/// Puts this list in the place of the one that the agent keeps for a Unix user, in one step. Lists
/// that come late change nothing: the operation with the highest fence counts. Whoever is logged in
/// by a key that goes is logged out.
struct SshKeysArgs {
    std::string user;
    std::vector<SshKey> keys; ///< at most most_ssh_keys; none: all go
    /// A fingerprint, "SHA256:…": nothing changes unless somebody has logged in as this user by
    /// that key already. Empty: nothing is asked.
    std::string proven;
};
BOOST_DESCRIBE_STRUCT(SshKeysArgs, (), (user, keys, proven))

// ---- captured mail: what development and staging environments would have sent

/// How much stays from now on, without a deployment.
struct MailConfigureArgs {
    std::string environment_id;
    std::string slug;
    MailRetention retention;
};
BOOST_DESCRIBE_STRUCT(MailConfigureArgs, (), (environment_id, slug, retention))

/// Deletes these messages, or all that there are.
struct MailDeleteArgs {
    std::string environment_id;
    std::string slug;
    std::vector<std::string> messages; ///< at most most_mail_deletions; none with `all`
    bool all = false;
};
BOOST_DESCRIBE_STRUCT(MailDeleteArgs, (), (environment_id, slug, messages, all))

// ---- logging in to Odoo. What comes back is sealed for whoever asked: OperationResult::sealed

/// Bounds of a log-in: the name of a user of Odoo, and why.
inline constexpr std::size_t longest_odoo_login = 200, longest_odoo_reason = 500;
inline constexpr std::size_t most_odoo_users = 500;
/// How long a link counts.
inline constexpr std::int64_t odoo_link_lasts_ms = 60'000;

/// Asks whom the policy lets people log in as: comes back as OdooUsers.
struct OdooUsersArgs {
    std::string environment_id;
    std::string slug;
    std::string public_key; ///< see OperationResult::sealed
};
BOOST_DESCRIBE_STRUCT(OdooUsersArgs, (), (environment_id, slug, public_key))

/// Asks for a link that signs in once: comes back as OdooLink.
struct OdooLoginArgs {
    std::string environment_id;
    std::string slug;
    std::string login;  ///< of an internal user of Odoo
    std::string reason; ///< for the server's log; never empty
    std::string public_key;
};
BOOST_DESCRIBE_STRUCT(OdooLoginArgs, (), (environment_id, slug, login, reason, public_key))

struct OdooUser {
    std::string login;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(OdooUser, (), (login, name))

struct OdooUsers {
    std::vector<OdooUser> users; ///< active internal ones that the policy allows now
    bool more = false;           ///< there are others, whose login has to be known
};
BOOST_DESCRIBE_STRUCT(OdooUsers, (), (users, more))

struct OdooLink {
    std::string url; ///< "https://shop.example.com/fairlead/login#…"
    std::int64_t expires_ms = 0;
};
BOOST_DESCRIBE_STRUCT(OdooLink, (), (url, expires_ms))

// ---- the agent's own package

/// Puts another version of the agent in the place of the one that runs. What counts is the release
/// key's signature over `sums`: the controller can hand out what was released, and nothing else.
struct AgentUpdateArgs {
    std::string version; ///< "0.2.0"
    std::string
        package;      ///< "fairlead-agent_0.2.0_amd64.deb"; the agent asks for it by PackageWanted
    std::string sums; ///< SHA256SUMS of the release, which names the package
    std::string signature; ///< Ed25519 over `sums`, base64
};
BOOST_DESCRIBE_STRUCT(AgentUpdateArgs, (), (version, package, sums, signature))

/// The tree of one repository in a release.
struct Commit {
    std::string repository; ///< Source::name
    std::string url;
    std::string branch;
    std::string commit;  ///< 40 hex digits
    std::string subject; ///< first line of the message
};
BOOST_DESCRIBE_STRUCT(Commit, (), (repository, url, branch, commit, subject))

/// A release as the server holds it. Also the result of a deployment or rollback.
struct ReleaseInfo {
    std::string id;
    std::uint32_t number = 0;
    std::string operation; ///< that made it
    std::int64_t created_at_ms = 0;
    std::vector<Commit> commits;
    std::vector<std::string> python_packages; ///< "name==version"
    std::string manifest_sha256;
    bool has_database_snapshot =
        false; ///< the database as it was when this release was replaced is kept
    bool live = false;
};
BOOST_DESCRIBE_STRUCT(
    ReleaseInfo, (),
    (id, number, operation, created_at_ms, commits, python_packages, manifest_sha256,
     has_database_snapshot, live)
)

struct Check {
    std::string id; ///< "disk", "memory", "ports", …
    std::string title;
    CheckResult result = CheckResult::passed;
    std::string value;  ///< what was found
    std::string need;   ///< what is needed
    std::string remedy; ///< what to do, empty when passed
};
BOOST_DESCRIBE_STRUCT(Check, (), (id, title, result, value, need, remedy))

struct PreflightReport {
    std::vector<Check> checks;
};
BOOST_DESCRIBE_STRUCT(PreflightReport, (), (checks))

/// A backup that is whole in its bucket.
struct BackupInfo {
    std::string id;
    BackupKind kind = BackupKind::manual;
    std::int64_t started_at_ms = 0;
    std::int64_t finished_at_ms = 0;
    std::string storage_id;
    std::string odoo_version;
    std::uint32_t release = 0;
    std::string postgresql_version;
    std::uint64_t database_bytes = 0; ///< as PostgreSQL stores it
    std::uint64_t dump_bytes = 0;     ///< in the bucket
    std::uint64_t files = 0;
    std::uint64_t file_bytes = 0;        ///< of the filestore
    std::uint64_t packed_bytes = 0;      ///< in the bucket, shared with other backups
    std::uint64_t sent_bytes = 0;        ///< for this backup
    std::uint64_t missing_files = 0;     ///< named in the database, and absent already
    std::vector<std::string> recipients; ///< "age1…": whose identities open it
};
BOOST_DESCRIBE_STRUCT(
    BackupInfo, (),
    (id, kind, started_at_ms, finished_at_ms, storage_id, odoo_version, release, postgresql_version,
     database_bytes, dump_bytes, files, file_bytes, packed_bytes, sent_bytes, missing_files,
     recipients)
)

/// What a drill found in a backup that it restored into a scratch database.
struct DrillReport {
    std::string backup_id;
    std::int64_t at_ms = 0;
    std::uint64_t restore_ms = 0; ///< from the first byte to a database that Odoo has loaded
    std::vector<Check> checks;    ///< objects, database, counts, registry, attachments
};
BOOST_DESCRIBE_STRUCT(DrillReport, (), (backup_id, at_ms, restore_ms, checks))

BOOST_DEFINE_ENUM_CLASS(ImportFormat, odoo_zip, custom, sql, sql_gzip)

struct ImportModule {
    std::string name;
    std::string version;  ///< "17.0.1.2": as it was last updated there
    bool missing = false; ///< the environment's release does not have it
};
BOOST_DESCRIBE_STRUCT(ImportModule, (), (name, version, missing))

/// What there is in the source of an import, and how it fits the environment.
struct ImportAnalysis {
    ImportFormat format = ImportFormat::odoo_zip;
    std::string odoo_version;       ///< "17.0"
    std::string edition;            ///< "community" or "enterprise"
    std::string postgresql_version; ///< of the server that the dump is of
    std::string sha256;             ///< of what was fetched; empty for a path
    std::uint64_t source_bytes = 0;
    std::uint64_t database_bytes = 0; ///< as SQL text
    std::uint64_t tables = 0;
    std::uint64_t attachments = 0; ///< files that the database names
    std::uint64_t files = 0;       ///< in the filestore
    std::uint64_t file_bytes = 0;
    std::uint64_t missing_files = 0;     ///< named, and not there
    std::vector<ImportModule> modules;   ///< installed ones, by name, the first 3000
    std::vector<std::string> extensions; ///< of PostgreSQL
    std::vector<Check> checks;
    bool fits = false; ///< no check failed
};
BOOST_DESCRIBE_STRUCT(
    ImportAnalysis, (),
    (format, odoo_version, edition, postgresql_version, sha256, source_bytes, database_bytes,
     tables, attachments, files, file_bytes, missing_files, modules, extensions, checks, fits)
)

/// What a bucket has of an environment's backups.
struct StoredBackups {
    std::string storage_id;
    std::vector<std::string> ids; ///< of those that have a manifest; at most 2000
};
BOOST_DESCRIBE_STRUCT(StoredBackups, (), (storage_id, ids))

/// What a finished operation hands back, by kind; absent parts did not apply.
struct OperationResult {
    std::optional<PreflightReport> preflight;
    std::optional<ReleaseInfo> release;
    std::vector<std::uint32_t> removed_releases;
    std::optional<std::uint64_t> downtime_ms; ///< how long Odoo was down for it
    std::optional<BackupInfo> backup;
    std::vector<std::string> removed_backups; ///< by retention, or because it was asked
    std::optional<StoredBackups> stored;      ///< after retention
    std::optional<DrillReport> drill;
    std::string recipient; ///< "age1…": backup.recipient
    std::optional<ImportAnalysis> analysis;
    /// JSON that is none of the controller's business, by HPKE (RFC 9180, P-256 and AES-128-GCM)
    /// for the `public_key` that the arguments brought (an uncompressed point, base64url); its info
    /// is `sealed_info`. base64url.
    std::string sealed;
};
BOOST_DESCRIBE_STRUCT(
    OperationResult, (),
    (preflight, release, removed_releases, downtime_ms, backup, removed_backups, stored, drill,
     recipient, analysis, sealed)
)

/// What a sealed result is bound to: "odoo.login", a line feed, and the operation's id.
inline std::string sealed_info(std::string_view kind, std::string_view operation) {
    return std::string(kind).append(1, '\n').append(operation);
}

} // namespace fairlead::proto
