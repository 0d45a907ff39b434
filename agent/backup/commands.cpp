#include "agent/backup/commands.hpp"

#include "agent/backup/due.hpp"
#include "agent/backup/follow.hpp"
#include "agent/backup/identity.hpp"
#include "agent/backup/settings.hpp"
#include "agent/backup/transfer.hpp"
#include "agent/backup/verdicts.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/deploy/records.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/id.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_small_file = 1 << 20;

std::string take_from_environment(const char* name) {
    const char* text = std::getenv(name);
    std::string value = text ? text : "";
    ::unsetenv(name);
    return value;
}

Result<deploy::EnvironmentRecord> environment_named(const std::string& slug) {
    deploy::Place place(deploy::Layout(), slug);
    FAIRLEAD_TRY(record, deploy::load_environment(place));
    if (!record)
        return fail(
            Errc::not_found,
            fmt::format(
                "There is no environment {} on this server; `fairlead-agent environments` lists "
                "them.",
                slug
            )
        );
    return std::move(*record);
}

Result<> use_environment(Job& job, const std::string& slug) {
    FAIRLEAD_TRY(record, environment_named(slug));
    BackupPlace place(deploy::Place(deploy::Layout(), slug));
    FAIRLEAD_TRY(saved, load_settings(place));
    if (!saved)
        return fail(
            Errc::not_found,
            fmt::format(
                "{} keeps no settings of its backups here: name the bucket (--endpoint, …).", slug
            )
        );
    job.storage = saved->settings.storage;
    job.secret_key = std::move(saved->secret_key);
    job.session_token = std::move(saved->session_token);
    job.environment_id = record.id;
    FAIRLEAD_TRY(identity, load_identity(place));
    if (identity) job.identities = {std::string(identity->print().reveal())};
    return {};
}

Result<> use_bucket(Job& job, const Source& source) {
    if (source.endpoint.empty() || source.bucket.empty() || source.access_key.empty())
        return fail(
            Errc::invalid,
            "Name an environment of this server (--environment), or the bucket: --endpoint, "
            "--bucket, --access-key, with the secret key in FAIRLEAD_SECRET_KEY."
        );
    auto& storage = job.storage;
    storage.name = source.bucket;
    storage.endpoint = source.endpoint;
    storage.region = source.region;
    storage.bucket = source.bucket;
    storage.prefix = source.prefix;
    storage.access_key = source.access_key;
    storage.addressing =
        source.virtual_host ? proto::Addressing::virtual_host : proto::Addressing::path;
    if (!source.ca_file.empty()) {
        FAIRLEAD_TRY(ca, read_file(source.ca_file, largest_small_file));
        storage.ca = std::move(ca);
    }
    job.secret_key = take_from_environment("FAIRLEAD_SECRET_KEY");
    job.session_token = take_from_environment("FAIRLEAD_SESSION_TOKEN");
    if (job.secret_key.empty())
        return fail(Errc::invalid, "The secret key is to be in FAIRLEAD_SECRET_KEY.");
    return {};
}

Result<Job> job_for(const Source& source, Task task, const std::string& backup) {
    Job job;
    job.task = task;
    job.backup_id = backup;
    if (source.endpoint.empty() && !source.environment.empty())
        FAIRLEAD_CHECK(use_environment(job, source.environment));
    else
        FAIRLEAD_CHECK(use_bucket(job, source));
    if (!source.environment_id.empty()) job.environment_id = source.environment_id;
    if (job.environment_id.empty())
        return fail(
            Errc::invalid, "Say whose backups: --environment-id env_… (the bucket's folders are "
                           "named so)."
        );
    if (!source.identity_file.empty()) {
        FAIRLEAD_TRY(text, read_file(source.identity_file, largest_small_file));
        FAIRLEAD_TRY(identities, crypto::Identity::parse_file(text));
        job.identities.clear();
        for (const auto& identity : identities)
            job.identities.emplace_back(identity.print().reveal());
    }
    if (task != Task::list && job.identities.empty())
        return fail(
            Errc::invalid,
            "What opens the backup is missing: --identity FILE, with the recovery key or the "
            "environment's own."
        );
    return job;
}

void tell(const Line& line) {
    if (!line.log.empty()) fmt::print(stderr, "{}{}\n", line.warning ? "warning: " : "", line.log);
    if (line.total == 0 || ::isatty(STDERR_FILENO) == 0) return;
    fmt::print(stderr, "\r{:3} % {}  ", line.done * 100 / line.total, line.detail);
    if (line.done >= line.total) fmt::print(stderr, "\n");
}

} // namespace

