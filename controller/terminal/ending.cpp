#include "controller/terminal/ending.hpp"

#include "proto/messages.hpp"

namespace fairlead::terminal {

Ending ending_of(const proto::TerminalEnd& end) {
    if (end.code) {
        Ending exited(
            "exited", "The shell ended with exit code " + std::to_string(*end.code) + "."
        );
        exited.code = *end.code;
        return exited;
    }
    if (!end.signal.empty()) {
        Ending killed("killed", "The shell was ended by the signal " + end.signal + ".");
        killed.signal = end.signal;
        return killed;
    }
    if (end.reason == "idle")
        return {"idle", "Nobody typed for as long as the server's policy allows."};
    if (end.reason == "policy")
        return {"policy", "The server's policy does not allow this terminal any more."};
    if (end.reason == "revoked") return {"revoked", "The server was revoked."};
    return {"server_ended", "The server ended the terminal."};
}

Ending ending_of_reset(std::uint32_t code, const Error& failure, bool opened) {
    using proto::StreamEnd;
    auto refusal = [&](std::string reason, std::string message) {
        Ending ending(std::move(reason), std::move(message));
        ending.refused = !opened;
        return ending;
    };
    if (code == static_cast<std::uint32_t>(StreamEnd::not_offered))
        return refusal("not_offered", "The server's agent offers no terminals; update it.");
    if (code == static_cast<std::uint32_t>(StreamEnd::denied))
        return refusal(
            "denied", "The server's agent did not take the organization's key. " + failure.message()
        );
    if (code == static_cast<std::uint32_t>(StreamEnd::forbidden))
        return refusal(
            "policy_refused", "The server's own policy does not allow a terminal as this user. Its "
                              "root decides that, under terminal: in /etc/fairlead/policy.yaml."
        );
    if (code == static_cast<std::uint32_t>(StreamEnd::too_many))
        return refusal("too_many_on_server", "The server has as many terminals open as it may.");
    if (code == static_cast<std::uint32_t>(StreamEnd::no_user))
        return refusal("no_such_user", "The server has no such user, or none with a login shell.");
    if (code == static_cast<std::uint32_t>(StreamEnd::failed) && opened)
        return {
            "lost", "The terminal's process on the server was ended, or has failed. There, "
                    "journalctl -t fairlead-agent says why."};
    if (code == static_cast<std::uint32_t>(StreamEnd::failed))
        return refusal(
            "failed", "The server could not open the terminal. There, journalctl -t "
                      "fairlead-agent says why."
        );
    if (code == 0 && failure.code() == "stream_lost")
        return {"lost", "The terminal was lost with the server's connection. " + failure.message()};
    return {"lost", "The terminal was lost: " + failure.message()};
}

} // namespace fairlead::terminal
