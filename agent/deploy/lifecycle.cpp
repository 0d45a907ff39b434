#include "agent/deploy/lifecycle.hpp"

#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "agent/mail/captures.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {
namespace {

using journal::Work;

struct Shared {
    Shared(Site& site, proto::EnvironmentArgs given)
        : args(std::move(given)), hands(site, args.slug) {}
    proto::EnvironmentArgs args;
    Hands hands;
};
using SharedPtr = std::shared_ptr<Shared>;

Result<> find(Shared& s) {
    FAIRLEAD_CHECK(find_environment(s.hands.place(), s.args.environment_id));
    return {};
}

Error start_failed(const Error& error) {
    return error.code() == "health_failed"
               ? Error(error.kind(), error.message()).with_code("start_failed")
               : error;
}

journal::Plan plan_of(std::vector<journal::Step> steps) {
    journal::Plan plan;
    plan.steps = std::move(steps);
    plan.recovery = journal::Recovery::finish;
    return plan;
}

journal::Step healthy(const SharedPtr& s) {
    return {"health", "Wait until Odoo is healthy", [s](Work& work) -> Result<> {
                auto well = s->hands.wait_until_healthy(work);
                if (!well) return fail(start_failed(well.error()));
                return {};
            }};
}

} // namespace

journal::Plan start_plan(Site& site, proto::EnvironmentArgs args) {
    auto s = std::make_shared<Shared>(site, std::move(args));
    return plan_of(
        {{"start", "Start Odoo",
          [s](Work&) -> Result<> {
              FAIRLEAD_CHECK(find(*s));
              FAIRLEAD_CHECK(s->hands.enable_all());
              return s->hands.start_all();
          }},
         healthy(s)}
    );
}

journal::Plan stop_plan(Site& site, proto::EnvironmentArgs args) {
    auto s = std::make_shared<Shared>(site, std::move(args));
    return plan_of({{"stop", "Stop Odoo", [s](Work& work) -> Result<> {
                         FAIRLEAD_CHECK(find(*s));
                         FAIRLEAD_CHECK(s->hands.stop_all(work));
                         // It stays stopped over a restart of the server.
                         return s->hands.systemd().disable(s->hands.units());
                     }}});
}

journal::Plan restart_plan(Site& site, proto::EnvironmentArgs args) {
    auto s = std::make_shared<Shared>(site, std::move(args));
    return plan_of(
        {{"restart", "Restart Odoo",
          [s](Work&) -> Result<> {
              FAIRLEAD_CHECK(find(*s));
              FAIRLEAD_CHECK(s->hands.enable_all());
              s->hands.down_since = std::chrono::steady_clock::now();
              auto& systemd = s->hands.systemd();
              systemd.reset_failed(s->hands.place().service());
              FAIRLEAD_CHECK(systemd.start(s->hands.exposure().units(s->hands.place())));
              return systemd.restart(s->hands.place().service());
          }},
         healthy(s)}
    );
}

journal::Plan delete_plan(Site& site, proto::EnvironmentArgs args) {
    auto s = std::make_shared<Shared>(site, std::move(args));
    auto check = [s](Work&) { return find(*s); };
    auto stop = [s](Work& work) -> Result<> {
        auto& systemd = s->hands.systemd();
        const auto& place = s->hands.place();
        FAIRLEAD_CHECK(systemd.stop({place.task() + ".service"}, std::chrono::seconds(30)));
        FAIRLEAD_CHECK(s->hands.stop_all(work));
        FAIRLEAD_CHECK(s->hands.forget_units(work));
        return systemd.reload();
    };
    auto database = [s](Work& work) -> Result<> {
        auto& postgresql = s->hands.postgresql();
        const auto& place = s->hands.place();
        FAIRLEAD_CHECK(postgresql.end_strays());
        FAIRLEAD_TRY(snapshots, postgresql.databases(place.account + "."));
        for (const auto& name : snapshots) FAIRLEAD_CHECK(postgresql.drop_database(name));
        FAIRLEAD_CHECK(postgresql.drop_database(place.database()));
        work.info(fmt::format(
            "The database {} and {} kept copies of it are gone.", place.database(), snapshots.size()
        ));
        return postgresql.drop_role(place.account);
    };
    auto files = [s](Work& work) -> Result<> {
        const auto& place = s->hands.place();
        auto mails = mail::Places::below(s->hands.layout().mail());
        FAIRLEAD_CHECK(mail::forget(mails, place.slug));
        FAIRLEAD_CHECK(host::remove_user(place.account));
        FAIRLEAD_CHECK(host::remove_tree(place.root));
        FAIRLEAD_TRY(removed, s->hands.site().collect_garbage());
        work.info(fmt::format(
            "The folder is gone, and {} trees and environments of Python that nothing else used.",
            removed
        ));
        return {};
    };
    return plan_of(
        {{"check", "Find the environment", check},
         {"stop", "Stop Odoo and remove its units", stop, {}, {}, true},
         {"database", "Remove the database", database, {}, {}, true},
         {"files", "Remove the user and the files", files, {}, {}, true}}
    );
}

} // namespace fairlead::deploy
