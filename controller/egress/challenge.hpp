/// The one request that the egress program makes itself, and its one use of plain HTTP: the file
/// that proves a host name, at port 80, for names that have no certificate yet. It carries no
/// secret.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::egress {

struct ChallengeAnswer {
    int status = 0;
    std::string body; ///< its first 512 bytes
};

/// Asks `http://host/.well-known/fairlead-challenge/token` over a connection that is there already,
/// as HTTP/1.0, whose answers are not cut into chunks. At most 10 s and 16 KiB. Follows nothing.
/// Errc::unavailable, code "unreachable", where no whole answer comes.
Result<ChallengeAnswer>
fetch_challenge(int socket, const std::string& host, const std::string& token, int stop);

/// Of what came until the other side ended, or as far as is read of it.
Result<ChallengeAnswer> parse_challenge_answer(std::string_view text);

} // namespace fairlead::egress
