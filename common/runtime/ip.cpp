#include "common/runtime/ip.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace fairlead {
namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int v4_offset = 96;

/// IANA's IPv4 and IPv6 special-purpose address registries, without what is globally reachable in
/// them. Of IPv6, only 2000::/3 is given out at all.
constexpr std::string_view special[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "2001::/23",     "2001:db8::/32",   "2002::/16",      "3fff::/20"};
constexpr std::string_view global = "2000::/3";

IpNetwork known(std::string_view text) {
    auto network = IpNetwork::parse(text);
    if (!network) throw std::logic_error("no network: " + std::string(text));
    return *network;
}

tl::unexpected<Error> wrong(std::string_view text, std::string_view why) {
    return fail(Errc::invalid, "\"" + std::string(text.substr(0, 64)) + "\" " + std::string(why));
}

} // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    IpAddress address;
    std::string copy(text.substr(0, 64));
    if (text.find('\0') != std::string_view::npos) return wrong(text, "is no address.");
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data() + v4_offset / 8) == 1) {
        std::ranges::copy(mapped, address.bytes_.begin());
        return address;
    }
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
    return wrong(text, "is no address.");
}

Result<IpAddress> IpAddress::of(const sockaddr& given) {
    IpAddress address;
    if (given.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &given, sizeof v4);
        std::ranges::copy(mapped, address.bytes_.begin());
        std::memcpy(address.bytes_.data() + mapped.size(), &v4.sin_addr, sizeof v4.sin_addr);
        return address;
    }
    if (given.sa_family != AF_INET6)
        return fail(Errc::invalid, "It is no address of the internet.");
    sockaddr_in6 v6{};
    std::memcpy(&v6, &given, sizeof v6);
    std::memcpy(address.bytes_.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    return address;
}

bool IpAddress::v4() const {
    return std::equal(mapped.begin(), mapped.end(), bytes_.begin());
}

std::string IpAddress::text() const {
    char name[INET6_ADDRSTRLEN] = "";
    if (v4())
        ::inet_ntop(AF_INET, bytes_.data() + mapped.size(), name, sizeof name);
    else
        ::inet_ntop(AF_INET6, bytes_.data(), name, sizeof name);
    return name;
}

IpAddress IpAddress::subscriber() const {
    auto network = *this;
    if (!v4()) std::fill(network.bytes_.begin() + 8, network.bytes_.end(), std::uint8_t(0));
    return network;
}

std::string subscriber_of(std::string_view address) {
    auto parsed = IpAddress::parse(address);
    return parsed ? parsed->subscriber().text() : std::string(address);
}

bool IpAddress::is_public() const {
    static const auto given_out = known(global);
    static const auto excepted = [] {
        std::array<IpNetwork, std::size(special)> networks;
        std::ranges::transform(special, networks.begin(), known);
        return networks;
    }();
    if (!v4() && !given_out.holds(*this)) return false;
    return std::ranges::none_of(excepted, [&](const auto& one) { return one.holds(*this); });
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
    IpNetwork network;
    auto slash = text.find('/');
    auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return wrong(text, "is neither an address nor a network such as 10.1.0.0/16.");
    network.address_ = *address;
    if (slash == std::string_view::npos) return network;
    auto digits = text.substr(slash + 1);
    int prefix = -1;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (failed != std::errc() || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > (address->v4() ? 32 : 128))
        return wrong(text, "is neither an address nor a network such as 10.1.0.0/16.");
    network.prefix_ = address->v4() ? prefix + v4_offset : prefix;
    for (int bit = network.prefix_; bit < 128; ++bit)
        if (address->bytes_[static_cast<std::size_t>(bit / 8)] & (0x80u >> (bit % 8)))
            return wrong(text, "names a host inside its network: bits after the prefix must be 0.");
    return network;
}

bool IpNetwork::holds(const IpAddress& address) const {
    auto whole = static_cast<std::size_t>(prefix_ / 8);
    if (!std::equal(
            address_.bytes_.begin(), address_.bytes_.begin() + static_cast<long>(whole),
            address.bytes_.begin()
        ))
        return false;
    if (prefix_ % 8 == 0) return true;
    auto mask = static_cast<std::uint8_t>(0xff00u >> (prefix_ % 8));
    return ((address_.bytes_[whole] ^ address.bytes_[whole]) & mask) == 0;
}

std::string IpNetwork::text() const {
    return address_.text() + "/" + std::to_string(address_.v4() ? prefix_ - v4_offset : prefix_);
}

} // namespace fairlead
