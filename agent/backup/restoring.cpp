#include "agent/backup/restoring.hpp"

#include "agent/backup/identity.hpp"
#include "agent/backup/keys.hpp"
#include "agent/backup/replacing_steps.hpp"
#include "agent/backup/transfer.hpp"
#include "agent/backup/verdicts.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/host/copy.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

namespace fairlead::backup {
namespace {

using journal::Work;
using proto::RestoreParts;

/// A backup from a bucket.
class Restore {
public:
    Restore(deploy::Site& site, proto::RestoreArgs args)
        : args_(std::move(args)), replacing_(site, args_.environment_id, args_.slug),
          source_(site.layout(), args_.backup.slug) {}

    Replacing& replacing() { return replacing_; }
    bool database() const { return args_.parts != RestoreParts::filestore; }
    bool filestore() const { return args_.parts != RestoreParts::database; }
    bool neutralises() const { return args_.neutralise && database(); }
    std::vector<proto::PersonalData> masks() const {
        return database() ? args_.mask : std::vector<proto::PersonalData>();
    }

    Result<> check(Work& work) {
        FAIRLEAD_CHECK(replacing_.look(work));
        work.progress(20, "looking at the backup");
        FAIRLEAD_TRY(inspecting, job(work, Task::inspect));
        auto inspected = read(std::move(inspecting), work, {20, 90});
        if (!inspected && inspected.error().code() == "backup_key_elsewhere") return elsewhere();
        FAIRLEAD_TRY(answer, std::move(inspected));
        if (!answer.manifest) return fail(Errc::internal, "The backup has no description.");
        const auto& manifest = *answer.manifest;
        FAIRLEAD_CHECK(replacing_.fits(manifest.environment.odoo_version));
        Room room;
        if (database()) room.database = manifest.database.logical_bytes;
        if (filestore()) room.files = manifest.filestore.bytes;
        FAIRLEAD_CHECK(replacing_.room_for(room));
        work.info(fmt::format(
            "The backup {} of {} was made at {}: a database of {} and {} files of {}.", manifest.id,
            manifest.environment.slug, manifest.started_at,
            deploy::human(manifest.database.logical_bytes), manifest.filestore.files,
            deploy::human(manifest.filestore.bytes)
        ));
        return replacing_.remember_modules(work, manifest.environment.modules);
    }

    Result<> fetch(Work& work) {
        using Database = Replacing::Database;
        FAIRLEAD_CHECK(replacing_.make_room(work, database() ? Database::empty : Database::none));
        if (database()) {
            FAIRLEAD_TRY(loading, job(work, Task::load_database));
            loading.database = replacing_.incoming().database;
            FAIRLEAD_CHECK(read(std::move(loading), work, {0, filestore() ? 60u : 100u}));
        }
        if (filestore()) {
            FAIRLEAD_TRY(loading, job(work, Task::load_files));
            FAIRLEAD_TRY(folder, replacing_.files_folder());
            loading.folder = folder;
            FAIRLEAD_CHECK(read(std::move(loading), work, {database() ? 60u : 0u, 100}));
        }
        work.info("Everything is here, and is what was sent.");
        return {};
    }

    Result<> done() {
        if (args_.parts != RestoreParts::both) return {}; // the other half was not read
        return note(Verdict::good);
    }

private:
    Result<Answer> read(Job job, Work& work, Span span) {
        auto answer = run_job(std::move(job), work, span);
        if (!answer && damaged(answer.error())) FAIRLEAD_CHECK(note(Verdict::bad));
        return answer;
    }

    Result<> note(Verdict verdict) {
        auto place = place_of_backups(replacing_.hands().layout(), args_.backup.environment_id);
        return place ? note_verdict(*place, args_.backup.id, verdict) : Result<>();
    }

