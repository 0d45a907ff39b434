/// One terminal as the controller knows it: who asked for it, and whose shell on which server.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/api/principal.hpp"
#include "controller/terminal/ids.hpp"
#include "proto/terminal.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::terminal {

/// Made from the request that the guard has let in, and never changed. Only the memory of this
/// process has it.
struct Seat {
    TerminalId id;
    api::OrgScope scope;
    ServerId server;
    std::string server_name;
    std::string unix_user;
    proto::TerminalSize size;
    bool record = false; ///< the server keeps what it shows
    UserId user;
    std::string email;
    SessionId session;
    std::string address; ///< of the browser
    api::Actor actor;    ///< for the audit log
    Timestamp made{};
    Timestamp expires{};            ///< of the ticket
    std::optional<Timestamp> until; ///< api::Principal::until
    std::vector<std::string> bonds; ///< the terminal ends with any of these
};

enum class State {
    waiting, ///< for whoever holds the ticket
    open,    ///< a browser shows it
    away,    ///< its browser's connection broke; it can be resumed
    ended,   ///< and nobody has been told yet
};

/// As the contract shows it.
boost::json::object to_json(const Seat& seat, State state);

} // namespace fairlead::terminal
