/// How a mail leaves the controller.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "controller/mail/message.hpp"

#include <stop_token>

namespace fairlead::mail {

/// Used by one thread at a time.
class Transport {
public:
    virtual ~Transport() = default;

    /// Blocks until the server has taken the mail, at most a minute, or until it is asked to stop.
    /// Errc::invalid: this mail is refused for good (what the server said in the message).
    /// Errc::unavailable: no mail goes out at the moment; try again.
    virtual Result<> send(const Message& message, Timestamp now, const std::stop_token& stop) = 0;
};

} // namespace fairlead::mail
