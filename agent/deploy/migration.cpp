#include "agent/deploy/deployment_steps.hpp"
#include "agent/deploy/units.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace fairlead::deploy {

using namespace std::chrono_literals;
using journal::Work;

namespace {

constexpr auto migration_limit = std::chrono::hours(6);

} // namespace

Result<std::vector<std::string>> Deployment::installed() {
    return hands_.postgresql().rows(place_.database(), odoo::installed_query());
}

Result<> Deployment::decide_migration(Work& work, const ReleaseRecord& release) {
    auto decide = [&](std::string_view what, std::string_view why) {
        work.info(why);
        work.remember(fact::migration, what);
    };
    if (work.recall_yes(fact::first)) {
        modules_ = e_.modules.empty() ? std::vector<std::string>{"base", "web"} : e_.modules;
        std::vector<std::string> unknown;
        for (const auto& module : modules_)
            if (!release.modules.contains(module)) unknown.push_back(module);
        // Odoo only warns about these and goes on without them.
        if (!unknown.empty())
            return fail(
                Error(
                    Errc::invalid,
                    fmt::format("No repository has these modules: {}.", fmt::join(unknown, ", "))
                )
                    .with_code("module_missing")
            );
        decide("install", fmt::format("A new database with {}.", fmt::join(modules_, ", ")));
        return {};
    }
    FAIRLEAD_TRY(present, installed());
    std::set<std::string> have(present.begin(), present.end());
    std::vector<std::string> gone;
    for (const auto& module : present)
        if (!release.modules.contains(module)) gone.push_back(module);
    if (!gone.empty())
        work.warn(
            fmt::format("Installed, but in no repository any more: {}.", fmt::join(gone, ", "))
        );
    switch (args_.update) {
    case proto::UpdateMode::none:
        modules_.clear();
        break;
    case proto::UpdateMode::all:
        modules_ = {"all"};
        break;
    case proto::UpdateMode::modules: {
        for (const auto& module : args_.modules)
            if (!have.contains(module))
                return fail(Error(
                                Errc::invalid,
                                fmt::format(
                                    "The module {} is not installed, so it cannot be updated.",
                                    module
                                )
                )
                                .with_code("module_missing"));
        modules_ = args_.modules;
        break;
    }
    case proto::UpdateMode::automatic: {
        FAIRLEAD_TRY(before, load_release(place_, hands_.previous(work)));
        for (auto& module : odoo::changed(before.modules, release.modules))
            if (have.contains(module)) modules_.push_back(std::move(module));
        break;
    }
    }
    if (modules_.empty())
        decide("none", "No installed module needs a migration; the database stays as it is.");
    else
        decide("update", fmt::format("To be updated: {}.", fmt::join(modules_, ", ")));
    return {};
}

Result<> Deployment::run_migration(
    Work& work, odoo::Migration migration, const std::vector<std::string>& modules
) {
    auto place_of_code = installation();
    host::Task task;
    task.unit = place_.task();
    task.properties =
        sandbox(hands_.layout(), place_, e_, place_of_code, hands_.layout().venv(venv_));
    task.properties.push_back(
        "EnvironmentFile=" + (place_.release(number()) / "variables.env").string()
    );
    task.argv = odoo::migrate_command(place_of_code, migration, modules);
    task.deadline = migration_limit;
    task.stop = work.stop();
    std::vector<std::string> tail;
    task.on_line = [&](std::string_view line) {
        work.log(odoo::level_of(line), line);
        if (auto percent = odoo::percent_of(line))
            work.progress(10 + *percent * 8 / 10, line.substr(line.rfind("oading") - 1));
        tail.emplace_back(line.substr(0, 1000));
        if (tail.size() > 200) tail.erase(tail.begin());
    };
    FAIRLEAD_TRY(ended, host::run_task(task));
    if (ended.stopped)
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (ended.timed_out)
        return fail(
            Error(
                Errc::timeout,
                fmt::format("The migration did not end within {} hours.", migration_limit.count())
            )
                .with_code("migration_failed")
        );
    if (!ended.ok())
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "Odoo could not {} {}: {}",
                            migration == odoo::Migration::install ? "install" : "update",
                            fmt::join(modules, ", "), odoo::explain(tail)
                        )
        )
                        .with_code("migration_failed"));
    return {};
}

Result<> Deployment::check_modules(const std::vector<std::string>& named) {
    // Odoo's exit status is 0 also where it only logged that a module was not loaded.
    FAIRLEAD_TRY(unsettled, hands_.postgresql().rows(place_.database(), odoo::unsettled_query()));
    if (!unsettled.empty())
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "Odoo ended without finishing these modules: {}.",
                                            fmt::join(unsettled, ", ")
                                        )
        )
                        .with_code("migration_failed"));
    FAIRLEAD_TRY(present, installed());
    std::vector<std::string> missing;
    for (const auto& module : named)
        if (module != "all" && std::ranges::find(present, module) == present.end())
            missing.push_back(module);
    if (!missing.empty())
        return fail(Error(
                        Errc::conflict,
                        fmt::format("Odoo ended without installing: {}.", fmt::join(missing, ", "))
        )
                        .with_code("migration_failed"));
    return {};
}

Result<> Deployment::migrate(Work& work) {
    bool first = work.recall_yes(fact::first);
    if (first) {
        work.remember(fact::made_database, true);
        FAIRLEAD_CHECK(hands_.postgresql().create_database(place_.database(), place_.account));
    } else {
        work.remember(fact::replacing, true);
    }
    work.progress(5, "starting Odoo");
    FAIRLEAD_CHECK(
        run_migration(work, first ? odoo::Migration::install : odoo::Migration::update, modules_)
    );
    return check_modules(modules_);
}

Result<> Deployment::undo_migrate(Work& work) {
    // After a crash it may still be at it.
    FAIRLEAD_CHECK(hands_.systemd().stop({place_.task() + ".service"}, 30s));
    if (!work.recall_yes(fact::made_database)) return {};
    FAIRLEAD_CHECK(hands_.postgresql().end_strays());
    return hands_.postgresql().drop_database(place_.database());
}

} // namespace fairlead::deploy
