/// What an operator lets requests reach although it is not on the internet, or not at port 443.
#pragma once

#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::egress {

constexpr std::uint16_t https_port = 443, http_port = 80;

/// Where something is to be reached: a name or a plain address in lower case, no brackets.
struct Place {
    std::string host;
    std::uint16_t port = https_port;
    std::string text() const; ///< "host:443", "[2001:db8::7]:443"
    bool operator==(const Place&) const = default;
};

/// "host", "host:port", "[2001:db8::7]:port". Letters, digits, dots, dashes and underscores only.
/// Errc::invalid with a sentence.
Result<Place> parse_place(std::string_view text);

/// The rules for addresses, held by the egress program and, apart from it, by the controller.
class Allow {
public:
    /// Nothing but the internet, at port 443.
    Allow() = default;
    /// Each "host[:port]" or "10.1.0.0/16". At most 1000. Errc::invalid names the one that is
    /// wrong.
    static Result<Allow> parse(const std::vector<std::string>& entries);

    /// An entry names exactly this host and port.
    bool names(const Place& place) const;
    bool port(const Place& place) const { return place.port == https_port || names(place); }
    /// May `place`, whose host has this address, be connected to? Link-local addresses never:
    /// clouds give out their machines' credentials there. Errc::forbidden, code "address_refused".
    Result<> permits(const Place& place, const IpAddress& address) const;
    /// The same for port 80 of `host`, where proofs of host names are looked for and nothing else:
    /// the port needs no exception.
    Result<> permits_challenge(const std::string& host, const IpAddress& address) const;
    /// Is it so only because an entry names the host? Then what the host resolves to matters.
    bool by_name(const Place& place, const IpAddress& address) const;

private:
    Result<> leads_outside(const Place& place, const IpAddress& address) const;
    bool in_networks(const IpAddress& address) const;

    std::vector<Place> places_;
    std::vector<IpNetwork> networks_;
};

} // namespace fairlead::egress
