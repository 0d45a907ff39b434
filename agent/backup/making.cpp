#include "agent/backup/making.hpp"

#include "agent/backup/identity.hpp"
#include "agent/backup/keys.hpp"
#include "agent/backup/verdicts.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/deploy/venv.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "agent/odoo/odoo.hpp"
#include "common/json/json.hpp"

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead::backup {

using journal::Work;
namespace fs = std::filesystem;

/// That root takes in of what the environment's user wrote: of 1.5 million files.
constexpr std::uint64_t largest_index = 128 << 20;

Making::Making(deploy::Site& site, proto::BackupArgs args, std::string prefix)
    : args_(std::move(args)), prefix_(std::move(prefix)), hands_(site, args_.slug),
      place_(hands_.place()) {}

Result<Job> Making::job(Work& work, Task task) {
    Job job;
    job.task = task;
    FAIRLEAD_CHECK(use_storage(job, args_.settings.storage, work, place_));
    job.user = hands_.place().account;
    job.folder = place_.work();
    job.database = hands_.place().database();
    job.environment_id = args_.environment_id;
    job.backup_id = args_.backup_id;
    FAIRLEAD_TRY(identity, load_identity(place_));
    if (!identity)
        return fail(
            Errc::internal, fmt::format("The identity {} is gone.", place_.identity().string())
        );
    job.recipients = {identity->recipient().str()};
    for (const auto& other : args_.settings.recipients) job.recipients.push_back(other);
    job.identities = {std::string(identity->print().reveal())};
    FAIRLEAD_TRY(bad, bad_backups(place_));
    job.bad = std::move(bad);
    return job;
}

Result<> Making::check(Work& work) {
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), args_.environment_id));
    FAIRLEAD_CHECK(hands_.postgresql().version());
    FAIRLEAD_TRY(there, hands_.postgresql().database_exists(hands_.place().database()));
    if (!there || record.live == 0)
        return fail(Error(
                        Errc::not_found,
                        fmt::format("{} has no database to back up: deploy it first.", args_.slug)
        )
                        .with_code("database_missing"));
    FAIRLEAD_CHECK(ensure_identity(place_, hands_.place().account));
    work.progress(30, "asking the storage");
    FAIRLEAD_TRY(opening, job(work, Task::open));
    opening.folder = place_.state();
    FAIRLEAD_CHECK(run_job(std::move(opening), work, {30, 100}));
    return {};
}

Result<> Making::freeze(Work& work) {
    auto user = host::find_user(hands_.place().account);
    if (!user)
        return fail(
            Errc::internal, fmt::format("The Unix user {} is gone.", hands_.place().account)
        );
    work.remember(fact("begun"), true);
    work.remember(fact("started"), std::to_string(to_ms(hands_.site().now())));
    FAIRLEAD_CHECK(remove_work());
    FAIRLEAD_CHECK(host::make_folder(place_.work(), 0700, user->uid, user->gid));
    FAIRLEAD_CHECK(host::make_folder(place_.frozen(), 0710, 0, user->gid));
    // Where no attachment was ever stored.
    auto files = place_.frozen() / hands_.place().database();
    FAIRLEAD_CHECK(host::make_folder(files, 0750, 0, user->gid));
    // Before the dump, and again after it: a file that the dump names was there at one of the two
    // moments, also when Odoo throws it away in between.
    seen_ = {};
    file_bytes_ = 0;
    return freeze_files(place_.held_before(), {});
}

Result<> Making::freeze_files(const fs::path& held, const archive::Index& before) {
    auto user = host::find_user(hands_.place().account);
    if (!user)
        return fail(
            Errc::internal, fmt::format("The Unix user {} is gone.", hands_.place().account)
        );
    // The environment's own word for what it must not lose; without it all of it is linked.
    auto index = archive::Index::load(place_.index(), largest_index);
    archive::Index listed;
    auto live = hands_.place().filestore() / hands_.place().database();
    std::error_code ignored;
    if (fs::exists(live, ignored))
        FAIRLEAD_CHECK(host::link_new(
            live, place_.frozen() / hands_.place().database(), user->gid,
            [&](const std::string& path, std::uint64_t size) {
                file_bytes_ += size;
                if (!index || !index->find(path, size)) return true;
                if (!before.find(path, size)) listed.files.add(*index->files.find(path));
                return false;
            },
            &seen_
        ));
    FAIRLEAD_CHECK(listed.save(held));
    if (::chown(held.c_str(), 0, user->gid) != 0 || ::chmod(held.c_str(), 0640) != 0)
        return fail(
            Errc::internal, fmt::format("Cannot give {}: {}.", held.string(), std::strerror(errno))
        );
    return {};
}

Result<> Making::remove_work() {
    FAIRLEAD_CHECK(host::remove_tree(place_.work()));
    return host::remove_tree(place_.frozen());
}

Result<> Making::dump(Work& work) {
    FAIRLEAD_TRY(dumping, job(work, Task::dump));
    FAIRLEAD_TRY(answer, run_job(std::move(dumping), work));
    work.info(fmt::format("The database is in the bucket: {}.", deploy::human(answer.sent_bytes)));
    return {};
}

Result<> Making::send_files(Work& work) {
    FAIRLEAD_TRY(before, archive::Index::load(place_.held_before()));
    FAIRLEAD_CHECK(freeze_files(place_.held_after(), before));
    FAIRLEAD_TRY(sending, job(work, Task::files));
    sending.source = place_.frozen() / hands_.place().database();
    sending.held = {place_.held_before().string(), place_.held_after().string()};
    sending.expected_bytes = file_bytes_;
    FAIRLEAD_TRY(answer, run_job(std::move(sending), work));
    work.info(fmt::format(
        "{} files ({}) are in the bucket, {} of them were sent now.", answer.files,
        deploy::human(answer.bytes), deploy::human(answer.sent_bytes)
    ));
    return {};
}

