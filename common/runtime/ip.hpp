/// Addresses and networks of the internet protocol, and which of them are on the internet.
#pragma once

#include "common/runtime/result.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr;

namespace fairlead {

/// Both families as 128 bits: IPv4 stands at ::ffff:0:0/96, however it came.
class IpAddress {
public:
    /// "192.0.2.7" or "2001:db8::1", in these spellings alone: octal, hexadecimal and short ones
    /// are Errc::invalid.
    static Result<IpAddress> parse(std::string_view text);
    /// Errc::invalid for another family than IPv4 and IPv6.
    static Result<IpAddress> of(const sockaddr& address);

    bool v4() const;
    std::string text() const;
    /// Global unicast, and none that leads elsewhere: no loopback, private, shared (CGNAT),
    /// link-local, unique local, multicast, documentation, benchmark or reserved one (IANA's
    /// special-purpose registries), no NAT64, 6to4 or Teredo.
    bool is_public() const;
    /// All of an IPv4 address; of an IPv6 one the first 64 bits, which is the least that one
    /// subscriber has.
    IpAddress subscriber() const;

    bool operator==(const IpAddress&) const = default;

private:
    friend class IpNetwork;
    std::array<std::uint8_t, 16> bytes_{};
};

/// "10.1.0.0/16", "fd00::/8", or one address.
class IpNetwork {
public:
    /// Errc::invalid, also where bits behind the prefix are set.
    static Result<IpNetwork> parse(std::string_view text);
    bool holds(const IpAddress& address) const;
    std::string text() const;

private:
    IpAddress address_;
    int prefix_ = 128; ///< of 128 bits
};

/// IpAddress::subscriber() as text, to count by; what is no address as it is.
std::string subscriber_of(std::string_view address);

} // namespace fairlead
