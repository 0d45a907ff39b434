#include "agent/backup/drilling.hpp"

#include "agent/backup/identity.hpp"
#include "agent/backup/keys.hpp"
#include "agent/backup/room.hpp"
#include "agent/backup/transfer.hpp"
#include "agent/backup/verdicts.hpp"
#include "agent/deploy/odoo_run.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace fairlead::backup {
namespace {

using journal::Work;
using proto::CheckResult;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::uint32_t sampled = 20;

class Drill {
public:
    Drill(deploy::Site& site, proto::DrillArgs args)
        : args_(std::move(args)), hands_(site, args_.slug), place_(hands_.place()),
          database_(hands_.place().account + ".drill"), sample_(place_.root / "drill") {}

    Result<> choose(Work& work) {
        FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), args_.environment_id));
        FAIRLEAD_TRY(release, deploy::load_release(hands_.place(), record.live));
        release_ = std::move(release);
        FAIRLEAD_CHECK(hands_.postgresql().version());
        if (args_.backup.id.empty()) {
            FAIRLEAD_TRY(listing, job(Task::list, work));
            FAIRLEAD_TRY(answer, run_job(std::move(listing), work, {0, 30}));
            if (answer.backups.empty())
                return fail(Error(
                                Errc::not_found,
                                fmt::format(
                                    "There is no backup of {} in the bucket yet: make one first.",
                                    args_.slug
                                )
                )
                                .with_code("backup_missing"));
            args_.backup.id = answer.backups.front().id;
        }
        report_.backup_id = args_.backup.id;
        report_.at_ms = to_ms(hands_.site().now());
        work.info(fmt::format("The backup {} shows whether it restores.", args_.backup.id));
        auto looked = inspect(work);
        return found(
            work, "objects", "All objects are in the bucket", looked,
            looked ? fmt::format(
                         "{} and {} files", deploy::human(manifest_.database.object.bytes),
                         manifest_.filestore.files
                     )
                   : ""
        );
    }

    Result<> restore(Work& work) {
        begun_ = Steady::now();
        FAIRLEAD_CHECK(clean());
        auto user = host::find_user(hands_.place().account);
        if (!user) return fail(Errc::internal, "The Unix user of the environment is gone.");
        FAIRLEAD_CHECK(hands_.postgresql().create_bare_database(database_, hands_.place().account));
        auto loaded = load(work);
        FAIRLEAD_CHECK(found(
            work, "database", "The database restores", loaded,
            deploy::human(manifest_.database.dump_bytes)
        ));
        FAIRLEAD_CHECK(host::make_folder(sample_, 0700, user->uid, user->gid));
        FAIRLEAD_TRY(sampling, job(Task::sample_files, work));
        sampling.folder = sample_;
        sampling.count = sampled;
        auto sample = run_job(std::move(sampling), work, {80, 100});
        return found(
            work, "attachments", "A sample of files opens", sample,
            sample ? fmt::format(
                         "{} of {} files, {}", sample->files, manifest_.filestore.files,
                         deploy::human(sample->bytes)
                     )
                   : ""
        );
    }

    Result<> count(Work& work) {
        std::string differing;
        auto compare = [&](std::string_view what, std::uint64_t now, std::uint64_t then) {
            if (now == then) return;
            differing += fmt::format(
                "{}{}: {} instead of {}", differing.empty() ? "" : "; ", what, now, then
            );
        };
        FAIRLEAD_TRY(tables, number(odoo::table_count_query()));
        compare("tables", tables, manifest_.database.tables);
        std::uint64_t rows = 0;
        for (const auto& [table, then] : manifest_.database.rows) {
            // The manifest is the bucket's: what it says is no name of a table until it is one of
            // ours.
            if (std::ranges::find(odoo::counted_tables(), table) == odoo::counted_tables().end())
                continue;
            FAIRLEAD_TRY(now, number("SELECT count(*) FROM " + table));
            compare(table, now, then);
            rows += now;
        }
        Result<> verdict;
        if (!differing.empty())
            verdict = fail(
                Error(
                    Errc::conflict,
                    fmt::format("The restored database differs from the dumped one: {}.", differing)
                )
                    .with_code("drill_failed")
            );
        return found(
            work, "counts", "Tables and rows are as many as when it was made", verdict,
            fmt::format("{} tables, {} rows looked at", tables, rows)
        );
    }

    Result<> load_registry(Work& work) {
        FAIRLEAD_TRY(run, deploy::odoo_run_of(hands_, release_));
        run.installation.database = database_;
        run.argv = odoo::load_command(run.installation);
        run.what = "load the restored database";
        run.code = "drill_failed";
        run.limit = std::chrono::hours(1);
        auto loaded = deploy::run_odoo(hands_, work, run);
        if (loaded) loaded = deploy::modules_settled(hands_, database_);
        FAIRLEAD_CHECK(found(
            work, "registry", "Odoo loads it", loaded,
            fmt::format("{} modules", manifest_.environment.modules.size())
        ));
        auto took = Steady::now() - begun_;
        report_.restore_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
        );
        work.result.drill = report_;
        FAIRLEAD_CHECK(note_verdict(place_, args_.backup.id, Verdict::good));
        work.info(fmt::format(
            "The backup {} restores, in {:.1f} s.", args_.backup.id,
            std::chrono::duration<double>(took).count()
        ));
        return {};
    }

    Result<> clean() {
        FAIRLEAD_CHECK(
            hands_.systemd().stop({hands_.place().task() + ".service"}, std::chrono::seconds(30))
        );
        FAIRLEAD_CHECK(hands_.postgresql().end_strays());
        FAIRLEAD_CHECK(hands_.postgresql().drop_database(database_));
        FAIRLEAD_CHECK(host::remove_tree(sample_));
        // What Odoo wrote of its own for a database of that name.
        return host::remove_tree(hands_.place().filestore() / database_);
    }

