#include "agent/deploy/odoo_run.hpp"

#include "agent/deploy/units.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace fairlead::deploy {

Result<> run_odoo(Hands& hands, journal::Work& work, const OdooRun& run) {
    const auto& place = hands.place();
    host::Task task;
    task.unit = place.task();
    task.properties = sandbox(hands.layout(), place, run.environment, run.installation, run.venv);
    task.properties.push_back("EnvironmentFile=" + run.variables.string());
    task.argv = run.argv;
    task.deadline = run.limit;
    task.stop = work.stop();
    std::vector<std::string> tail;
    task.on_line = [&](std::string_view line) {
        work.log(odoo::level_of(line), line);
        if (auto percent = odoo::percent_of(line))
            work.progress(
                run.from_percent + *percent * (run.to_percent - run.from_percent) / 100,
                line.substr(line.rfind("oading") - 1)
            );
        tail.emplace_back(utf8::cut(line, 1000));
        if (tail.size() > 200) tail.erase(tail.begin());
    };
    FAIRLEAD_TRY(ended, host::run_task(task));
    if (ended.stopped)
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (ended.timed_out)
        return fail(Error(
                        Errc::timeout,
                        fmt::format("Odoo did not {} within {} hours.", run.what, run.limit.count())
        )
                        .with_code(run.code));
    if (!ended.ok())
        return fail(Error(
                        Errc::conflict,
                        fmt::format("Odoo could not {}: {}", run.what, odoo::explain(tail))
        )
                        .with_code(run.code));
    return {};
}

Result<OdooRun> odoo_run_of(const Hands& hands, const ReleaseRecord& release) {
    const auto& layout = hands.layout();
    const auto& place = hands.place();
    OdooRun run;
    for (const auto& tree : release.trees) {
        auto folder = layout.tree(tree.key, tree.commit);
        if (run.installation.source.empty())
            run.installation.source = folder;
        else
            run.installation.addons.push_back(folder);
    }
    if (run.installation.source.empty())
        return fail(Errc::internal, "The record of the release names no source of Odoo.");
    run.environment = release.environment;
    run.venv = layout.venv(release.venv);
    run.variables = place.release(release.info.number) / "variables.env";
    run.installation.python = run.venv / "bin/python";
    run.installation.config = place.release(release.info.number) / "odoo.conf";
    run.installation.data = place.data();
    run.installation.database = place.database();
    return run;
}

Result<> modules_settled(Hands& hands, const std::string& database) {
    FAIRLEAD_TRY(
        unsettled, hands.postgresql().rows(database, hands.place().account, odoo::unsettled_query())
    );
    if (unsettled.empty()) return {};
    return fail(Error(
                    Errc::conflict, fmt::format(
                                        "Odoo ended without finishing these modules: {}.",
                                        fmt::join(unsettled, ", ")
                                    )
    )
                    .with_code("migration_failed"));
}

} // namespace fairlead::deploy
