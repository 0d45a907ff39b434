/// One question to the egress program, and what it says.
#pragma once

#include "common/runtime/file.hpp"
#include "controller/outbound/way.hpp"

#include <string>

namespace fairlead::outbound {

struct Said {
    int status = 0;
    std::string code, body;
};

/// A fresh connection to its socket. Codes "egress_missing", also for an empty path, and
/// "outbound_busy".
Result<Descriptor> open_egress(const std::string& path);

/// Sends `text`, a head, and reads the answer, at most 4 KiB of body. What follows a head without a
/// length belongs to the caller. Codes "outbound_unreachable", "egress_missing", and those of a
/// stop.
Result<Said>
ask_egress(const Descriptor& socket, const std::string& text, const Deadline& deadline);

/// What an answer other than 200 is for whoever asked.
tl::unexpected<Error> refused_by_egress(const Said& said);

} // namespace fairlead::outbound
