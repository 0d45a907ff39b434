#include "agent/backup/plans.hpp"

#include "agent/backup/calendar.hpp"
#include "agent/backup/drilling.hpp"
#include "agent/backup/identity.hpp"
#include "agent/backup/importing.hpp"
#include "agent/backup/keys.hpp"
#include "agent/backup/making.hpp"
#include "agent/backup/restoring.hpp"
#include "agent/backup/settings.hpp"
#include "agent/backup/verdicts.hpp"
#include "agent/host/users.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <iterator>

namespace fairlead::backup {
namespace {

using journal::Work;

/// Who speaks to a bucket where no environment is concerned.
constexpr const char* own_user = "fairlead-backup";

journal::Plan storage_test_plan(proto::StorageTestArgs args) {
    journal::Plan plan;
    plan.steps.push_back({"test", "Try the storage", [args](Work& work) -> Result<> {
                              FAIRLEAD_CHECK(host::ensure_user(own_user, "/nonexistent"));
                              Job job;
                              job.task = Task::test_storage;
                              job.storage = args.storage;
                              job.secret_key =
                                  work.secret("storage:" + args.storage.id).value_or("");
                              job.session_token =
                                  work.secret("storage_token:" + args.storage.id).value_or("");
                              job.user = own_user;
                              // A failed check is this operation's finding, not its failure.
                              FAIRLEAD_TRY(answer, run_job(std::move(job), work));
                              work.result.preflight = proto::PreflightReport{answer.checks};
                              return {};
                          }});
    return plan;
}

journal::Plan configure_plan(deploy::Site& site, proto::BackupConfigureArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    auto act = [&site, args](Work& work) -> Result<> {
        deploy::Place place(site.layout(), args.slug);
        BackupPlace backups(place);
        FAIRLEAD_CHECK(deploy::find_environment(place, args.environment_id));
        if (!args.settings) {
            FAIRLEAD_CHECK(arrange(site.layout(), place, std::nullopt));
            FAIRLEAD_CHECK(forget_settings(backups));
            work.info("No backup is scheduled any more, and the server has no keys to a bucket.");
            return {};
        }
        FAIRLEAD_CHECK(check_calendar(*args.settings));
        FAIRLEAD_CHECK(ensure_identity(backups, place.account));
        Job keys;
        FAIRLEAD_CHECK(use_storage(keys, args.settings->storage, work, backups));
        SavedSettings saved{
            args.environment_id, *args.settings, std::move(keys.secret_key),
            std::move(keys.session_token)};
        auto written = save_settings(backups, saved);
        wipe(saved.secret_key);
        wipe(saved.session_token);
        FAIRLEAD_CHECK(std::move(written));
        FAIRLEAD_CHECK(arrange(site.layout(), place, args.settings));
        auto when = [](const std::string& schedule) {
            return schedule.empty() ? std::string("not scheduled") : schedule;
        };
        work.info(fmt::format(
            "Backups: {}. Drills: {}. Times are in {}.", when(args.settings->schedule),
            when(args.settings->drill_schedule), args.settings->time_zone
        ));
        return {};
    };
    plan.steps.push_back({"configure", "Keep the settings and the times", act});
    return plan;
}

journal::Plan delete_plan(deploy::Site& site, proto::BackupDeleteArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    auto act = [&site, args](Work& work) -> Result<> {
        deploy::Place place(site.layout(), args.slug);
        BackupPlace backups(place);
        // The policy spoke of a name: the backups must be those of the environment that has it.
        for (const auto& other : deploy::all_places(site.layout())) {
            FAIRLEAD_TRY(there, deploy::load_environment(other));
            if (there && there->id == args.backup.environment_id && other.slug != args.slug)
                return fail(Error(
                                Errc::forbidden,
                                fmt::format(
                                    "These are the backups of {}, not of {}.", other.slug, args.slug
                                )
                )
                                .with_code("policy_refused"));
        }
        Job job;
        job.task = Task::remove;
        FAIRLEAD_CHECK(use_storage(job, args.backup.storage, work, backups));
        job.environment_id = args.backup.environment_id;
        job.backup_id = args.backup.id;
        FAIRLEAD_TRY(record, deploy::load_environment(place));
        FAIRLEAD_TRY(identity, load_identity(backups));
        if (record && record->id == args.backup.environment_id && identity) {
            job.user = place.account;
            job.folder = backups.state();
            job.identities = {std::string(identity->print().reveal())};
        } else {
            FAIRLEAD_CHECK(host::ensure_user(own_user, "/nonexistent"));
            job.user = own_user;
        }
        FAIRLEAD_TRY(answer, run_job(std::move(job), work, {}, MayStop::no));
        work.result.removed_backups = answer.removed;
        if (record && record->id == args.backup.environment_id)
            FAIRLEAD_CHECK(note_verdict(backups, args.backup.id, Verdict::good));
        work.info(fmt::format("The backup {} is gone.", args.backup.id));
        return {};
    };
    plan.steps.push_back({"remove", "Remove the backup", act, {}, {}, true});
    return plan;
}

journal::Plan recipient_plan(deploy::Site& site, proto::BackupRecipientArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    auto act = [&site, args](Work& work) -> Result<> {
        deploy::Place place(site.layout(), args.slug);
        FAIRLEAD_CHECK(deploy::find_environment(place, args.environment_id));
        FAIRLEAD_TRY(identity, ensure_identity(BackupPlace(place), place.account));
        work.result.recipient = identity.recipient().str();
        work.info(fmt::format("Backups are encrypted for {} here.", work.result.recipient));
        return {};
    };
    plan.steps.push_back({"recipient", "Tell the public half of the environment's key", act});
    return plan;
}

journal::Plan grant_plan(deploy::Site& site, proto::BackupGrantArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    auto act = [&site, args](Work& work) -> Result<> {
        deploy::Place place(site.layout(), args.slug);
        BackupPlace backups(place);
        Job job;
        job.task = Task::grant;
        FAIRLEAD_CHECK(use_storage(job, args.backup.storage, work, backups));
        job.environment_id = args.backup.environment_id;
        job.backup_id = args.backup.id;
        job.recipients = {args.recipient};
        FAIRLEAD_TRY(identity, identity_of(site.layout(), place, args.backup.environment_id));
        if (!identity)
            return fail(Error(
                            Errc::not_found,
                            fmt::format(
                                "The key of {} is not on this server (any more), so it cannot "
                                "grant its backups to anybody.",
                                args.slug
                            )
            )
                            .with_code("backup_key_elsewhere"));
        job.identities = {std::string(identity->print().reveal())};
        FAIRLEAD_TRY(record, deploy::load_environment(place));
        if (record && record->id == args.backup.environment_id) {
            job.user = place.account;
        } else {
            FAIRLEAD_CHECK(host::ensure_user(own_user, "/nonexistent"));
            job.user = own_user;
        }
        FAIRLEAD_TRY(answer, run_job(std::move(job), work));
        work.info(fmt::format(
            "{} can open the backup {}: the keys of its {} objects are in the bucket, encrypted "
            "for it.",
            args.recipient, args.backup.id, answer.files
        ));
        return {};
    };
    plan.steps.push_back({"grant", "Let another environment open the backup", act});
    return plan;
}

/// A backup first: nothing of the rest begins unless it is whole.
void begin_with(
    journal::Plan& plan, deploy::Site& site, const std::optional<proto::BackupArgs>& backup
) {
    if (!backup) return;
    auto steps = Making::steps(std::make_shared<Making>(site, *backup, "backup-"));
    plan.steps.insert(
        plan.steps.begin(), std::make_move_iterator(steps.begin()),
        std::make_move_iterator(steps.end())
    );
}

template <class Args, class Make>
Result<journal::Plan> with(const proto::Operation& operation, Make make) {
    FAIRLEAD_TRY(args, proto::read<Args>(operation.args));
    return make(std::move(args));
}

/// A deletion also takes the environment's timers away.
Result<journal::Plan> removal(deploy::Site& site, const proto::Operation& operation) {
    FAIRLEAD_TRY(plan, deploy::plan_for(site, operation));
    FAIRLEAD_TRY(args, proto::read<proto::EnvironmentArgs>(operation.args));
    begin_with(plan, site, args.last_backup);
    auto stop = std::ranges::find(plan.steps, "stop", &journal::Step::name);
    journal::Step timers;
    timers.name = "schedule";
    timers.title = "Stop its backups";
    timers.last_call = true;
    timers.act = [&site, slug = args.slug](Work&) {
        return arrange(site.layout(), deploy::Place(site.layout(), slug), std::nullopt);
    };
    plan.steps.insert(stop, std::move(timers));
    journal::Step imports;
    imports.name = "imports";
    imports.title = "Remove what was fetched for imports";
    imports.last_call = true;
    imports.act = [&site, slug = args.slug](Work&) { return forget_imports(site.layout(), slug); };
    plan.steps.insert(
        std::ranges::find(plan.steps, "files", &journal::Step::name), std::move(imports)
    );
    // Its backups outlive it, and so does the key that opens them.
    auto files = std::ranges::find(plan.steps, "files", &journal::Step::name);
    journal::Step key;
    key.name = "key";
    key.title = "Keep the key of its backups";
    key.last_call = true;
    key.act = [&site, slug = args.slug, id = args.environment_id](Work& work) -> Result<> {
        FAIRLEAD_TRY(kept, keep_identity(site.layout(), deploy::Place(site.layout(), slug), id));
        if (kept)
            work.info(fmt::format("The key that opens its backups is in {}.", kept->string()));
        return {};
    };
    plan.steps.insert(files, std::move(key));
    return plan;
}

} // namespace

Result<journal::Plan> plan_for(deploy::Site& site, const proto::Operation& operation) {
    const auto& wanted = operation.kind;
    if (wanted == proto::kind::storage_test)
        return with<proto::StorageTestArgs>(operation, [](auto args) {
            return storage_test_plan(std::move(args));
        });
    if (wanted == proto::kind::backup_configure)
        return with<proto::BackupConfigureArgs>(operation, [&](auto args) {
            return configure_plan(site, std::move(args));
        });
    if (wanted == proto::kind::backup)
        return with<proto::BackupArgs>(operation, [&](auto args) {
            return backup_plan(site, std::move(args));
        });
    if (wanted == proto::kind::backup_delete)
        return with<proto::BackupDeleteArgs>(operation, [&](auto args) {
            return delete_plan(site, std::move(args));
        });
    if (wanted == proto::kind::recipient)
        return with<proto::BackupRecipientArgs>(operation, [&](auto args) {
            return recipient_plan(site, std::move(args));
        });
    if (wanted == proto::kind::grant)
        return with<proto::BackupGrantArgs>(operation, [&](auto args) {
            return grant_plan(site, std::move(args));
        });
    if (wanted == proto::kind::restore)
        return with<proto::RestoreArgs>(operation, [&](auto args) {
            return restore_plan(site, std::move(args));
        });
    if (wanted == proto::kind::drill)
        return with<proto::DrillArgs>(operation, [&](auto args) {
            return drill_plan(site, std::move(args));
        });
    if (wanted == proto::kind::clone)
        return with<proto::CloneArgs>(operation, [&](auto args) {
            return clone_plan(site, std::move(args));
        });
    if (wanted == proto::kind::import_analyse)
        return with<proto::ImportAnalyseArgs>(operation, [&](auto args) {
            return import_analyse_plan(site, std::move(args));
        });
    if (wanted == proto::kind::import_run)
        return with<proto::ImportRunArgs>(operation, [&](auto args) {
            return import_run_plan(site, std::move(args));
        });
    if (wanted == proto::kind::import_discard)
        return with<proto::ImportDiscardArgs>(operation, [&](auto args) {
            return import_discard_plan(site, std::move(args));
        });
    if (wanted == proto::kind::remove) return removal(site, operation);
    FAIRLEAD_TRY(plan, deploy::plan_for(site, operation));
    if (wanted == proto::kind::deploy) {
        FAIRLEAD_TRY(args, proto::read<proto::DeployArgs>(operation.args));
        begin_with(plan, site, args.backup_before);
    }
    return plan;
}

} // namespace fairlead::backup
