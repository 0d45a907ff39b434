#include "agent/deploy/deployment.hpp"

#include "agent/deploy/deployment_steps.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::deploy {

using journal::Work;
namespace fs = std::filesystem;

Result<> Deployment::check(Work& work) {
    FAIRLEAD_TRY(report, run_preflight(hands_.site(), e_, work));
    work.result.preflight = report;
    FAIRLEAD_CHECK(verdict(report));
    FAIRLEAD_TRY(record, load_environment(place_));
    std::error_code ignored;
    if (record && fs::exists(place_.release(number()), ignored))
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "The server has a release {} of {} already; a new one needs a higher number.",
                    number(), e_.slug
                )
            )
                .with_code("release_exists")
        );
    return {};
}

Result<> Deployment::prune(Work& work, const EnvironmentRecord& record) {
    auto numbers = release_numbers(place_);
    auto surplus = numbers.size() > e_.keep_releases ? numbers.size() - e_.keep_releases : 0;
    for (auto number : numbers) {
        if (surplus == 0) break;
        // The one that was live until now is what a rollback most likely wants.
        if (number == record.live || number == hands_.previous(work)) continue;
        FAIRLEAD_CHECK(hands_.drop_snapshot(number));
        FAIRLEAD_CHECK(host::remove_tree(place_.release(number)));
        work.result.removed_releases.push_back(number);
        work.info(fmt::format("Release {} is not kept any longer.", number));
        --surplus;
    }
    return {};
}

Result<> Deployment::keep(Work& work) {
    EnvironmentRecord record{e_.id, e_.slug, e_.name, number(), e_.port};
    if (work.recall_yes(fact::snapshot))
        FAIRLEAD_CHECK(hands_.keep_snapshot(hands_.previous(work)));
    FAIRLEAD_CHECK(save_environment(place_, record));
    FAIRLEAD_CHECK(prune(work, record));
    hands_.pins().release();
    FAIRLEAD_CHECK(hands_.site().collect_garbage());
    FAIRLEAD_TRY(release, load_release(place_, number()));
    release.info.live = true;
    work.result.release = release.info;
    work.info(fmt::format("Release {} is live.", number()));
    return {};
}

journal::Plan deploy_plan(Site& site, proto::DeployArgs args) {
    auto d = std::make_shared<Deployment>(site, std::move(args));
    auto migrates = [](Work& work) {
        return work.recall(fact::migration).value_or("none") != "none";
    };
    journal::Plan plan;
    auto add = [&](std::string name, std::string title, std::function<Result<>(Work&)> act,
                   std::function<Result<>(Work&)> undo = {}) -> journal::Step& {
        journal::Step step;
        step.name = std::move(name);
        step.title = std::move(title);
        step.act = std::move(act);
        step.undo = std::move(undo);
        return plan.steps.emplace_back(std::move(step));
    };
    add("preflight", "Check the server", [d](Work& w) { return d->check(w); });
    add(
        "prepare", "Prepare the server", [d](Work& w) { return d->prepare(w); },
        [d](Work& w) { return d->undo_prepare(w); }
    );
    add("fetch", "Fetch the repositories", [d](Work& w) { return d->fetch(w); });
    add("build", "Install the Python packages", [d](Work& w) { return d->build(w); });
    add(
        "configure", "Write the configuration", [d](Work& w) { return d->configure(w); },
        [d](Work& w) { return d->undo_configure(w); }
    );
    add(
        "snapshot", "Stop Odoo and copy its data",
        [d](Work& w) { return d->hands().take_snapshot(w); },
        [d](Work& w) { return d->hands().undo_snapshot(w); }
    ).needed = [migrates](Work& w) { return migrates(w) && !w.recall_yes(fact::first); };
    add(
        "migrate", "Migrate the database", [d](Work& w) { return d->migrate(w); },
        [d](Work& w) { return d->undo_migrate(w); }
    ).needed = migrates;
    add(
        "beside", "Try the new release beside the old one",
        [d](Work& w) { return d->hands().try_beside(w, d->number()); },
        [d](Work& w) { return d->hands().undo_beside(w); }
    ).needed = [d, migrates](Work& w) { return !migrates(w) && d->hands().runs(w); };
    add(
        "switch", "Switch to the new release",
        [d](Work& w) { return d->hands().switch_to(w, d->number()); },
        [d](Work& w) { return d->hands().undo_switch(w); }
    );
    add("health", "Wait until Odoo is healthy",
        [d](Work& w) { return d->hands().wait_until_healthy(w); });
    add(
        "domains", "Serve its domains",
        [d](Work& w) { return d->hands().serve_domains(w, d->number()); },
        [d](Work& w) { return d->hands().undo_serve_domains(w); }
    ).needed = [d](Work& w) { return d->hands().has_domains(w, d->number()); };
    add("keep", "Keep the new release", [d](Work& w) { return d->keep(w); }).last_call = true;
    plan.settle = [d](Work& w) { return d->hands().settle(w); };
    return plan;
}

} // namespace fairlead::deploy
