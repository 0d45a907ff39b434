/// One HTTPS request over a connection that is there already, within limits (layer 4).
#pragma once

#include "common/runtime/file.hpp"
#include "controller/outbound/outbound.hpp"
#include "controller/outbound/way.hpp"

#include <cstddef>
#include <string>

namespace fairlead::outbound {

struct Exchange {
    std::string method = "GET";
    egress::Place place; ///< whose certificate it must be
    std::string target = "/";
    net::Headers headers;
    std::string body;
    std::string ca_pem;      ///< authorities to trust beside the system's
    bool only_those = false; ///< and not the system's
    std::size_t body_bytes = 64 * 1024;
    Deadline deadline;
};

/// Heads have at most 32 KiB. TLS 1.2 or newer, the certificate good for the place's host. Nothing
/// is followed or unpacked. Codes as Outbound::send() has them.
Result<Answer> exchange(Descriptor connection, const Exchange& given);

} // namespace fairlead::outbound
