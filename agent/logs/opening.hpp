/// What the link asks the process of a reading for, and whether it may be read.
#pragma once

#include "agent/policy/policy.hpp"
#include "common/runtime/result.hpp"
#include "proto/log.hpp"
#include "proto/messages.hpp"

#include <string>
#include <string_view>

namespace fairlead::logs {

/// Errc::invalid for what nobody may ask for.
Result<proto::LogOpening> read_opening(std::string_view body);

/// Nothing, or why the policy does not let it be read; errors of Policy::permit_log().
Result<> judge(const proto::LogOpening& wanted, const policy::Policy& policy);

} // namespace fairlead::logs
