/// When an environment's backups and drills are due: timers of systemd, which go on without a
/// controller and without the agent's link.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/host/systemd.hpp"
#include "common/runtime/clock.hpp"
#include "proto/messages.hpp"

#include <optional>
#include <string>

namespace fairlead::backup {

/// Errc::invalid (schedule_invalid, time_zone_unknown) before anything is touched.
Result<> check_calendar(const proto::BackupSettings& settings);

/// Makes the timers what the settings say; nothing given takes them away. May be called again.
Result<> arrange(
    const deploy::Layout& layout, const deploy::Place& place,
    const std::optional<proto::BackupSettings>& settings
);

/// What the server has arranged, for the controller to show.
proto::BackupState state_of(const deploy::Place& place, Timestamp now);

} // namespace fairlead::backup
