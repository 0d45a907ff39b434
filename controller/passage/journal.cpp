#include "controller/passage/journal.hpp"

#include "controller/audit/lasting.hpp"

#include <boost/json.hpp>

namespace fairlead::passage {
namespace {

api::Act act_on(const api::SocketOffer& offer, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "server";
    act.target_id = offer.subject;
    act.target_name = offer.caller->subject_name;
    return act;
}

} // namespace

Result<std::string> Journal::opened(const api::SocketOffer& offer) {
    auto name = AuditId::make(clock_.now()).str();
    auto work = [&](store::UnitOfWork& unit) -> Result<> {
        const auto& scope = *offer.caller->who.scope;
        const auto& actor = offer.caller->actor;
        desk_.audit.record(unit, scope, actor, act_on(offer, "ssh.open"));
        return audit::begin_lasting(unit, scope, name, actor, act_on(offer, "ssh.close"));
    };
    FAIRLEAD_CHECK(desk_.store.write(work));
    return name;
}

Result<> Journal::closed(
    const api::SocketOffer& offer, const std::string& name, const std::string& reason,
    std::chrono::milliseconds lasted
) {
    auto act = act_on(offer, "ssh.close");
    act.after = boost::json::object{
        {"reason", reason},
        {"lasted_s", std::chrono::duration_cast<std::chrono::seconds>(lasted).count()}};
    return desk_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        const auto& scope = *offer.caller->who.scope;
        desk_.audit.record(unit, scope, offer.caller->actor, std::move(act));
        return audit::end_lasting(unit, scope, name);
    });
}

} // namespace fairlead::passage
