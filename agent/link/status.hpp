/// What the link is doing, for `fairlead-agent status`: one small file in the runtime folder.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace fairlead::link {

inline constexpr const char* default_status_file = "/run/fairlead-link/status.json";

struct Status {
    std::string state;      ///< "connecting", "online", "waiting"
    std::string controller; ///< "host:port" of the last try
    std::string
        code; ///< why it waits: "server_unknown", "revoked", "clock_wrong", "tls_expired", …
    std::string reason; ///< the same as a sentence
    std::string server_id;
    std::int64_t since_ms = 0;
};

Result<> write_status(const std::filesystem::path& file, const Status& status);
/// Errc::not_found when the link is not running.
Result<Status> read_status(const std::filesystem::path& file);

/// Waits until the link is online, at most `limit`. The sentence to print: success says since when;
/// an error why not.
Result<std::string> wait_online(const std::filesystem::path& file, std::chrono::seconds limit);

} // namespace fairlead::link
