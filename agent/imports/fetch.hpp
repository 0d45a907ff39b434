/// Fetches a file from an https address that somebody gave: nowhere but where it may go.
#pragma once

#include "agent/bucket/stream.hpp"
#include "common/runtime/ip.hpp"
#include "proto/source_url.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace fairlead::imports {

/// What holds for the address and for each one that it redirects to.
struct FetchRules {
    std::vector<std::string> domains; ///< that the organization lets data come from; empty: any
    std::vector<IpNetwork> networks;  ///< not on the internet, and allowed nevertheless
    /// The server's policy. Empty: no further rule.
    std::function<Result<>(const proto::SourceUrl&)> permit;
    std::uint64_t max_bytes = 0;
    unsigned redirects = 3;
    unsigned attempts = 5;                 ///< that bring nothing new, after which it is given up
    std::chrono::milliseconds pause{1000}; ///< before the second attempt; then twice as long
    bucket::Patience patience;
    std::shared_ptr<const bucket::Trust> trust; ///< none: the system's authorities
};

struct Fetched {
    std::uint64_t bytes = 0;
    std::string sha256;
};

/// Every address of a name, before any is connected to. Errc::forbidden, code
/// "import_address_refused", names the address and the cure.
Result<> permit_address(
    const std::string& host, const IpAddress& address, const std::vector<IpNetwork>& networks
);

/// Writes what is at `url` into `file` (empty, open for writing). A connection that is cut goes on
/// where it ended, where the server can (Range with If-Range). `progress` gets the bytes there are
/// and all of them, 0 where that is not known. Codes: "import_address_refused",
/// "import_domain_refused", "import_redirect_refused", "import_unreachable", "import_not_found",
/// "import_denied", "import_too_large", "import_cut", "disk_full", "cancelled".
Result<Fetched> fetch(
    const proto::SourceUrl& url, int file, const FetchRules& rules,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress, const std::stop_token& stop
);

} // namespace fairlead::imports