Result<archive::Manifest> Making::manifest(Work& work) {
    archive::Manifest manifest;
    manifest.product = "Fairlead " FAIRLEAD_VERSION;
    manifest.id = args_.backup_id;
    manifest.kind = args_.kind;
    std::int64_t started = 0;
    auto text = work.recall(fact("started")).value_or("0");
    std::from_chars(text.data(), text.data() + text.size(), started);
    manifest.started_at = to_rfc3339(from_ms(started));
    FAIRLEAD_TRY(version, hands_.postgresql().version());
    manifest.postgresql_version = version;
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), args_.environment_id));
    FAIRLEAD_TRY(release, deploy::load_release(hands_.place(), record.live));
    FAIRLEAD_TRY(
        installed, hands_.postgresql().rows(
                       hands_.place().database(), hands_.place().account, odoo::installed_query()
                   )
    );
    auto& e = manifest.environment;
    e.id = record.id;
    e.slug = record.slug;
    e.name = record.name;
    e.type = release.environment.type;
    e.odoo_version = release.environment.odoo_version;
    e.release = record.live;
    e.commits = release.info.commits;
    if (auto python = deploy::python_version()) e.python_version = *python;
    e.python_packages = release.info.python_packages;
    for (const auto& module : installed)
        if (auto hash = release.modules.find(module); hash != release.modules.end())
            e.modules.insert(*hash);
    return manifest;
}

Result<> Making::seal(Work& work) {
    FAIRLEAD_TRY(sealing, job(work, Task::seal));
    FAIRLEAD_TRY(written, manifest(work));
    sealing.manifest = std::move(written);
    FAIRLEAD_TRY(answer, run_job(std::move(sealing), work));
    if (answer.backups.size() != 1) return fail(Errc::internal, "The backup has no description.");
    // Only now, with all of it looked at in the bucket, there is a backup.
    work.remember(fact("info"), json::encode(answer.backups.front()));
    work.remember(fact("whole"), true);
    work.result.backup = answer.backups.front();
    work.info(fmt::format("The backup {} is whole.", args_.backup_id));
    return remove_work();
}

Result<> Making::undo(Work& work) {
    if (!work.recall_yes(fact("begun"))) return {};
    FAIRLEAD_CHECK(remove_work());
    // A backup that stands is told, whatever comes to its operation.
    if (work.recall_yes(fact("whole"))) return recall_info(work);
    work.result.backup.reset();
    auto taking_back = [&]() -> Result<> {
        FAIRLEAD_TRY(discarding, job(work, Task::discard));
        discarding.folder = place_.state();
        FAIRLEAD_CHECK(run_job(std::move(discarding), work, {}, MayStop::no));
        return {};
    }();
    // It is no backup without its manifest, and the next one clears away what is left of it.
    if (!taking_back)
        work.warn(fmt::format(
            "What was sent of this backup stays in the bucket until the next one: {}",
            taking_back.error().message()
        ));
    return {};
}

Result<> Making::recall_info(Work& work) {
    if (auto info = work.recall(fact("info")); info && !work.result.backup) {
        FAIRLEAD_TRY(known, json::decode<proto::BackupInfo>(*info, json::Strictness::lenient));
        work.result.backup = known;
    }
    return {};
}

Result<> Making::prune(Work& work) {
    FAIRLEAD_CHECK(recall_info(work));
    auto pruning = [&]() -> Result<> {
        FAIRLEAD_TRY(asked, job(work, Task::prune));
        asked.folder = place_.state();
        asked.retention = args_.settings.retention;
        asked.time_zone = args_.settings.time_zone;
        FAIRLEAD_TRY(answer, run_job(std::move(asked), work, {}, MayStop::no));
        work.result.removed_backups = answer.removed;
        work.result.stored = proto::StoredBackups{args_.settings.storage.id, answer.stored};
        // Of one that is gone there is nothing to be known.
        for (const auto& id : answer.removed)
            FAIRLEAD_CHECK(note_verdict(place_, id, Verdict::good));
        return {};
    }();
    if (!pruning)
        work.warn(fmt::format(
            "Old backups could not be cleared away; the next backup tries again: {}",
            pruning.error().message()
        ));
    return {};
}

std::vector<journal::Step> Making::steps(const std::shared_ptr<Making>& m) {
    auto name = [&](std::string_view word) { return m->prefix_ + std::string(word); };
    std::vector<journal::Step> steps;
    steps.push_back(
        {name("check"), "Look at the environment and the storage",
         [m](Work& w) { return m->check(w); },
         [m](Work&) -> Result<> {
             clear_strays(m->place_.state());
             return {};
         }}
    );
    // One undo for all four: it takes back whatever there is.
    steps.push_back(
        {name("freeze"), "Hold the filestore as it is", [m](Work& w) { return m->freeze(w); },
         [m](Work& w) { return m->undo(w); }}
    );
    steps.push_back({name("database"), "Send the database", [m](Work& w) { return m->dump(w); }});
    steps.push_back({name("filestore"), "Send the files", [m](Work& w) { return m->send_files(w); }}
    );
    steps.push_back({name("seal"), "Write the manifest and look at everything again", [m](Work& w) {
                         return m->seal(w);
                     }});
    return steps;
}

journal::Plan backup_plan(deploy::Site& site, proto::BackupArgs args) {
    auto m = std::make_shared<Making>(site, std::move(args));
    journal::Plan plan;
    plan.steps = Making::steps(m);
    plan.steps.push_back(
        {"retention", "Clear old backups away", [m](Work& w) { return m->prune(w); }, {}, {}, true}
    );
    return plan;
}

} // namespace fairlead::backup
