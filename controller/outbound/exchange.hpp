/// One HTTPS request over a connection that is there already, within limits (layer 4).
#pragma once

#include "common/net/tls_context.hpp"
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
    net::Trust trust = net::Trust::system();
    std::size_t body_bytes = 64 * 1024;
    Deadline deadline;
};

/// Heads have at most 32 KiB. TLS 1.2 or newer, the certificate good for the place's host. Nothing
/// is followed or unpacked. Codes as Outbound::send() has them.
Result<Answer> exchange(Descriptor connection, const Exchange& given);

} // namespace fairlead::outbound
