/// SOCKS 5 (RFC 1928) as far as libcurl speaks it to a proxy: nobody signs in, and one connection
/// is asked for. Mail comes this way, and nothing else.
#pragma once

#include "controller/egress/allow.hpp"
#include "controller/egress/waiting.hpp"

#include <string>

namespace fairlead::egress {

/// What is answered (RFC 1928, section 6).
enum class SocksReply : unsigned char {
    granted = 0,
    refused = 2,
    unreachable = 4,
    no_such_command = 7,
    no_such_address = 8
};

/// The first byte that comes says that it is SOCKS 5; it stays unread. False also when none comes.
bool begins_as_socks(int peer, Moment deadline, int stop);

/// Hears the greeting and the request, and answers the greeting. Errc::invalid when they are not
/// ones; whoever asked was told, where there are words for it.
Result<Place> hear_socks(int peer, Moment deadline, int stop);

/// The answer to the request; after `granted` the connection belongs to the caller.
std::string socks_answer(SocksReply reply);

} // namespace fairlead::egress
