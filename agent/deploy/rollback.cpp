#include "agent/deploy/rollback.hpp"

#include "agent/deploy/integrity.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {
namespace {

using journal::Work;
namespace fs = std::filesystem;

class Rollback {
public:
    Rollback(Site& site, proto::RollbackArgs args)
        : args_(std::move(args)), hands_(site, args_.slug), place_(hands_.place()) {}

    Hands& hands() { return hands_; }
    std::uint32_t number() const { return args_.release.number; }
    bool with_database() const { return args_.database == proto::DatabaseChoice::snapshot; }

    Result<> check(Work& work) {
        FAIRLEAD_TRY(record, find_environment(place_, args_.environment_id));
        FAIRLEAD_CHECK(hands_.note_before(work, args_.environment_id));
        if (record.live == number())
            return fail(Error(Errc::conflict, fmt::format("Release {} is live already.", number()))
                            .with_code("release_live"));
        FAIRLEAD_TRY(release, load_release(place_, number()));
        FAIRLEAD_CHECK(hands_.site().may_serve(release.environment));
        work.progress(20, "checking the files of the release");
        FAIRLEAD_TRY(difference, altered(hands_.layout(), place_, release));
        if (!difference.empty())
            return fail(
                Error(
                    Errc::conflict,
                    fmt::format(
                        "Release {} was altered since it was deployed: {}. Choose another one.",
                        number(), difference
                    )
                )
                    .with_code("preflight_failed")
            );
        FAIRLEAD_CHECK(hands_.postgresql().version());
        if (!with_database()) return {};
        std::error_code ignored;
        FAIRLEAD_TRY(kept, hands_.postgresql().database_exists(place_.snapshot_database(number())));
        if (!kept || !fs::exists(place_.snapshot(number()), ignored))
            return fail(Error(
                            Errc::not_found, fmt::format(
                                                 "No database is kept with release {}: roll back "
                                                 "the code alone, or choose another release.",
                                                 number()
                                             )
            )
                            .with_code("snapshot_missing"));
        FAIRLEAD_TRY(now, hands_.postgresql().database_bytes(place_.database()));
        FAIRLEAD_TRY(then, hands_.postgresql().database_bytes(place_.snapshot_database(number())));
        FAIRLEAD_TRY(space, host::disk_space(hands_.layout().base));
        auto need = now + then + (256ULL << 20);
        if (space.free_bytes < need)
            return fail(Error(
                            Errc::conflict,
                            fmt::format(
                                "Disk space: {} are free and {} are needed for two copies of the "
                                "database. Free at least {}.",
                                human(space.free_bytes), human(need), human(need - space.free_bytes)
                            )
            )
                            .with_code("preflight_failed"));
        return {};
    }

    Result<> restore(Work& work) {
        work.remember(fact::replacing, true);
        work.info(fmt::format("Putting in the database and the filestore of release {}.", number())
        );
        FAIRLEAD_CHECK(hands_.postgresql().drop_database(place_.database()));
        FAIRLEAD_CHECK(hands_.postgresql().copy_database(
            place_.snapshot_database(number()), place_.database(), place_.account
        ));
        work.progress(70, "filestore");
        FAIRLEAD_CHECK(host::remove_tree(place_.filestore()));
        FAIRLEAD_CHECK(host::link_tree(place_.snapshot(number()), place_.filestore()));
        return host::sync_tree(place_.root);
    }

    Result<> keep(Work& work) {
        if (work.recall_yes(fact::snapshot))
            FAIRLEAD_CHECK(hands_.keep_snapshot(hands_.previous(work)));
        FAIRLEAD_TRY(release, load_release(place_, number()));
        FAIRLEAD_TRY(record, load_environment(place_));
        if (!record) return fail(Errc::internal, "The environment's record is gone.");
        record->live = number();
        record->port = release.environment.port;
        FAIRLEAD_CHECK(save_environment(place_, *record));
        release.info.live = true;
        work.result.release = release.info;
        work.info(fmt::format("Release {} is live again.", number()));
        return {};
    }

private:
    proto::RollbackArgs args_;
    Hands hands_;
    const Place& place_;
};

} // namespace

journal::Plan rollback_plan(Site& site, proto::RollbackArgs args) {
    auto r = std::make_shared<Rollback>(site, std::move(args));
    auto with_database = [r](Work&) { return r->with_database(); };
    journal::Plan plan;
    plan.steps.push_back({"preflight", "Check the release", [r](Work& w) { return r->check(w); }});
    plan.steps.push_back(
        {"snapshot", "Stop Odoo and copy its data",
         [r](Work& w) { return r->hands().take_snapshot(w); },
         [r](Work& w) { return r->hands().undo_snapshot(w); }, with_database}
    );
    // Its undo is that of the snapshot, which puts the present state back whole.
    plan.steps.push_back(
        {"restore",
         "Put in the data of the release",
         [r](Work& w) { return r->restore(w); },
         {},
         with_database}
    );
    plan.steps.push_back(
        {"beside", "Try the release beside the live one",
         [r](Work& w) { return r->hands().try_beside(w, r->number()); },
         [r](Work& w) { return r->hands().undo_beside(w); },
         [r](Work& w) { return !r->with_database() && r->hands().runs(w); }}
    );
    plan.steps.push_back(
        {"switch", "Switch to the release",
         [r](Work& w) { return r->hands().switch_to(w, r->number()); },
         [r](Work& w) { return r->hands().undo_switch(w); }}
    );
    plan.steps.push_back({"health", "Wait until Odoo is healthy", [r](Work& w) {
                              return r->hands().wait_until_healthy(w);
                          }});
    plan.steps.push_back(
        {"domains", "Serve its domains",
         [r](Work& w) { return r->hands().serve_domains(w, r->number()); },
         [r](Work& w) { return r->hands().undo_serve_domains(w); },
         [r](Work& w) { return r->hands().has_domains(w, r->number()); }}
    );
    plan.steps.push_back({"keep", "Keep it", [r](Work& w) { return r->keep(w); }, {}, {}, true});
    plan.settle = [r](Work& w) { return r->hands().settle(w); };
    return plan;
}

} // namespace fairlead::deploy
