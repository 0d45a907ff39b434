/// Whether an environment's mail is captured, and how much of it stays.
#pragma once

#include "controller/environments/environment_repo.hpp"

#include <boost/describe/class.hpp>
#include <boost/json/object.hpp>

#include <cstdint>

namespace fairlead::captures {

struct SettingsBody {
    bool capture = true;
    std::int64_t keep_days = 14;
    std::int64_t keep_messages = 10'000;
    std::int64_t keep_bytes = 2ll << 30;
};
BOOST_DESCRIBE_STRUCT(SettingsBody, (), (capture, keep_days, keep_messages, keep_bytes))

/// Errc::conflict (mail_on_production): that of production is sent, and never captured.
Result<> check_stage(const environments::Environment& environment);

/// Errc::invalid, by the names of the contract; check_stage() where it is to be captured.
Result<> check(const SettingsBody& body, const environments::Environment& environment);

void take(const SettingsBody& body, environments::Environment& into);

/// As the contract has it: also whether the release that is live captures.
Result<boost::json::object> to_json(
    store::Connection& db, const api::OrgScope& scope, const environments::Environment& environment
);

} // namespace fairlead::captures
