#include "controller/egress/names.hpp"

#include "controller/egress/protocol.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace fairlead::egress {

Result<std::vector<IpAddress>> addresses_of(const std::string& host) {
    auto failed = [&](const std::string& why) {
        return fail(
            Error(Errc::unavailable, "The name " + host + " " + why).with_code("unreachable")
        );
    };
    addrinfo hints{}, *first = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
    if (error != 0) return failed(std::string("has no address: ") + ::gai_strerror(error) + ".");
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(first, ::freeaddrinfo);
    std::vector<IpAddress> addresses;
    for (const auto* one = list.get(); one; one = one->ai_next) {
        auto address = IpAddress::of(*one->ai_addr);
        if (!address || std::ranges::find(addresses, *address) != addresses.end()) continue;
        if (addresses.size() == most_addresses) return failed("has more addresses than 16.");
        addresses.push_back(*address);
    }
    if (addresses.empty()) return failed("has no address.");
    return addresses;
}

} // namespace fairlead::egress
