/// SSH keys that the controller asks this server to keep: the operation, and what becomes of them
/// when the policy or the controller lets them no longer be.
#pragma once

#include "agent/host/ssh_sessions.hpp"
#include "agent/host/sshd.hpp"
#include "agent/journal/engine.hpp"
#include "agent/policy/policy.hpp"
#include "agent/ssh/key_files.hpp"
#include "proto/messages.hpp"

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::ssh {

inline constexpr const char* default_folder = "/var/lib/fairlead/ssh-keys";

/// Everything here may be called from several threads, but state(), which looks through the
/// server's users.
class Keys {
public:
    struct Parts {
        KeyFiles files{default_folder};
        host::Sshd sshd{};
        host::SshSessions sessions{};
        std::function<Result<policy::Policy>()> policy;
        /// Whether there is such a Unix user and, then, its id; tests have their own.
        std::function<std::optional<uid_t>(const std::string&)> user_id;
    };
    explicit Keys(Parts parts) : parts_(std::move(parts)) {}

    /// The steps of `ssh_keys.set`. Errc::invalid for arguments that cannot be read.
    Result<journal::Plan> plan(const proto::Operation& operation);

    /// For the inventory. Keys of users that the policy does not allow any more go first.
    proto::SshState state();

    /// This server was revoked: every key goes, and sshd's setting with them. False: something was
    /// left, and the log says what.
    bool withdraw();

private:
    Result<> permit(const proto::SshKeysArgs& args);
    Result<> put(journal::Work& work, const proto::SshKeysArgs& args);
    Result<> log_out(journal::Work& work, const proto::SshKeysArgs& args);
    Result<> obey(const policy::Policy& policy);
    Result<> take_away(const std::string& user);
    std::optional<uid_t> user_id(const std::string& name) const;
    std::vector<proto::SshKeyState> in_place() const;
    std::string trouble(const proto::SshState& state, const host::SshdSettings& general);

    Parts parts_;
};

} // namespace fairlead::ssh
