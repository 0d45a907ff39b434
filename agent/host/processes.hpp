/// The processes of this server, as /proc lists them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace fairlead::host {

/// Every one that there is.
std::vector<pid_t> all_processes();

/// What runs below this process, without itself. A snapshot: more may begin meanwhile.
std::set<pid_t> descendants_of(pid_t pid);

/// What the process calls itself, as `ps` shows it; "" for one that has gone.
std::string title_of(pid_t pid);

/// Its effective user; nobody's for one that has gone.
uid_t owner_of(pid_t pid);

/// When it began, in seconds of the Unix epoch, rounded down; 0 for one that has gone.
std::int64_t began_at(pid_t pid);

/// The systemd scope of a login that the process belongs to, "session-4.scope"; "" for none.
std::string login_scope_of(pid_t pid);

} // namespace fairlead::host
