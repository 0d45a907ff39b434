/// Ports, firewall and HTTP of this server's own loopback. No socket here is ever listened on for
/// others.
#pragma once

#include "common/runtime/loopback.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// Who listens on a TCP port.
struct Listener {
    std::string address; ///< "127.0.0.1", "*"
    int pid = 0;         ///< 0: not found out
    std::string program; ///< "nginx"
    std::string unit;    ///< "nginx.service"
};

/// Nobody: an empty list.
Result<std::vector<Listener>> listeners(std::uint16_t port);

/// A TCP port of the loopback address that nobody has at this moment.
Result<std::uint16_t> free_port();

/// Connects to 127.0.0.1:`port`, whether somebody listens there or not: what a packet filter does
/// to it shows. Empty when it gets through, else what went wrong.
std::string loopback_trouble(std::uint16_t port);

/// A firewall that was found, and what of it concerns a port.
struct Firewall {
    std::string name;                ///< "nftables", "ufw", "firewalld"
    std::vector<std::string> blocks; ///< rules that drop or reject the port
};
std::vector<Firewall> firewalls(std::uint16_t port);
/// The same of what `nft --stateless list ruleset` says: rules that drop or reject the port, and
/// what drops all that comes in, the loopback interface's too.
std::vector<std::string> blocks_of(std::string_view ruleset, std::uint16_t port);

/// GET on 127.0.0.1.
using HttpAnswer = LoopbackAnswer;
Result<HttpAnswer>
http_get(std::uint16_t port, std::string_view path, std::chrono::milliseconds limit);

/// Addresses of a name, by the system's resolver in a child process.
Result<std::vector<std::string>> resolve(const std::string& name);

} // namespace fairlead::host
