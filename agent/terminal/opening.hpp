/// What the link asks the process of a terminal for, and who may have it.
#pragma once

#include "agent/host/logins.hpp"
#include "agent/policy/policy.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"
#include "proto/terminal.hpp"

#include <chrono>

namespace fairlead::terminal {

/// What is to be opened. Errc::timeout, Errc::invalid, Errc::unavailable when the link has gone.
Result<proto::TerminalPurpose> read_opening(int peer, std::chrono::milliseconds wait);

/// Why it is not opened.
struct Refusal {
    proto::StreamEnd code = proto::StreamEnd::failed;
    std::string reason;
};

/// The user to open it as, or the refusal. Who may not is told nothing of who there is.
tl::expected<host::Login, Refusal>
judge(const proto::TerminalPurpose& wanted, const policy::Policy& policy);

} // namespace fairlead::terminal
