/// What the executor asks of a worker process, and what that says. The worker begins as root, opens
/// what it is given, becomes an unprivileged user, and then alone touches the network and the bytes
/// of a backup.
///
/// One job as JSON on standard input, then lines of JSON on standard output: any number of `Line`s
/// with progress or a sentence for the log, and a last one with the answer or the error.
#pragma once

#include "agent/archive/manifest.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::backup {

BOOST_DEFINE_ENUM_CLASS(
    Task, test_storage, ///< the storage works
    open,               ///< it answers; what an interrupted backup left of uploads goes; leaves the
                        ///< index of what the bucket has
    dump,               ///< database → bucket; leaves `dump.json` and `attachments` in the folder
    files,              ///< new files → packs → bucket; leaves `files.json`
    seal,          ///< the list of files and the manifest → bucket, and all is looked at again
    discard,       ///< what an unfinished backup left
    prune,         ///< backups that retention does not keep, and what only they used
    remove,        ///< one backup, and what only it used
    list,          ///< backups of the environment, newest first
    inspect,       ///< one backup's manifest; all of its objects are there and have their size
    load_database, ///< bucket → database
    load_files,    ///< bucket → folder
    sample_files,  ///< a few files of a backup → folder
    save_database, ///< bucket → a dump in the folder
    verify,        ///< every byte of a backup is read, opened and held against its hash
    import_fetch,  ///< https address → "archive" in the folder
    import_look,   ///< what is in the source of an import
    import_load,   ///< its database → `database`
    import_files,  ///< its filestore → "files" in the folder
    grant          ///< the keys of a backup's objects → bucket, for the one recipient
)

/// The source of an import. Of it, the worker needs no bucket.
struct ImportJob {
    std::string path;                 ///< of the dump or archive
    std::string url;                  ///< whole, for import_fetch
    std::string sha256;               ///< that what is fetched must have; empty: any
    std::string filestore;            ///< a folder; empty: none
    std::string fingerprint;          ///< that the source had when it was analysed; empty: not yet
    std::vector<std::string> domains; ///< that the organization lets data come from
    std::string policy;               ///< the text of the server's policy
    std::string policy_name;          ///< for its messages
    std::uint64_t max_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(
    ImportJob, (),
    (path, url, sha256, filestore, fingerprint, domains, policy, policy_name, max_bytes)
)

struct Job {
    Task task = Task::list;
    proto::Storage storage;
    std::string secret_key;
    std::string session_token;
    std::string user;   ///< to become; empty: the caller's own, for a person at the keyboard
    std::string folder; ///< to work in; made and owned by `user` already
    std::string source; ///< `files`: what is frozen of the database's filestore
    std::vector<std::string> held; ///< `files`: lists of what the bucket has, and need not be there
    std::uint64_t expected_bytes = 0; ///< `files`: of both together, about
    std::string database;
    std::string environment_id; ///< whose backups
    std::string backup_id;
    std::vector<std::string> recipients;
    std::vector<std::string> identities;       ///< "AGE-SECRET-KEY-1…"
    std::optional<archive::Manifest> manifest; ///< `seal`: without what dump and files found out
    proto::Retention retention;
    std::string time_zone;
    std::uint32_t count = 0;      ///< `sample_files`, `list`
    std::vector<std::string> bad; ///< `prune`, `files`: backups that are known not to restore
    bool granted = false;         ///< reading: the identity opens a grant, and that the backup
    std::optional<ImportJob> import;
};
BOOST_DESCRIBE_STRUCT(
    Job, (),
    (task, storage, secret_key, session_token, user, folder, source, held, expected_bytes, database,
     environment_id, backup_id, recipients, identities, manifest, retention, time_zone, count, bad,
     granted, import)
)

struct Problem {
    std::string kind; ///< of Errc, by name
    std::string code;
    std::string message;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (kind, code, message))

/// What a job found out; parts by task.
struct Answer {
    std::vector<proto::Check> checks;          ///< test_storage
    std::vector<proto::BackupInfo> backups;    ///< list, seal
    std::optional<archive::Manifest> manifest; ///< inspect, without the packs
    std::vector<std::string> removed;          ///< prune, remove: ids of backups
    std::vector<std::string> stored;           ///< prune: of those that are left
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::optional<proto::ImportAnalysis> analysis; ///< import_look, without its checks
    std::string fingerprint;                       ///< import_look
    std::string sha256;                            ///< import_fetch
};
BOOST_DESCRIBE_STRUCT(
    Answer, (),
    (checks, backups, manifest, removed, stored, files, bytes, sent_bytes, analysis, fingerprint,
     sha256)
)

struct Line {
    std::uint64_t done = 0; ///< of `total`, in bytes or files
    std::uint64_t total = 0;
    std::string detail; ///< "120 of 800 MiB"
    std::string log;
    bool warning = false;
    std::optional<Answer> answer;
    std::optional<Problem> problem;
};
BOOST_DESCRIBE_STRUCT(Line, (), (done, total, detail, log, warning, answer, problem))

} // namespace fairlead::backup
