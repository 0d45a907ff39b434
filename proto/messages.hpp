/// The messages of the link between agent and controller, and of the socket between the agent's two
/// processes. proto/README.md tells the story; a struct here is the schema of one message. Every
/// message is a JSON object with a "type" member, the struct's `type`.
#pragma once

#include "proto/operations.hpp"

#include <boost/json/value.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fairlead::proto {

/// What this program speaks. One number that only grows; the README lists what each one added.
inline constexpr std::uint32_t protocol = 14;
inline constexpr std::uint32_t streams_since = 3; ///< byte streams, opened by capabilities
inline constexpr std::uint32_t reach_since = 4;   ///< `exposure` and `listed_sources` are obeyed
inline constexpr std::uint32_t cloudflared_since = 5; ///< the exposure `cloudflared` is
inline constexpr std::uint32_t terminals_since = 6;   ///< streams to terminals
inline constexpr std::uint32_t ssh_keys_since = 7;    ///< SSH keys, and streams to sshd
inline constexpr std::uint32_t logs_since = 8;        ///< streams of logs
inline constexpr std::uint32_t mail_since = 9; ///< `mail` is obeyed; streams of captured mail
inline constexpr std::uint32_t odoo_login_since = 10; ///< links to log in to Odoo
inline constexpr std::uint32_t recordings_since = 11; ///< streams of recordings of terminals
inline constexpr std::uint32_t updates_since = 12;    ///< the agent puts its own package in place
inline constexpr std::uint32_t measures_since = 13;   ///< `measures` of facts
inline constexpr std::uint32_t masking_since = 14;    ///< `mask` of what replaces data
inline constexpr std::uint32_t oldest_protocol = 1;
inline constexpr std::uint32_t most_streams = 2048; ///< that one link carries at once

BOOST_DEFINE_ENUM_CLASS(ReportKind, accepted, step, log, finished)
BOOST_DEFINE_ENUM_CLASS(StepState, pending, running, done, failed, undone, skipped)
BOOST_DEFINE_ENUM_CLASS(Outcome, succeeded, failed, cancelled, expired)
BOOST_DEFINE_ENUM_CLASS(LogLevel, debug, info, warning, error)

// ---- operations
// ---------------------------------------------------------------------------------------------

/// One operation on its way to a server.
struct Operation {
    std::string id;
    std::string kind;
    std::uint64_t fence = 0;       ///< grows per server; no two operations of a server share one
    std::uint64_t deadline_ms = 0; ///< left to accept it, counted from arrival; 0: none
    std::string requested_by;      ///< for the log of the server
    boost::json::value args;       ///< by kind, see operations.hpp
    std::map<std::string, std::string> secrets; ///< never written to disk by the agent
};
BOOST_DESCRIBE_STRUCT(Operation, (), (id, kind, fence, deadline_ms, requested_by, args, secrets))

struct StepReport {
    std::uint32_t index = 0;
    std::uint32_t count = 0;
    std::string name;  ///< "fetch"
    std::string title; ///< "Fetch the repositories"
    StepState state = StepState::pending;
    std::uint32_t percent = 0;
    std::string detail;
};
BOOST_DESCRIBE_STRUCT(StepReport, (), (index, count, name, title, state, percent, detail))

