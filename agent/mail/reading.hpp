/// What the link asks the process of a reading for, whether it may be read, and reading it.
#pragma once

#include "agent/mail/account.hpp"
#include "agent/mail/box.hpp"
#include "agent/policy/policy.hpp"
#include "proto/mail.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::mail {

/// Errc::invalid for what nobody may ask for.
Result<proto::MailOpening> read_opening(std::string_view body);

/// Nothing, or why it is not shown: errors of Policy::permit_mail(), and Errc::not_found
/// (mail_not_captured).
Result<>
judge(const proto::MailOpening& wanted, const policy::Policy& policy, const Places& places);

/// Lines of proto::MailSummary with `at` as RFC 3339, newest first, and one that says how it ended:
/// "done", or "lines" and "time", where there is more before the `next` in it; with how many there
/// are altogether.
std::string
list_of(const Box& box, const proto::MailPurpose& what, std::chrono::milliseconds longest);

} // namespace fairlead::mail
