/// The processes of environments, told apart by the units that systemd runs them in.
#pragma once

#include "proto/messages.hpp"

#include <map>
#include <string>
#include <string_view>

namespace fairlead::metrics {

/// The environment whose unit /proc/PID/cgroup names; "" for another's.
std::string slug_in(std::string_view cgroup);
/// Its path in the unified hierarchy, "/system.slice/…"; "" where there is none.
std::string unified_path_in(std::string_view cgroup);
/// "name 123": the number behind `name` in such lines; -1 where it is not there.
std::int64_t number_behind(std::string_view text, std::string_view name);

/// By slug: `processes`, `memory_bytes` and `cpu_ms` of every environment that runs. Memory is what
/// the unit holds without the files that can be read again; where the kernel does not account for
/// it, that of the processes, which counts twice what they share.
std::map<std::string, proto::MeasuredValues> running_environments();

} // namespace fairlead::metrics