    Result<Job> job(Work& work, Task task) {
        Job job;
        job.task = task;
        FAIRLEAD_CHECK(use_storage(job, args_.backup.storage, work, BackupPlace(source_)));
        job.user = replacing_.hands().place().account;
        job.environment_id = args_.backup.environment_id;
        job.backup_id = args_.backup.id;
        // Root at the keyboard brings what opens it.
        for (int i = 0; auto given = work.secret(fmt::format("identity:{}", i)); ++i)
            job.identities.push_back(std::move(*given));
        if (!job.identities.empty()) return job;
        FAIRLEAD_TRY(
            identity, identity_of(replacing_.hands().layout(), source_, args_.backup.environment_id)
        );
        if (!identity) {
            // Of another server: what that one granted to the target opens it.
            FAIRLEAD_TRY(own, load_identity(BackupPlace(replacing_.hands().place())));
            if (!own) return elsewhere();
            identity = std::move(own);
            job.granted = true;
        }
        job.identities = {std::string(identity->print().reveal())};
        return job;
    }

    tl::unexpected<Error> elsewhere() const {
        return fail(Error(
                        Errc::not_found,
                        fmt::format(
                            "The key of {} is not on this server, and the server that has it has "
                            "granted the backup {} to nobody here. Restore it again while that "
                            "server is reachable; or, with the recovery key, on this server: "
                            "fairlead-agent backup restore {} --into {} --environment-id {} "
                            "--identity FILE, with the bucket's --endpoint, --bucket and "
                            "--access-key.",
                            args_.backup.slug, args_.backup.id, args_.backup.id, args_.slug,
                            args_.backup.environment_id
                        )
        )
                        .with_code("backup_key_elsewhere"));
    }

    proto::RestoreArgs args_;
    Replacing replacing_;
    deploy::Place source_;
};

/// Another environment of this server.
class Clone {
public:
    Clone(deploy::Site& site, proto::CloneArgs args)
        : args_(std::move(args)), replacing_(site, args_.environment_id, args_.slug),
          source_(site, args_.source_slug) {}

    Replacing& replacing() { return replacing_; }
    bool neutralises() const { return args_.neutralise; }
    const std::vector<proto::PersonalData>& masks() const { return args_.mask; }

    Result<> check(Work& work) {
        FAIRLEAD_CHECK(replacing_.look(work));
        const auto& from = source_.place();
        FAIRLEAD_TRY(record, deploy::find_environment(from, args_.source_environment_id));
        FAIRLEAD_TRY(release, deploy::load_release(from, record.live));
        FAIRLEAD_CHECK(replacing_.fits(release.environment.odoo_version));
        FAIRLEAD_TRY(there, source_.postgresql().database_exists(from.database()));
        if (!there)
            return fail(Error(
                            Errc::not_found,
                            fmt::format("{} has no database to copy.", args_.source_slug)
            )
                            .with_code("database_missing"));
        FAIRLEAD_TRY(database, source_.postgresql().database_bytes(from.database()));
        FAIRLEAD_TRY(files, host::tree_size(from.filestore()));
        Room room;
        room.database = database;
        room.files = files;
        FAIRLEAD_CHECK(replacing_.room_for(room));
        files_bytes_ = files;
        std::map<std::string, std::string> modules;
        FAIRLEAD_TRY(
            installed,
            source_.postgresql().rows(from.database(), from.account, odoo::installed_query())
        );
        for (const auto& module : installed)
            if (auto hash = release.modules.find(module); hash != release.modules.end())
                modules.insert(*hash);
        return replacing_.remember_modules(work, modules);
    }

