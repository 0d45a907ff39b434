#include "controller/backups/checks.hpp"

#include "common/crypto/age.hpp"
#include "common/runtime/cron.hpp"
#include "controller/environments/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace fairlead::backups {

void check_secret(
    api::Checks& checks, std::string_view field, std::string_view secret, std::size_t most
) {
    bool visible = std::ranges::all_of(secret, [](char c) { return c > 0x20 && c < 0x7f; });
    checks.that(
        !secret.empty() && secret.size() <= most && visible, field,
        fmt::format("must be 1 to {} visible ASCII characters without spaces", most)
    );
}

void check_schedule(api::Checks& checks, std::string_view field, std::string_view schedule) {
    if (schedule.empty()) return;
    if (auto cron = Cron::parse(schedule); !cron) checks.wrong(field, cron.error().message());
}

void check_time_zone(api::Checks& checks, std::string_view field, std::string_view zone) {
    if (auto known = TimeZone::load(zone); !known) checks.wrong(field, known.error().message());
}

void check_retention(
    api::Checks& checks, const std::string& field, const proto::Retention& retention
) {
    constexpr std::uint64_t most = 1000;
    checks.range(field + ".last", retention.last, 0, most);
    checks.range(field + ".hourly", retention.hourly, 0, most);
    checks.range(field + ".daily", retention.daily, 0, most);
    checks.range(field + ".weekly", retention.weekly, 0, most);
    checks.range(field + ".monthly", retention.monthly, 0, most);
    checks.range(field + ".yearly", retention.yearly, 0, most);
}

void check_recipients(
    api::Checks& checks, const std::string& field, const std::vector<Recipient>& recipients
) {
    checks.that(
        recipients.size() <= max_recipients, field,
        fmt::format("must be at most {}", max_recipients)
    );
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < recipients.size() && i < max_recipients; ++i) {
        auto at = fmt::format("{}[{}]", field, i);
        const auto& one = recipients[i];
        environments::check_name(checks, at + ".name", one.name);
        auto known = crypto::Recipient::parse(one.recipient);
        if (!known)
            checks.wrong(at + ".recipient", known.error().message());
        else if (!seen.insert(one.recipient).second)
            checks.wrong(at + ".recipient", "is there twice");
    }
}

} // namespace fairlead::backups
