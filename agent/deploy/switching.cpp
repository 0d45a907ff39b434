// How one release takes the place of another.
#include "agent/deploy/parts.hpp"
#include "agent/deploy/units.hpp"
#include "agent/host/files.hpp"
#include "agent/host/memory.hpp"
#include "agent/host/network.hpp"
#include "agent/odoo/serve.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <thread>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto load_limit = 120s; // until its modules are loaded
constexpr auto between = 200ms;

} // namespace

bool Hands::runs(const journal::Work& work) {
    if (work.recall(fact::first).value_or("yes") != "no") return false;
    auto states = systemd_.states(units());
    return states && std::ranges::all_of(*states, &host::UnitState::running);
}

Result<> Hands::switch_to(journal::Work& work, std::uint32_t number) {
    FAIRLEAD_TRY(templates_changed, install_templates(layout()));
    if (has_domains(work, number)) work.remember(fact::named, true);
    work.remember(fact::switched, true);
    FAIRLEAD_TRY(stays_open, exposure_.stays_open(place_, number));
    FAIRLEAD_TRY(running, systemd_.state(place_.service()));

    FAIRLEAD_CHECK(
        host::replace_link(place_.current(), fs::path("releases") / std::to_string(number))
    );
    FAIRLEAD_CHECK(follow_current(layout(), place_, place_.service(), "service.conf"));
    FAIRLEAD_CHECK(exposure_.attach(layout(), place_));
    FAIRLEAD_CHECK(systemd_.reload());
    FAIRLEAD_CHECK(enable_all());
    FAIRLEAD_CHECK(release_hold());
    if (!running.running() || !stays_open) {
        if (running.running()) FAIRLEAD_CHECK(stop_all(work));
        FAIRLEAD_CHECK(exposure_.shut(systemd_, place_));
        work.info("Starting the new release.");
        return start_all();
    }
    if (work.recall_yes(fact::beside)) return change_beside(work, number);
    // The socket stays open: requests wait in it until the new process takes them.
    work.info("Restarting into the new release; requests wait meanwhile.");
    if (!down_since) down_since = Steady::now();
    return systemd_.restart(place_.service());
}

Result<> Hands::try_beside(journal::Work& work, std::uint32_t number) {
    FAIRLEAD_TRY(next, load_release(place_, number));
    FAIRLEAD_TRY(stays_open, exposure_.stays_open(place_, number));
    auto live = load_release(place_, previous(work));
    auto hindrance = !stays_open ? "the environment will be reached at another port"
                     : !live     ? live.error().message()
                                 : beside_hindrance(*live, next, host::memory().free_bytes);
    if (!hindrance.empty()) {
        work.info(fmt::format(
            "The new release cannot run beside the old one, so requests will wait for it: {}.",
            hindrance
        ));
        return {};
    }
    FAIRLEAD_TRY(port, host::free_port());
    work.info(fmt::format("Trying release {} beside the live one, on port {}.", number, port));
    FAIRLEAD_CHECK(install_templates(layout()));
    FAIRLEAD_CHECK(beside_.start(number, port));
    FAIRLEAD_CHECK(wait_until_serving(work, beside_.unit()));
    std::string why = "it did not answer";
    FAIRLEAD_TRY(well, answers(port, why));
    if (!well)
        return fail(health_error(
            work, beside_.unit(),
            fmt::format("Release {} does not work, and was not switched to: {}.", number, why)
        ));
    FAIRLEAD_CHECK(beside_.stop());
    work.remember(fact::beside, true);
    return {};
}

Result<> Hands::undo_beside(journal::Work&) {
    return beside_.stop();
}

Result<> Hands::change_beside(journal::Work& work, std::uint32_t number) {
    FAIRLEAD_CHECK(beside_.start(number, std::nullopt));
    FAIRLEAD_CHECK(wait_until_serving(work, beside_.unit()));
    work.info("The new release takes requests; those that the old one has may end.");
    work.result.downtime_ms = 0;
    FAIRLEAD_CHECK(systemd_.restart(place_.service()));
    FAIRLEAD_CHECK(wait_until_serving(work, place_.service()));
    return beside_.stop();
}

