#include "controller/access/address_list.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace fairlead::access {
namespace {

/// Both families as 128 bits: IPv4 stands at ::ffff:0:0/96.
struct Network {
    std::array<std::uint8_t, 16> bytes{};
    int prefix = 128;
    bool v4 = false;
};

constexpr int v4_offset = 96;

std::optional<Network> address_of(std::string_view text) {
    Network network;
    std::string copy(text.substr(0, 64));
    if (::inet_pton(AF_INET, copy.c_str(), network.bytes.data() + 12) == 1) {
        network.bytes[10] = network.bytes[11] = 0xff;
        network.v4 = true;
        return network;
    }
    if (::inet_pton(AF_INET6, copy.c_str(), network.bytes.data()) != 1) return std::nullopt;
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    network.v4 = std::equal(mapped.begin(), mapped.end(), network.bytes.begin());
    return network;
}

void mask(Network& network) {
    for (int bit = network.prefix; bit < 128; ++bit)
        network.bytes[static_cast<std::size_t>(bit / 8)] &=
            static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
}

std::optional<Network> network_of(std::string_view text) {
    auto slash = text.find('/');
    auto network = address_of(text.substr(0, slash));
    if (!network || slash == std::string_view::npos) return network;
    auto digits = text.substr(slash + 1);
    int prefix = -1;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    int most = network->v4 ? 32 : 128;
    if (failed != std::errc() || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > most)
        return std::nullopt;
    network->prefix = network->v4 ? prefix + v4_offset : prefix;
    return network;
}

} // namespace

Result<std::string> normal_network(std::string_view text) {
    auto network = network_of(text);
    if (!network)
        return fail(
            Errc::invalid, "\"" + std::string(text.substr(0, 64)) +
                               "\" is neither an address nor a network such as 192.0.2.0/24."
        );
    auto given = network->bytes;
    mask(*network);
    if (given != network->bytes)
        return fail(
            Errc::invalid,
            "\"" + std::string(text.substr(0, 64)) +
                "\" names a host inside its network: bits after the prefix must be 0."
        );
    char name[INET6_ADDRSTRLEN] = "";
    if (network->v4)
        ::inet_ntop(AF_INET, network->bytes.data() + 12, name, sizeof name);
    else
        ::inet_ntop(AF_INET6, network->bytes.data(), name, sizeof name);
    int prefix = network->v4 ? network->prefix - v4_offset : network->prefix;
    if (prefix == (network->v4 ? 32 : 128)) return std::string(name);
    return std::string(name) + "/" + std::to_string(prefix);
}

bool holds(std::span<const std::string> networks, std::string_view address) {
    auto caller = address_of(address);
    if (!caller) return false;
    return std::any_of(networks.begin(), networks.end(), [&](const std::string& text) {
        auto network = network_of(text);
        if (!network || network->v4 != caller->v4) return false;
        auto inside = *caller;
        inside.prefix = network->prefix;
        mask(inside);
        return inside.bytes == network->bytes;
    });
}

} // namespace fairlead::access
