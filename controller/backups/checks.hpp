/// What may be asked for: the shapes of storages, schedules, time zones and recipients. Each
/// finding says what was wrong with the value and what to do instead. What passes here reaches a
/// server as data of one operation.
#pragma once

#include "controller/api/checks.hpp"
#include "controller/backups/policy_repo.hpp"
#include "controller/backups/storage_repo.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::backups {

inline constexpr std::size_t max_recipients = 5;

/// What somebody said of a storage beside its row: what is left out is chosen, or stays.
struct StorageWishes {
    std::optional<std::string> account_id; ///< of Cloudflare
    std::optional<std::string> endpoint;
    std::optional<std::string> region;
    std::optional<proto::Addressing> addressing;
};

/// Fills `row` with the wishes and with what its provider fixes (endpoint, region, addressing), and
/// checks all of it. `row.provider`, bucket, prefix, access key, ca and object lock are there
/// already. With `fresh`, or another provider than before, what is left out is chosen anew.
void complete(api::Checks& checks, Storage& row, const StorageWishes& wishes, bool fresh);

void check_secret(
    api::Checks& checks, std::string_view field, std::string_view secret, std::size_t most
);

/// As Cron reads it; "" is never.
void check_schedule(api::Checks& checks, std::string_view field, std::string_view schedule);

/// A name that this machine's tz database has.
void check_time_zone(api::Checks& checks, std::string_view field, std::string_view zone);

void check_retention(
    api::Checks& checks, const std::string& field, const proto::Retention& retention
);

void check_recipients(
    api::Checks& checks, const std::string& field, const std::vector<Recipient>& recipients
);

} // namespace fairlead::backups
