#include "agent/deploy/plans.hpp"

#include "agent/deploy/deployment.hpp"
#include "agent/deploy/lifecycle.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/deploy/rollback.hpp"
#include "agent/host/files.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {
namespace {

using journal::Work;

journal::Plan ping_plan(proto::PingArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    plan.touches_nothing = true;
    plan.steps.push_back({"ping", "Answer", [args](Work& work) -> Result<> {
                              work.info(args.note.empty() ? "pong" : "pong: " + args.note);
                              return {};
                          }});
    return plan;
}

journal::Plan preflight_plan(Site& site, proto::PreflightArgs args) {
    journal::Plan plan;
    plan.steps.push_back({"preflight", "Check the server", [&site, args](Work& work) -> Result<> {
                              // A failed check is this operation's finding, not its failure.
                              FAIRLEAD_TRY(report, run_preflight(site, args.environment, work));
                              work.result.preflight = report;
                              return {};
                          }});
    return plan;
}

template <class Args, class Make>
Result<journal::Plan> with(const proto::Operation& operation, Make make) {
    FAIRLEAD_TRY(args, proto::read<Args>(operation.args));
    return make(std::move(args));
}

} // namespace

Result<journal::Plan> plan_for(Site& site, const proto::Operation& operation) {
    const auto& wanted = operation.kind;
    if (wanted == proto::kind::ping)
        return with<proto::PingArgs>(operation, [](auto args) {
            return ping_plan(std::move(args));
        });
    if (wanted == proto::kind::preflight)
        return with<proto::PreflightArgs>(operation, [&](auto args) {
            return preflight_plan(site, std::move(args));
        });
    if (wanted == proto::kind::deploy)
        return with<proto::DeployArgs>(operation, [&](auto args) {
            return deploy_plan(site, std::move(args));
        });
    if (wanted == proto::kind::rollback)
        return with<proto::RollbackArgs>(operation, [&](auto args) {
            return rollback_plan(site, std::move(args));
        });
    if (wanted == proto::kind::start)
        return with<proto::EnvironmentArgs>(operation, [&](auto args) {
            return start_plan(site, std::move(args));
        });
    if (wanted == proto::kind::stop)
        return with<proto::EnvironmentArgs>(operation, [&](auto args) {
            return stop_plan(site, std::move(args));
        });
    if (wanted == proto::kind::restart)
        return with<proto::EnvironmentArgs>(operation, [&](auto args) {
            return restart_plan(site, std::move(args));
        });
    if (wanted == proto::kind::remove)
        return with<proto::EnvironmentArgs>(operation, [&](auto args) {
            return delete_plan(site, std::move(args));
        });
    return fail(Errc::invalid, fmt::format("This agent knows no operation \"{}\".", wanted));
}

Result<> prepare_site(const Layout& layout) {
    FAIRLEAD_CHECK(host::make_folder(layout.base, 0755, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(layout.environments(), 0755, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(layout.trees(), 0755, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(layout.venvs(), 0755, 0, 0));
    return {};
}

} // namespace fairlead::deploy
