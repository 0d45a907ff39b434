#include "agent/deploy/deployment_steps.hpp"
#include "agent/deploy/odoo_run.hpp"
#include "agent/host/files.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace fairlead::deploy {

using namespace std::chrono_literals;
using journal::Work;

Result<std::vector<std::string>> Deployment::installed() {
    return hands_.postgresql().rows(place_.database(), place_.account, odoo::installed_query());
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
    OdooRun run;
    run.installation = installation();
    run.environment = e_;
    run.venv = hands_.layout().venv(venv_);
    run.variables = place_.release(number()) / "variables.env";
    run.argv = odoo::migrate_command(run.installation, migration, modules);
    run.what = fmt::format(
        "{} {}", migration == odoo::Migration::install ? "install" : "update",
        fmt::join(modules, ", ")
    );
    run.code = "migration_failed";
    run.from_percent = 10;
    run.to_percent = 90;
    return run_odoo(hands_, work, run);
}

Result<> Deployment::check_modules(const std::vector<std::string>& named) {
    FAIRLEAD_CHECK(modules_settled(hands_, place_.database()));
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

/// Odoo's own is "admin", which whoever finds the address tries first.
Result<> Deployment::give_first_password(Work& work) {
    Secret password(crypto::base64url_encode(crypto::random_bytes(15)));
    auto query = odoo::first_password_query(e_.odoo_version, password);
    if (query.empty()) {
        work.warn("The user admin of the new database has the password admin: change it.");
        return {};
    }
    auto file = place_.first_password();
    FAIRLEAD_CHECK(write_file(file, std::string(password.reveal()) + "\n", 0600));
    FAIRLEAD_TRY(given, hands_.postgresql().rows(place_.database(), place_.account, query));
    if (given.empty()) {
        FAIRLEAD_CHECK(host::remove_tree(file));
        return {};
    }
    work.info(fmt::format(
        "Odoo's first user is {}, with the password that {} has on the server.", odoo::first_login,
        file.string()
    ));
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
    FAIRLEAD_CHECK(check_modules(modules_));
    return first ? give_first_password(work) : Result<>();
}

Result<> Deployment::undo_migrate(Work& work) {
    // After a crash it may still be at it.
    FAIRLEAD_CHECK(hands_.systemd().stop({place_.task() + ".service"}, 30s));
    if (!work.recall_yes(fact::made_database)) return {};
    FAIRLEAD_CHECK(host::remove_tree(place_.first_password()));
    FAIRLEAD_CHECK(hands_.postgresql().end_strays());
    return hands_.postgresql().drop_database(place_.database());
}

} // namespace fairlead::deploy
