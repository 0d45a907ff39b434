/// From what people set to what a server is told, and how the two differ.
#pragma once

#include "controller/environments/environment_repo.hpp"
#include "controller/environments/release_repo.hpp"
#include "controller/environments/variable_repo.hpp"

#include <string>
#include <vector>

namespace fairlead::environments {

struct PendingChange {
    std::string field;   ///< "resources.memory_max_bytes", "variables.SMTP_HOST"
    std::string summary; ///< "1 GiB → 2 GiB"; never a secret
};

/// Reads project, variables and credentials. Errc::not_found when a credential is gone.
Result<proto::EnvironmentSpec>
spec_of(store::Connection& db, const api::OrgScope& scope, const Environment& environment);

/// How much of its captured mail stays.
proto::MailRetention mail_retention(const Environment& environment);

/// What the next deployment changes. `variables` tell when a secret value was replaced after
/// `deployed_at`.
std::vector<PendingChange> differences(
    const proto::EnvironmentSpec& deployed, const proto::EnvironmentSpec& wanted,
    const std::vector<Variable>& variables, Timestamp deployed_at
);

/// Against the release that is live; nothing where that is not known.
Result<std::vector<PendingChange>> pending_changes(
    store::Connection& db, const api::OrgScope& scope, const Environment& environment,
    const std::optional<Release>& live
);

/// "1.5 GiB"
std::string human_bytes(std::uint64_t bytes);

/// A list of strings as it stands in a column.
std::vector<std::string> strings(const std::string& text);

} // namespace fairlead::environments