    Result<> copy(Work& work) {
        using Database = Replacing::Database;
        const auto& from = source_.place();
        const auto& to = replacing_.hands().place();
        const auto& incoming = replacing_.incoming();
        FAIRLEAD_TRY(state, source_.systemd().state(from.service()));
        FAIRLEAD_CHECK(
            replacing_.make_room(work, state.running() ? Database::empty : Database::none)
        );
        FAIRLEAD_TRY(folder, replacing_.files_folder());
        FAIRLEAD_CHECK(copy_files(folder, {0, 50}, work));
        auto& postgresql = replacing_.hands().postgresql();
        // A copy of a database's files needs it to itself; who works in it is not disturbed.
        work.progress(50, "database");
        if (state.running()) {
            work.info("The source is running: its database is copied by a dump.");
            FAIRLEAD_CHECK(postgresql.dump_into(
                from.database(), from.account, incoming.database, to.account, work.stop()
            ));
        } else {
            FAIRLEAD_CHECK(postgresql.copy_database(from.database(), incoming.database, to.account)
            );
            FAIRLEAD_CHECK(postgresql.hand_over(incoming.database, from.account, to.account));
        }
        // Before the dump and again after it, as for a backup: what the dump names is there, also
        // when Odoo throws it away in between.
        if (state.running()) FAIRLEAD_CHECK(copy_files(folder, {90, 100}, work));
        return {};
    }

    Result<> undo(Work& work) { return replacing_.undo_room(work); }

private:
    /// Each side with the rights of its own user: root follows no path that an environment could
    /// bend meanwhile.
    Result<> copy_files(const std::string& folder, Span span, Work& work) {
        const auto& from = source_.place();
        std::error_code ignored;
        auto live = from.filestore() / from.database();
        if (!std::filesystem::exists(live, ignored)) return {};
        FAIRLEAD_TRY(reader, user_of(from));
        FAIRLEAD_TRY(writer, user_of(replacing_.hands().place()));
        host::CopyOptions options;
        options.threads = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
        options.skip = "checklist"; // Odoo's own notes of what to throw away
        options.stop = work.stop();
        options.told = [&](std::uint64_t bytes) {
            auto part = files_bytes_ == 0 ? 0.0 : std::min(1.0, double(bytes) / files_bytes_);
            work.progress(
                span.from + static_cast<std::uint32_t>(part * (span.to - span.from)),
                fmt::format("filestore: {}", deploy::human(bytes))
            );
        };
        return host::copy_new(
                   {live, reader.uid, reader.gid}, {folder, writer.uid, writer.gid}, options
        )
            .map([](std::uint64_t) {});
    }

    static Result<host::UnixUser> user_of(const deploy::Place& place) {
        auto user = host::find_user(place.account);
        if (!user)
            return fail(Errc::internal, fmt::format("The Unix user {} is gone.", place.account));
        return *user;
    }

    proto::CloneArgs args_;
    Replacing replacing_;
    deploy::Hands source_;
    std::uint64_t files_bytes_ = 0; ///< of the source; 0 where this process has not looked
};

} // namespace

journal::Plan restore_plan(deploy::Site& site, proto::RestoreArgs args) {
    auto safety = args.safety;
    auto r = std::make_shared<Restore>(site, std::move(args));
    journal::Plan plan;
    plan.steps.push_back({"check", "Look at the backup and the server", [r](Work& w) {
                              return r->check(w);
                          }});
    plan.steps.push_back(
        {"fetch", "Fetch the data beside the live ones", [r](Work& w) { return r->fetch(w); },
         [r](Work& w) { return r->replacing().undo_room(w); }}
    );
    add_safety(plan, site, safety);
    add_replacing(plan, r);
    return plan;
}

journal::Plan clone_plan(deploy::Site& site, proto::CloneArgs args) {
    auto safety = args.safety;
    auto c = std::make_shared<Clone>(site, std::move(args));
    journal::Plan plan;
    plan.steps.push_back({"check", "Look at both environments", [c](Work& w) {
                              return c->check(w);
                          }});
    plan.steps.push_back(
        {"copy", "Copy the data beside the live ones", [c](Work& w) { return c->copy(w); },
         [c](Work& w) { return c->undo(w); }}
    );
    add_safety(plan, site, safety);
    add_replacing(plan, c);
    return plan;
}

} // namespace fairlead::backup
