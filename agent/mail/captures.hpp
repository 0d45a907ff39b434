/// What root does for captured mail: an account and a box for each environment whose mail stays
/// here, and the operations on them.
#pragma once

#include "agent/journal/engine.hpp"
#include "agent/mail/account.hpp"
#include "agent/mail/box.hpp"
#include "agent/odoo/odoo.hpp"
#include "common/runtime/clock.hpp"
#include "proto/messages.hpp"

#include <filesystem>
#include <string>

namespace fairlead::mail {

/// True for the kinds whose plans are here.
bool is_mail_operation(std::string_view kind);

/// The steps of mail.configure and mail.delete. Errc::invalid for arguments that cannot be read.
/// `clock` outlives the plan.
Result<journal::Plan>
plan_for(const Places& places, const Clock& clock, const proto::Operation& operation);

/// Makes account and box, or keeps the account up to date, for an environment whose folder is
/// `root`, where the password stays: releases of before go on with it. What another environment
/// left under this name goes. Errc::conflict (mail_sink_missing).
Result<odoo::MailSink>
prepare(const Places& places, const std::filesystem::path& root, const proto::EnvironmentSpec& e);

/// Account and messages. Fine where there are none.
Result<> forget(const Places& places, const std::string& slug);

} // namespace fairlead::mail
