/// What the controller and the egress program say to each other: HTTP/1.1 heads. (Mail alone comes
/// by SOCKS 5, which libcurl speaks: socks.hpp.)
///
///     GET /addresses/hooks.example.org HTTP/1.1     the addresses of a name, one a line
///     CONNECT hooks.example.org:443 HTTP/1.1        a connection, as any HTTP proxy makes it
///     fairlead-address: 203.0.113.7                 optional: to this address of it, no other
///     GET /texts/shop.example.org HTTP/1.1          the TXT records of its _fairlead-challenge.
///     that
///                                                   begin with fairlead-domain=, one a line
///     GET /challenge/shop.example.org/TOKEN HTTP/1.1
///                                                   what http://shop.example.org/.well-known/
///                                                   fairlead-challenge/TOKEN answers: its status,
///                                                   a line break, and the first bytes of its body
///
/// An answer that is not 200 has the header `fairlead-code` and a sentence as its body.
#pragma once

#include "controller/egress/allow.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::egress {

constexpr std::size_t longest_head = 4096;
constexpr std::size_t most_addresses = 16; ///< of a name; more are as good as a wrong answer

constexpr std::size_t most_texts = 16, longest_text = 128; ///< of a challenge's name, likewise
constexpr std::size_t token_length = 43; ///< of a challenge: 32 bytes in base64url

struct Ask {
    enum class What { addresses, connect, texts, challenge };
    What what = What::connect;
    Place place;
    std::optional<IpAddress> address; ///< of `connect` and `challenge`
    std::string token;                ///< of `challenge`
};

/// `head` as far as its empty line. Errc::invalid, code "bad_request".
Result<Ask> parse_ask(std::string_view head);

std::string answer_text(int status, std::string_view code, std::string_view body);
std::string answer_of(const Error& error);
/// Without body or length, after which the connection belongs to the caller.
std::string connected_text();

} // namespace fairlead::egress
