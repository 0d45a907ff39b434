#include "controller/terminal/journal.hpp"

#include "controller/audit/lasting.hpp"

#include <boost/json.hpp>

namespace fairlead::terminal {

api::Act act_on(const Seat& seat, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "server";
    act.target_id = seat.server.str();
    act.target_name = seat.server_name;
    act.after = boost::json::object{{"terminal", seat.id.str()}, {"user", seat.unix_user}};
    if (seat.record) (*act.after)["record"] = true;
    return act;
}

api::Event event_of(const Seat& seat, State state) {
    return {seat.scope.org(), "terminal.updated", boost::json::serialize(to_json(seat, state)),
            "terminals.view", std::nullopt,       false};
}

Result<> AuditJournal::opened(const Seat& seat) {
    return desk_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        desk_.audit.record(unit, seat.scope, seat.actor, act_on(seat, "terminal.open"));
        FAIRLEAD_CHECK(audit::begin_lasting(
            unit, seat.scope, seat.id.str(), seat.actor, act_on(seat, "terminal.close")
        ));
        api::publish(unit, desk_.events, {event_of(seat, State::open)});
        return {};
    });
}

Result<>
AuditJournal::closed(const Seat& seat, const Ending& ending, std::chrono::milliseconds lasted) {
    return desk_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        auto act = act_on(seat, ending.refused ? "terminal.refuse" : "terminal.close");
        if (ending.refused) act.outcome = api::Act::Outcome::refused;
        auto& after = *act.after;
        after["reason"] = ending.reason;
        if (ending.code) after["code"] = *ending.code;
        if (!ending.signal.empty()) after["signal"] = ending.signal;
        if (!ending.refused)
            after["lasted_s"] = std::chrono::duration_cast<std::chrono::seconds>(lasted).count();
        desk_.audit.record(unit, seat.scope, seat.actor, std::move(act));
        FAIRLEAD_CHECK(audit::end_lasting(unit, seat.scope, seat.id.str()));
        boost::json::object gone{{"id", seat.id.str()}};
        api::publish(
            unit, desk_.events,
            {{seat.scope.org(), "terminal.deleted", boost::json::serialize(gone), "terminals.view",
              std::nullopt, false}}
        );
        return {};
    });
}

} // namespace fairlead::terminal