Result<> Hands::wait_until_serving(journal::Work& work, const std::string& unit) {
    auto limit = Steady::now() + load_limit;
    for (;;) {
        if (work.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
        FAIRLEAD_TRY(state, systemd_.state(unit));
        if (state.running() && state.status == odoo::serving) return {};
        if (state.active == "failed" || state.active == "inactive" || state.sub == "auto-restart")
            return fail(health_error(
                work, unit, fmt::format("Odoo ended by itself (exit status {}).", state.exit_status)
            ));
        if (Steady::now() > limit)
            return fail(health_error(
                work, unit,
                fmt::format("Odoo did not load its modules within {} s.", load_limit.count())
            ));
        std::this_thread::sleep_for(between);
    }
}

Result<> Hands::undo_switch(journal::Work& work) {
    if (!work.recall_yes(fact::switched)) return {};
    FAIRLEAD_CHECK(beside_.stop());
    // A release that failed may hang for as long as it is let.
    FAIRLEAD_CHECK(stop_all(work, 5s));
    if (!work.recall_yes(fact::first)) {
        FAIRLEAD_CHECK(host::replace_link(
            place_.current(), fs::path("releases") / std::to_string(previous(work))
        ));
        work.info(fmt::format("Release {} is the current one again.", previous(work)));
        // Another environment's deployment makes Caddy's configuration from what is current, and
        // may have done so while the release that failed was.
        if (work.recall_yes(fact::named)) FAIRLEAD_CHECK(serve_again(work));
        return systemd_.reload();
    }
    FAIRLEAD_CHECK(forget_units(work));
    FAIRLEAD_CHECK(host::remove_tree(place_.current()));
    return systemd_.reload();
}

bool Hands::has_domains(const journal::Work& work, std::uint32_t number) const {
    return std::ranges::any_of(std::array{number, previous(work)}, [&](auto one) {
        return has_site(place_, one) || has_connector(place_, one);
    });
}

Result<> Hands::serve_domains(journal::Work& work, std::uint32_t number) {
    bool connected = has_connector(place_, number), site = has_site(place_, number);
    if (connected) FAIRLEAD_CHECK(connect(work, number));
    if (site || has_site(place_, previous(work))) {
        FAIRLEAD_CHECK(sites_.serve(place_, number));
        work.info(
            site ? "Caddy serves its domains; certificates come by themselves, once the names lead "
                   "here."
                 : "Its domains are not served on this server any more."
        );
    }
    if (connected || !has_connector(place_, previous(work))) return {};
    FAIRLEAD_CHECK(connector_.remove(place_));
    work.info("Its connector to Cloudflare is stopped and removed.");
    return {};
}

Result<> Hands::connect(journal::Work& work, std::uint32_t number) {
    return connector_.serve(place_, number, watch(work));
}

Result<> Hands::prove_connector(journal::Work& work, std::uint32_t number) {
    return connector_.prove(place_, number, watch(work));
}

ConnectorWatch Hands::watch(journal::Work& work) {
    return {
        [&] { return work.stopping(); }, [&](auto line) { work.info(line); },
        [&](auto line) { work.log(proto::LogLevel::error, line); }};
}

Result<> Hands::undo_serve_domains(journal::Work& work) {
    return serve_again(work);
}

Result<> Hands::serve_again(journal::Work& work) {
    FAIRLEAD_CHECK(connect_again(work));
    auto back = sites_.serve(place_, previous(work));
    if (back) return {};
    // What is refused leaves Caddy with what it served before, and would be refused again.
    const auto& why = back.error();
    bool refused =
        why.code() == "caddy_failed" || why.code() == "domain_taken" || why.kind() == Errc::invalid;
    if (!refused) return back;
    work.warn(why.message());
    return {};
}

Result<> Hands::connect_again(journal::Work& work) {
    auto back = connector_.put_back(place_, previous(work), work.id());
    // Without a token there is nothing to try again with.
    if (back || back.error().code() != "cloudflared_missing") return back;
    work.warn(back.error().message());
    return {};
}

} // namespace fairlead::deploy
