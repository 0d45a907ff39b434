/// systemd through systemctl: units of this server, with deadlines.
#pragma once

#include "common/runtime/process.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// What `systemctl show` says of one unit. A unit that does not exist is "inactive" and not
/// enabled.
struct UnitState {
    std::string active;     ///< "active", "activating", "inactive", "failed", …
    std::string sub;        ///< "running", "auto-restart", …
    std::string file_state; ///< "enabled", "disabled", ""
    std::string result;     ///< "success", "exit-code", …
    std::string status;     ///< what the program says of itself
    int main_pid = 0;
    int restarts = 0;
    int exit_status = 0;

    bool running() const { return active == "active"; }
    bool enabled() const { return file_state == "enabled"; }
};

class Systemd {
public:
    Result<> reload();
    Result<> start(const std::vector<std::string>& units);
    /// Without waiting for it, or for what it waits for.
    Result<> start_soon(const std::string& unit);
    /// Fine when they do not exist. Waits up to `limit`, then kills.
    Result<> stop(
        const std::vector<std::string>& units,
        std::chrono::seconds limit = std::chrono::seconds(120)
    );
    Result<> restart(const std::string& unit);
    /// Everything in it, at once; fine when it does not run.
    void kill(const std::string& unit);
    Result<> enable(const std::vector<std::string>& units);
    Result<> disable(const std::vector<std::string>& units);
    /// Nobody can start it until `unmask`, or until the server restarts.
    Result<> mask_for_now(const std::string& unit);
    Result<> unmask(const std::string& unit);
    void reset_failed(const std::string& unit);

    Result<UnitState> state(const std::string& unit);
    Result<std::vector<UnitState>> states(const std::vector<std::string>& units);

    /// The unit's last lines in the system's journal, oldest first.
    std::vector<std::string> last_lines(const std::string& unit, int count);
};

/// A command that runs as a transient service: limited and sandboxed as the unit that it stands in
/// for.
struct Task {
    std::string unit;                    ///< "fairlead-task-shop"
    std::vector<std::string> properties; ///< "User=fl-shop"
    std::vector<std::string> argv;
    std::chrono::seconds deadline{3600};
    std::function<void(std::string_view)> on_line;
    std::stop_token stop;
};

/// Runs to its end. When the deadline passes or `stop` is requested, the service is stopped too.
Result<Exit> run_task(const Task& task);

} // namespace fairlead::host
