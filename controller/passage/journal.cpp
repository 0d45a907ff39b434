#include "controller/passage/journal.hpp"

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

Result<> Journal::write(const api::SocketOffer& offer, api::Act act) {
    return desk_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        desk_.audit.record(unit, *offer.caller->who.scope, offer.caller->actor, std::move(act));
        return {};
    });
}

Result<> Journal::opened(const api::SocketOffer& offer) {
    return write(offer, act_on(offer, "ssh.open"));
}

Result<> Journal::closed(
    const api::SocketOffer& offer, const std::string& reason, std::chrono::milliseconds lasted
) {
    auto act = act_on(offer, "ssh.close");
    act.after = boost::json::object{
        {"reason", reason},
        {"lasted_s", std::chrono::duration_cast<std::chrono::seconds>(lasted).count()}};
    return write(offer, std::move(act));
}

} // namespace fairlead::passage
