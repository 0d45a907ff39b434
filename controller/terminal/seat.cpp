#include "controller/terminal/seat.hpp"

namespace fairlead::terminal {

boost::json::object to_json(const Seat& seat, State state) {
    const char* name = state == State::waiting ? "waiting" : state == State::open ? "open" : "away";
    return {
        {"id", seat.id.str()},
        {"server_id", seat.server.str()},
        {"user", seat.unix_user},
        {"state", name},
        {"opened_by", {{"id", seat.user.str()}, {"email", seat.email}}},
        {"address", seat.address},
        {"created_at", to_rfc3339(seat.made)}};
}

} // namespace fairlead::terminal