struct LogLine {
    std::int64_t time_ms = 0;
    LogLevel level = LogLevel::info;
    std::string step;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(LogLine, (), (time_ms, level, step, text))

struct OperationError {
    std::string code; ///< stable: "policy_refused", "check_failed", "migration_failed", …
    std::string message;
    std::string step;
};
BOOST_DESCRIBE_STRUCT(OperationError, (), (code, message, step))

struct Finished {
    Outcome outcome = Outcome::failed;
    std::optional<OperationError> error;
    std::string note; ///< how it came to this, such as "undone after the agent restarted"
    OperationResult result;
};
BOOST_DESCRIBE_STRUCT(Finished, (), (outcome, error, note, result))

/// An operation that the server began by itself, because its schedule or root asked for it.
struct Born {
    std::string kind;
    std::string environment_id;
    std::string slug;
    std::string requested_by; ///< "schedule", "root"
    boost::json::value args;
};
BOOST_DESCRIBE_STRUCT(Born, (), (kind, environment_id, slug, requested_by, args))

/// One thing that became true on the server. Saved in the journal before it is sent; sent again
/// until acknowledged.
struct Report {
    std::uint64_t seq = 0; ///< per journal, from 1, without gaps
    std::string operation;
    std::int64_t at_ms = 0; ///< the server's clock
    ReportKind kind = ReportKind::accepted;
    std::optional<StepReport> step;
    std::vector<LogLine> lines;
    std::optional<Finished> finished;
    std::optional<Born> born{}; ///< with `accepted`, where nobody delivered the operation
};
BOOST_DESCRIBE_STRUCT(Report, (), (seq, operation, at_ms, kind, step, lines, finished, born))

// ---- the state of a server
// -----------------------------------------------------------------------------------

/// What the server has arranged for an environment's backups.
struct BackupState {
    std::string storage_id; ///< empty: the server keeps no settings
    std::string recipient;  ///< "age1…" of the environment's own identity; empty: none made yet
    std::int64_t next_backup_ms = 0; ///< 0: not scheduled
    std::int64_t next_drill_ms = 0;
};
BOOST_DESCRIBE_STRUCT(BackupState, (), (storage_id, recipient, next_backup_ms, next_drill_ms))

/// An environment as the server holds it: what lets a controller that lost its memory become true
/// again.
struct EnvironmentState {
    std::string id;
    std::string slug;
    std::string state; ///< "running", "stopped", "failed", "starting"
    std::string detail;
    std::uint16_t port = 0;
    std::vector<ReleaseInfo> releases;   ///< kept ones, one of them live
    std::optional<EnvironmentSpec> spec; ///< of the live release, variables without values; absent
                                         ///< where the message would grow too large
    std::optional<BackupState> backup{};
    /// Ports of the loopback address that streams may be opened to; none where the server's policy
    /// does not let requests come over the link.
    std::vector<std::uint16_t> tunnel{};
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentState, (), (id, slug, state, detail, port, releases, spec, backup, tunnel)
)

/// A key that the agent keeps in place for a Unix user.
struct SshKeyState {
    std::string id; ///< "sshk_…"
    std::string user;
    std::string public_key; ///< as SshKey::public_key
};
BOOST_DESCRIBE_STRUCT(SshKeyState, (), (id, user, public_key))

/// What there is of SSH keys on a server.
struct SshState {
    /// Unix users that the server's policy lets keys be kept for, at most most_ssh_users.
    std::vector<std::string> users{};
    std::vector<SshKeyState> keys{};
    /// Port of the loopback address where sshd answers, which streams may be opened to; 0: none.
    std::uint16_t port = 0;
    /// Why keys would let nobody in, as a sentence with the cure; empty: all is well.
    std::string problem{};
};
BOOST_DESCRIBE_STRUCT(SshState, (), (users, keys, port, problem))

struct OsFacts {
    std::string id;      ///< "debian"
    std::string version; ///< "12"
    std::string pretty;
};
BOOST_DESCRIBE_STRUCT(OsFacts, (), (id, version, pretty))

struct CpuFacts {
    std::string model;
    std::uint32_t cores = 0;
    double used_percent = 0; ///< of all cores, since the facts before
};
BOOST_DESCRIBE_STRUCT(CpuFacts, (), (model, cores, used_percent))

struct MemoryFacts {
    std::uint64_t total_bytes = 0;
    std::uint64_t used_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(MemoryFacts, (), (total_bytes, used_bytes))

struct DiskFacts {
    std::string path;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(DiskFacts, (), (path, total_bytes, free_bytes))

struct PostgresqlFacts {
    bool installed = false;
    std::string version;
    bool running = false;
};
BOOST_DESCRIBE_STRUCT(PostgresqlFacts, (), (installed, version, running))

struct PolicyFacts {
    std::string sha256;
    std::vector<std::string> summary; ///< one sentence a rule
};
BOOST_DESCRIBE_STRUCT(PolicyFacts, (), (sha256, summary))

struct EnvironmentHealth {
    std::string slug;
    std::string state; ///< as EnvironmentState::state
    /// What its cloudflared says of itself: "connected", "disconnected"; "" where it runs none.
    std::string connector{};
};
BOOST_DESCRIBE_STRUCT(EnvironmentHealth, (), (slug, state, connector))

/// Numbers by the names of measures.hpp; what is not known is left out.
using MeasuredValues = std::map<std::string, std::int64_t>;

struct EnvironmentMeasures {
    std::string slug;
    MeasuredValues values;
};
BOOST_DESCRIBE_STRUCT(EnvironmentMeasures, (), (slug, values))

/// What PostgreSQL and each environment do; see measures.hpp.
struct Measures {
    MeasuredValues server;
    std::vector<EnvironmentMeasures> environments; ///< at most most_measured_environments
};
BOOST_DESCRIBE_STRUCT(Measures, (), (server, environments))

struct Facts {
    std::int64_t at_ms = 0;
    std::string agent_version;
    std::string hostname;
    OsFacts os;
    std::string arch;
    std::string kernel;
    std::uint64_t uptime_s = 0;
    CpuFacts cpu;
    MemoryFacts memory;
    DiskFacts disk;
    std::vector<double> load;
    std::vector<std::string> addresses;
    PostgresqlFacts postgresql;
    PolicyFacts policy;
    std::vector<EnvironmentHealth> environments;
    std::optional<Measures> measures{}; ///< from protocol 13 on
};
BOOST_DESCRIBE_STRUCT(
    Facts, (),
    (at_ms, agent_version, hostname, os, arch, kernel, uptime_s, cpu, memory, disk, load, addresses,
     postgresql, policy, environments, measures)
)

// ---- the organization's audit log, as its servers have seen it
// -----------------------------------------------------------------------------------

/// The newest state of the log that a server has seen and found to go on from the one before.
struct Witness {
    std::string key;        ///< that signed it, as a C2SP verifier key; the first one that came
    std::uint64_t size = 0; ///< entries; 0: none seen yet
    std::string root;       ///< base64
    std::string fork; ///< why a later state was refused, until a person resets it; "": all is well
    std::int64_t fork_ms = 0; ///< since when, by the server's clock
};
BOOST_DESCRIBE_STRUCT(Witness, (), (key, size, root, fork, fork_ms))

// ---- agent to controller
// ----------------------------------------------------------------------------------------

/// First message of a link.
struct Hello {
    static constexpr std::string_view type = "hello";
    std::uint32_t protocol = 0;
    std::uint32_t oldest_protocol = 0;
    std::string version; ///< of the agent program
    std::string journal; ///< random name of the journal; another name means sequences start anew
    std::uint64_t highest_fence = 0;
    std::uint64_t last_seq = 0; ///< highest report in the journal
    std::uint64_t acknowledged =
        0; ///< reports up to it may be gone; a controller restored from a copy starts there
    std::vector<std::string>
        active; ///< operations accepted and not finished, or with unacknowledged reports
    std::int64_t time_ms = 0; ///< the server's clock
    Witness witness;
    /// Unix users of the server that its policy lets terminals be opened as, at most 64.
    std::vector<std::string> terminal_users{};
};
BOOST_DESCRIBE_STRUCT(
    Hello, (),
    (protocol, oldest_protocol, version, journal, highest_fence, last_seq, acknowledged, active,
     time_ms, witness, terminal_users)
)

struct Reports {
    static constexpr std::string_view type = "reports";
    std::vector<Report> reports; ///< in order, at most 100, at most 256 KiB
};
BOOST_DESCRIBE_STRUCT(Reports, (), (reports))

struct FactsMessage {
    static constexpr std::string_view type = "facts";
    Facts facts;
};
BOOST_DESCRIBE_STRUCT(FactsMessage, (), (facts))

/// A link to log in to Odoo that somebody opened.
struct UsedOdooLink {
    std::string operation; ///< that made it
    std::int64_t used_ms = 0;
};
BOOST_DESCRIBE_STRUCT(UsedOdooLink, (), (operation, used_ms))

inline constexpr std::size_t most_used_odoo_links = 100;

/// All environments of the server, and what there is of SSH keys; after the welcome, whenever an
/// operation changed something, and when a link to log in to Odoo was used.
struct Inventory {
    static constexpr std::string_view type = "inventory";
    std::vector<EnvironmentState> environments;
    std::optional<SshState> ssh{}; ///< from protocol 7 on
    /// From protocol 10 on: those of the last day, the newest first.
    std::vector<UsedOdooLink> used_odoo_links{};
};
BOOST_DESCRIBE_STRUCT(Inventory, (), (environments, ssh, used_odoo_links))

/// Of one PackagePart.
inline constexpr std::size_t largest_package_part = 256 << 10;
/// Of a package that an agent takes.
inline constexpr std::size_t largest_package = 16 << 20;

/// From the executor, by the link: the next part of a package that an operation named.
struct PackageWanted {
    static constexpr std::string_view type = "package_wanted";
    std::string file;         ///< AgentUpdateArgs::package
    std::uint64_t offset = 0; ///< of the first byte
};
BOOST_DESCRIBE_STRUCT(PackageWanted, (), (file, offset))

/// Asks for a new certificate for the bound key.
struct Renew {
    static constexpr std::string_view type = "renew";
    std::string csr; ///< PEM
};
BOOST_DESCRIBE_STRUCT(Renew, (), (csr))

/// The answer to a checkpoint: what is held now.
struct AuditWitness {
    static constexpr std::string_view type = "audit_witness";
    Witness witness;
};
BOOST_DESCRIBE_STRUCT(AuditWitness, (), (witness))

/// What the controller opens a stream for: bytes to and from a port of one environment, or to and
/// from the server's sshd (kind "ssh", and then nothing else). It travels signed, see
/// capability.hpp.
struct StreamPurpose {
    static constexpr std::string_view tunnel_kind = "tunnel", ssh_kind = "ssh";
    std::string kind;
    std::string environment; ///< its id
    std::uint16_t port = 0;  ///< one that `inventory` named for it
};
BOOST_DESCRIBE_STRUCT(StreamPurpose, (), (kind, environment, port))

/// Why an agent resets a stream.
enum class StreamEnd : std::uint32_t {
    not_offered = 100, ///< not here, another port, forbidden by the policy, or not understood
    unreachable = 101, ///< nothing listens there
    broken = 102,      ///< the connection behind it failed
    denied = 103,      ///< its capability does not count, or its key does not any more
    forbidden = 104,   ///< terminals, logs and mail: the policy does not allow it
    too_many = 105,    ///< terminals, logs and mail: as many as a server opens are open
    no_user = 106,     ///< terminals: no such Unix user here, or one without a login shell
    failed = 107,      ///< terminals, logs and mail: the server could not; its log says why
    no_message = 108,  ///< mail: there is no such message, or not any more
};

// ---- controller to agent
// ----------------------------------------------------------------------------------------

struct Welcome {
    static constexpr std::string_view type = "welcome";
    std::uint32_t protocol = 0;     ///< the smaller of both
    std::string version;            ///< of the controller
    std::uint64_t acknowledged = 0; ///< highest report stored of this journal
    std::int64_t time_ms = 0;       ///< the controller's clock
    std::uint32_t heartbeat_s = 15;
    std::uint32_t facts_s = 30;
    std::vector<std::string> controllers; ///< "host:port", in order of preference; empty: unchanged
    std::string ca; ///< PEM of every certificate authority to trust from now on; empty: unchanged
};
BOOST_DESCRIBE_STRUCT(
    Welcome, (), (protocol, version, acknowledged, time_ms, heartbeat_s, facts_s, controllers, ca)
)

struct Deliver {
    static constexpr std::string_view type = "deliver";
    Operation operation;
};
BOOST_DESCRIBE_STRUCT(Deliver, (), (operation))

struct Cancel {
    static constexpr std::string_view type = "cancel";
    std::string operation;
};
BOOST_DESCRIBE_STRUCT(Cancel, (), (operation))

/// "What became of it?" The agent reports the outcome again, or that its journal does not know it.
struct Query {
    static constexpr std::string_view type = "query";
    std::string operation;
};
BOOST_DESCRIBE_STRUCT(Query, (), (operation))

/// All reports up to and including `seq` are stored.
struct Ack {
    static constexpr std::string_view type = "ack";
    std::uint64_t seq = 0;
};
BOOST_DESCRIBE_STRUCT(Ack, (), (seq))

struct Certificate {
    static constexpr std::string_view type = "certificate";
    std::string certificate; ///< PEM
    std::string ca;          ///< PEM, all to trust
};
BOOST_DESCRIBE_STRUCT(Certificate, (), (certificate, ca))

/// A state of the organization's audit log, for the server to compare with what it has seen. One at
/// a time: the next one follows its answer.
struct AuditCheckpoint {
    static constexpr std::string_view type = "audit_checkpoint";
    std::string key;        ///< a C2SP verifier key
    std::string note;       ///< a signed note (C2SP tlog-checkpoint)
    std::uint64_t from = 0; ///< size of the state that the proof begins at: the one that is held
    std::vector<std::string> proof; ///< of consistency (RFC 9162 section 2.1.4), base64
};
BOOST_DESCRIBE_STRUCT(AuditCheckpoint, (), (key, note, from, proof))

/// A key that capabilities of streams may be signed with.
struct TunnelKey {
    std::string id;           ///< "tkey_…"
    std::string public_key;   ///< "ed25519:…"
    std::int64_t ends_ms = 0; ///< from when on it does not count; 0: not known yet
};
BOOST_DESCRIBE_STRUCT(TunnelKey, (), (id, public_key, ends_ms))

/// Every key of the organization that counts from now on. After the welcome and after each change.
struct TunnelKeys {
    static constexpr std::string_view type = "tunnel_keys";
    std::vector<TunnelKey> keys; ///< at most 16
};
BOOST_DESCRIBE_STRUCT(TunnelKeys, (), (keys))

/// The answer to PackageWanted. Nothing here is believed: the executor holds the whole against the
/// release key.
struct PackagePart {
    static constexpr std::string_view type = "package_part";
    std::string file;
    std::uint64_t offset = 0;
    std::uint64_t size = 0; ///< of the whole file
    std::string data;       ///< base64, at most largest_package_part bytes
    std::string problem;    ///< why there is none, as a sentence; empty: all is well
};
BOOST_DESCRIBE_STRUCT(PackagePart, (), (file, offset, size, data, problem))

/// Last message before the controller closes the link for a reason that the agent's log should
/// name.
struct Refused {
    static constexpr std::string_view type = "refused";
    std::string code; ///< "server_unknown", "revoked", "protocol_too_old", "clock_wrong",
                      ///< "replaced", "going_away"
    std::string message;
};
BOOST_DESCRIBE_STRUCT(Refused, (), (code, message))

// ---- executor to link, on the local socket
// --------------------------------------------------------------------

/// First message of the executor on each connection, and the journal's half of Hello.
struct ExecutorStatus {
    static constexpr std::string_view type = "status";
    std::string journal;
    std::uint64_t highest_fence = 0;
    std::uint64_t last_seq = 0;
    std::uint64_t acknowledged = 0;
    std::vector<std::string> active;
    PolicyFacts policy;
    /// Public keys that alone may open streams, where the policy names them; absent: all of the
    /// organization's.
    std::optional<std::vector<std::string>> tunnel_keys{};
    /// As Hello::terminal_users.
    std::vector<std::string> terminal_users{};
};
BOOST_DESCRIBE_STRUCT(
    ExecutorStatus, (),
    (journal, highest_fence, last_seq, acknowledged, active, policy, tunnel_keys, terminal_users)
)

/// From the link: the controller says that this server is revoked, which is for ever. SSH keys that
/// the agent keeps go, and whoever is logged in by them.
struct ServerRevoked {
    static constexpr std::string_view type = "server_revoked";
};
BOOST_DESCRIBE_STRUCT(ServerRevoked, (), ())

/// The executor has nothing to do and ends now; connect again when there is something.
struct Idle {
    static constexpr std::string_view type = "idle";
};
BOOST_DESCRIBE_STRUCT(Idle, (), ())

using FromAgent =
    std::variant<Hello, Reports, FactsMessage, Inventory, Renew, AuditWitness, PackageWanted>;
using ToAgent = std::variant<
    Welcome, Deliver, Cancel, Query, Ack, Certificate, AuditCheckpoint, TunnelKeys, PackagePart,
    Refused>;
using FromExecutor = std::variant<ExecutorStatus, Reports, Inventory, PackageWanted, Idle>;
using ToExecutor = std::variant<Deliver, Cancel, Query, Ack, PackagePart, ServerRevoked>;

} // namespace fairlead::proto
