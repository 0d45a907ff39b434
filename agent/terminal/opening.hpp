/// The first words between the link and the process of a terminal: frames of four bytes of length
/// (big endian) and that much JSON, one each way.
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

/// False when nobody is there to hear it.
bool answer(int peer, proto::StreamEnd code, std::string_view reason);
bool answer_open(int peer);

/// Why it is not opened.
struct Refusal {
    proto::StreamEnd code = proto::StreamEnd::failed;
    std::string reason;
};

/// The user to open it as, or the refusal. Who may not is told nothing of who there is.
tl::expected<host::Login, Refusal>
judge(const proto::TerminalPurpose& wanted, const policy::Policy& policy);

} // namespace fairlead::terminal