private:
    Result<Job> job(Task task, Work& work) {
        Job job;
        job.task = task;
        FAIRLEAD_CHECK(use_storage(job, args_.backup.storage, work, place_));
        job.user = hands_.place().account;
        job.environment_id = args_.backup.environment_id;
        job.backup_id = args_.backup.id;
        FAIRLEAD_TRY(identity, load_identity(place_));
        if (!identity)
            return fail(
                Error(
                    Errc::not_found,
                    fmt::format("{} has no key yet: no backup was made of it here.", args_.slug)
                )
                    .with_code("backup_key_elsewhere")
            );
        job.identities = {std::string(identity->print().reveal())};
        return job;
    }

    Result<> inspect(Work& work) {
        FAIRLEAD_TRY(looking, job(Task::inspect, work));
        FAIRLEAD_TRY(answer, run_job(std::move(looking), work, {30, 100}));
        if (!answer.manifest) return fail(Errc::internal, "The backup has no description.");
        manifest_ = std::move(*answer.manifest);
        FAIRLEAD_TRY(disks, disks_of(hands_));
        Room room;
        room.database = manifest_.database.logical_bytes;
        return need_room(disks, room, "a drill needs");
    }

    Result<> load(Work& work) {
        FAIRLEAD_TRY(loading, job(Task::load_database, work));
        loading.database = database_;
        FAIRLEAD_CHECK(run_job(std::move(loading), work, {0, 80}));
        return {};
    }

    Result<std::uint64_t> number(const std::string& sql) {
        FAIRLEAD_TRY(rows, hands_.postgresql().rows(database_, hands_.place().account, sql));
        return rows.empty() ? 0 : std::strtoull(rows.front().c_str(), nullptr, 10);
    }

    /// Writes down what was found of the backup, and passes a failure on.
    template <class Value>
    Result<> found(
        Work& work, std::string id, std::string title, const Result<Value>& outcome,
        std::string value
    ) {
        if (!outcome && !blames_backup(outcome.error())) return fail(outcome.error());
        proto::Check check;
        check.id = std::move(id);
        check.title = std::move(title);
        check.result = outcome ? CheckResult::passed : CheckResult::failed;
        check.value = outcome ? std::move(value) : outcome.error().message();
        if (!outcome)
            check.remedy = "Make a new backup at once, and look at what the operation's log says.";
        report_.checks.push_back(std::move(check));
        work.result.drill = report_;
        if (outcome) return {};
        FAIRLEAD_CHECK(note_verdict(place_, args_.backup.id, Verdict::bad));
        return fail(outcome.error());
    }

    proto::DrillArgs args_;
    deploy::Hands hands_;
    BackupPlace place_;
    std::string database_;
    fs::path sample_;
    deploy::ReleaseRecord release_;
    archive::Manifest manifest_;
    proto::DrillReport report_;
    Steady::time_point begun_{};
};

} // namespace

journal::Plan drill_plan(deploy::Site& site, proto::DrillArgs args) {
    auto d = std::make_shared<Drill>(site, std::move(args));
    journal::Plan plan;
    plan.steps.push_back({"check", "Look at the backup", [d](Work& w) { return d->choose(w); }});
    // Its undo takes away what all steps leave.
    plan.steps.push_back(
        {"restore", "Restore it beside the live environment",
         [d](Work& w) { return d->restore(w); }, [d](Work&) { return d->clean(); }}
    );
    plan.steps.push_back({"counts", "Count tables and rows", [d](Work& w) { return d->count(w); }});
    plan.steps.push_back({"registry", "Let Odoo load it", [d](Work& w) {
                              return d->load_registry(w);
                          }});
    plan.steps.push_back(
        {"clean", "Take it away again", [d](Work&) { return d->clean(); }, {}, {}, true}
    );
    return plan;
}

} // namespace fairlead::backup