Result<> list_backups(const Source& source) {
    FAIRLEAD_TRY(job, job_for(source, Task::list, ""));
    FAIRLEAD_TRY(answer, run_job(std::move(job), tell));
    if (answer.backups.empty()) fmt::print("There is no backup in this bucket.\n");
    for (const auto& one : answer.backups)
        fmt::print(
            "{}  {}  {:<11} Odoo {}  database {}  {} files {}\n", one.id,
            to_rfc3339(from_ms(one.started_at_ms)), json::enum_name(one.kind), one.odoo_version,
            deploy::human(one.database_bytes), one.files, deploy::human(one.file_bytes)
        );
    return {};
}

Result<> verify_backup(const Source& source, const std::string& backup) {
    FAIRLEAD_TRY(job, job_for(source, Task::verify, backup));
    auto place = place_of_backups(deploy::Layout(), job.environment_id);
    auto answer = run_job(std::move(job), tell);
    // Of what lies in another bucket, retention here knows nothing.
    if (source.endpoint.empty() && place && (answer || damaged(answer.error())))
        FAIRLEAD_CHECK(note_verdict(*place, backup, answer ? Verdict::good : Verdict::bad));
    FAIRLEAD_CHECK(answer);
    fmt::print(
        "{} is whole: {} of data and {} files were read and are what was sent.\n", backup,
        deploy::human(answer->bytes), answer->files
    );
    return {};
}

Result<> fetch_backup(const Source& source, const std::string& backup, const std::string& folder) {
    std::filesystem::path to = std::filesystem::absolute(folder);
    FAIRLEAD_TRY(dump, job_for(source, Task::save_database, backup));
    // The second job's keys, before the first takes them out of the environment.
    auto files = dump;
    files.task = Task::load_files;
    for (const auto& made : {to, to / "filestore"})
        if (::mkdir(made.c_str(), 0700) != 0)
            return fail(
                Errc::conflict, fmt::format(
                                    "{} cannot be made: it must not be there yet, and its parent "
                                    "must.",
                                    made.string()
                                )
            );
    dump.folder = to;
    FAIRLEAD_CHECK(run_job(std::move(dump), tell));
    files.folder = to / "filestore";
    FAIRLEAD_TRY(answer, run_job(std::move(files), tell));
    fmt::print(
        "{} has database.dump, for pg_restore, and filestore with {} files.\n", to.string(),
        answer.files
    );
    return {};
}

Result<> restore_backup(const Source& source, const std::string& backup, const Into& into) {
    FAIRLEAD_TRY(job, job_for(source, Task::inspect, backup));
    FAIRLEAD_TRY(target, environment_named(into.environment));
    auto parts = json::enum_from<proto::RestoreParts>(into.parts);
    if (!parts) return fail(Errc::invalid, "What to restore is one of: both, database, filestore.");
    RestoreNote note;
    note.args.environment_id = target.id;
    note.args.slug = into.environment;
    note.args.backup = {
        backup, job.environment_id,
        source.environment.empty() ? into.environment : source.environment, job.storage};
    if (note.args.backup.storage.id.empty())
        note.args.backup.storage.id = "sto_" + new_ulid(SystemClock().now());
    note.args.parts = *parts;
    note.args.neutralise = into.neutralise;
    for (const auto& name : into.mask) {
        auto one = json::enum_from<proto::PersonalData>(name);
        if (!one)
            return fail(
                Errc::invalid, "What to mask is one or more of: contacts, messages, documents."
            );
        note.args.mask.push_back(*one);
    }
    if (!note.args.mask.empty() && *parts == proto::RestoreParts::filestore)
        return fail(Errc::invalid, "What is masked is in the database: restore that as well.");
    if (!into.no_safety) {
        FAIRLEAD_TRY(
            saved, load_settings(BackupPlace(deploy::Place(deploy::Layout(), into.environment)))
        );
        if (!saved)
            return fail(
                Errc::conflict,
                fmt::format(
                    "{} keeps no settings of backups here, so none can be made of the data that "
                    "are to be replaced: say --no-safety to go on without.",
                    into.environment
                )
            );
        proto::BackupArgs safety;
        safety.environment_id = target.id;
        safety.slug = into.environment;
        safety.backup_id = "bak_" + new_ulid(SystemClock().now());
        safety.kind = proto::BackupKind::pre_restore;
        safety.settings = saved->settings;
        note.args.safety = std::move(safety);
    }
    note.secret_key = std::move(job.secret_key);
    note.session_token = std::move(job.session_token);
    note.identities = std::move(job.identities);
    FAIRLEAD_TRY(operation, ask_to_restore(deploy::Layout(), into.environment, note));
    fmt::print("The operation {} puts it in place.\n", operation);
    return follow(deploy::Layout(), operation);
}

} // namespace fairlead::backup
