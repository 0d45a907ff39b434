#include "agent/update/watch_unit.hpp"

#include "agent/host/systemd.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

namespace fairlead::update {
namespace {

// No walls: dpkg runs in it. SIGTERM reaches the program alone, which lets dpkg end first.
std::string unit_text(const Layout& layout) {
    return fmt::format(
        R"(# Written by fairlead-executor for one update of the agent, and gone when that is decided.
[Unit]
Description=Fairlead agent, update of itself
Wants=network-online.target
After=network-online.target local-fs.target
ConditionPathExists={0}
ConditionPathExists={1}
StartLimitIntervalSec=0

[Service]
ExecStart={1} update-watch
Type=exec
User=root
Restart=on-failure
RestartSec=5
KillMode=mixed
TimeoutStopSec=300
UMask=0022
LimitCORE=0

[Install]
WantedBy=multi-user.target
)",
        layout.record().string(), layout.guard().string()
    );
}

} // namespace

Result<> start_watch(const Layout& layout) {
    host::Systemd systemd;
    FAIRLEAD_CHECK(write_file(layout.unit(), unit_text(layout), 0644));
    FAIRLEAD_CHECK(systemd.reload());
    FAIRLEAD_CHECK(systemd.enable({watch_unit}));
    FAIRLEAD_CHECK(sync_folder(layout.units / "multi-user.target.wants"));
    // It waits for the network, after a power cut for minutes.
    return systemd.start_soon(watch_unit);
}

bool watch_runs() {
    auto state = host::Systemd().state(watch_unit);
    return state && (state->running() || state->active == "activating");
}

Result<> put_watch_away(const Layout& layout) {
    host::Systemd systemd;
    FAIRLEAD_CHECK(systemd.disable({watch_unit}));
    std::error_code ignored;
    std::filesystem::remove(layout.unit(), ignored);
    std::filesystem::remove(layout.next(), ignored);
    std::filesystem::remove(layout.guard(), ignored);
    std::filesystem::remove(layout.adopted(), ignored);
    return systemd.reload();
}

} // namespace fairlead::update
