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
    open,               ///< it answers; what an interrupted backup left of uploads goes
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
    grant          ///< the keys of a backup's objects → bucket, for the one recipient
)

struct Job {
    Task task = Task::list;
    proto::Storage storage;
    std::string secret_key;
    std::string session_token;
    std::string user;   ///< to become; empty: the caller's own, for a person at the keyboard
    std::string folder; ///< to work in; made and owned by `user` already
    std::string source; ///< `files`: the frozen filestore of the database
    std::string database;
    std::string environment_id; ///< whose backups
    std::string backup_id;
    std::vector<std::string> recipients;
    std::vector<std::string> identities;       ///< "AGE-SECRET-KEY-1…"
    std::optional<archive::Manifest> manifest; ///< `seal`: without what dump and files found out
    proto::Retention retention;
    std::string time_zone;
    std::uint32_t count = 0; ///< `sample_files`, `list`
    bool granted = false;    ///< reading: the identity opens a grant, and that the backup
};
BOOST_DESCRIBE_STRUCT(
    Job, (),
    (task, storage, secret_key, session_token, user, folder, source, database, environment_id,
     backup_id, recipients, identities, manifest, retention, time_zone, count, granted)
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
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t sent_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(Answer, (), (checks, backups, manifest, removed, files, bytes, sent_bytes))

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
