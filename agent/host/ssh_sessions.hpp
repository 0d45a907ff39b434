/// Who is, or was, logged in over sshd, and by which key: sshd's own processes and its lines in the
/// system's journal, which nobody but root can forge.
#pragma once

#include "agent/host/sshd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::host {

/// How somebody got in, out of sshd's line about it.
struct Accepted {
    std::string user;
    std::string fingerprint; ///< "SHA256:…"; "" where it was no key
};
/// Nothing where the line tells of something else.
std::optional<Accepted> parse_accepted(std::string_view line);

/// The Unix user of one of sshd's root processes, by its title: "" for every other process.
std::string session_user(std::string_view title);

class SshSessions {
public:
    explicit SshSessions(Runner runner = &run) : run_(std::move(runner)) {}

    /// Whether sshd has let somebody in as this user by this key within the last 30 days.
    Result<bool> was_used(const std::string& user, const std::string& fingerprint);

    /// Kills the sessions of this user that were let in by one of these keys, with all that runs in
    /// them, and says how many. One of which the journal does not say how it got in, or cannot be
    /// read, counts as one of them: nobody asks again, and it is the only way to be sure.
    Result<std::size_t> end(const std::string& user, const std::vector<std::string>& fingerprints);

private:
    Result<std::optional<Accepted>> accepted_by(pid_t pid, const std::string& user);

    Runner run_;
};

} // namespace fairlead::host
