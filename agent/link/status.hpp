/// What the link is doing, for `fairlead-agent status`: one small file in the runtime folder.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::link {

inline constexpr const char* default_status_file = "/run/fairlead-link/status.json";

/// One controller, as the last try found it.
struct ControllerStatus {
    std::string address; ///< "host:port"
    std::string state;   ///< "online", "connecting", "refused" (it answered), "away"; "" untried
    std::string code;
    std::string reason;
    std::int64_t at_ms = 0; ///< of the last change of state
};

struct Status {
    std::string state;      ///< "connecting", "online", "waiting"
    std::string controller; ///< "host:port" of the last try
    std::string
        code; ///< why it waits: "server_unknown", "revoked", "clock_wrong", "tls_expired", …
    std::string reason; ///< the same as a sentence
    std::string server_id;
    std::string version; ///< of the link's program
    std::int64_t since_ms = 0;
    std::string certificate_sha256; ///< of the agent's own
    std::int64_t certificate_not_after_ms = 0;
    std::vector<ControllerStatus> controllers; ///< in the order in which they are tried
    std::string log_fork;                      ///< why the audit log was refused; "": all is well
    std::int64_t log_fork_ms = 0;
};

Result<> write_status(const std::filesystem::path& file, const Status& status);
/// Errc::not_found when the link is not running.
Result<Status> read_status(const std::filesystem::path& file);

/// Certificate and controllers for a person, a line each. Without the link's own words (it is not
/// running) what lies in `folder` is shown, to those who may read it.
std::string
overview(const std::filesystem::path& file, const std::filesystem::path& folder, Timestamp now);

/// Waits until the link is online, at most `limit`. The sentence to print: success says since when;
/// an error why not.
Result<std::string> wait_online(const std::filesystem::path& file, std::chrono::seconds limit);

} // namespace fairlead::link
