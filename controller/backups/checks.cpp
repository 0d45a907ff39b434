#include "controller/backups/checks.hpp"

#include "controller/environments/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <set>

namespace fairlead::backups {
namespace {

bool digits(std::string_view text) {
    return !text.empty() && text.size() <= 4 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

int number(std::string_view text) {
    int value = 0;
    for (char c : text) value = value * 10 + (c - '0');
    return value;
}

/// Splits at each `at`; empty parts stay.
std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    for (;;) {
        auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

struct Field {
    std::string_view name;
    int least;
    int most;
};
constexpr std::array<Field, 5> cron_fields{
    {{"minute", 0, 59},
     {"hour", 0, 23},
     {"day of the month", 1, 31},
     {"month", 1, 12},
     {"day of the week", 0, 7}}};

/// "*", "5", "1-5", each perhaps with "/2".
bool is_cron_item(std::string_view item, const Field& field) {
    auto slash = item.find('/');
    auto range = item.substr(0, slash);
    if (slash != std::string_view::npos) {
        auto step = item.substr(slash + 1);
        if (!digits(step) || number(step) < 1 || number(step) > field.most) return false;
    }
    if (range == "*") return true;
    auto dash = range.find('-');
    auto first = range.substr(0, dash);
    if (!digits(first)) return false;
    int from = number(first), to = from;
    if (dash != std::string_view::npos) {
        auto last = range.substr(dash + 1);
        if (!digits(last)) return false;
        to = number(last);
    }
    return from >= field.least && to <= field.most && from <= to;
}

std::uint32_t bech32_step(std::uint32_t sum, std::uint32_t value) {
    constexpr std::array<std::uint32_t, 5> generator{
        0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    auto top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (std::size_t i = 0; i < generator.size(); ++i)
        if (top >> i & 1) sum ^= generator[i];
    return sum;
}

} // namespace

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
    std::vector<std::string_view> parts;
    for (auto part : split(schedule, ' '))
        if (!part.empty()) parts.push_back(part);
    if (schedule.size() > 100 || parts.size() != cron_fields.size())
        return checks.wrong(
            field, "must have five fields (minute, hour, day of the month, month, day of the "
                   "week), such as \"30 2 * * *\", or be empty"
        );
    for (std::size_t i = 0; i < parts.size(); ++i)
        for (auto item : split(parts[i], ','))
            if (!is_cron_item(item, cron_fields[i]))
                return checks.wrong(
                    field,
                    fmt::format(
                        "has \"{}\" as its {}: numbers from {} to {}, *, lists, ranges and steps "
                        "are known",
                        parts[i], cron_fields[i].name, cron_fields[i].least, cron_fields[i].most
                    )
                );
}

void check_time_zone(api::Checks& checks, std::string_view field, std::string_view zone) {
    bool fine = !zone.empty() && zone.size() <= 64;
    for (auto part : split(zone, '/')) {
        fine = fine && !part.empty() && std::ranges::all_of(part, [](char c) {
                   return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
               });
    }
    if (fine && zone != "UTC") {
        std::error_code failed;
        const std::filesystem::path base = "/usr/share/zoneinfo";
        fine = !std::filesystem::is_directory(base, failed) ||
               std::filesystem::is_regular_file(base / zone, failed);
    }
    checks.that(fine, field, "is no time zone's name, such as UTC or Europe/Berlin");
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

bool is_recipient(std::string_view text) {
    constexpr std::string_view prefix = "age", letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    constexpr std::size_t data = 52, checksum = 6; // 32 bytes in groups of five bits
    if (text.size() != prefix.size() + 1 + data + checksum || !text.starts_with("age1"))
        return false;
    std::uint32_t sum = 1, last = 0;
    for (char c : prefix) sum = bech32_step(sum, static_cast<std::uint32_t>(c) >> 5);
    sum = bech32_step(sum, 0);
    for (char c : prefix) sum = bech32_step(sum, static_cast<std::uint32_t>(c) & 31);
    auto body = text.substr(prefix.size() + 1);
    for (std::size_t i = 0; i < body.size(); ++i) {
        auto value = letters.find(body[i]);
        if (value == std::string_view::npos) return false;
        sum = bech32_step(sum, static_cast<std::uint32_t>(value));
        if (i == data - 1) last = static_cast<std::uint32_t>(value);
    }
    // 52 groups hold 260 bits; the four that are left over are 0.
    return sum == 1 && (last & 15) == 0;
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
        if (one.recipient.starts_with("AGE-SECRET-KEY-"))
            checks.wrong(
                at + ".recipient",
                "is the secret half of an identity. Keep it to yourself, and give its public half, "
                "which begins with age1"
            );
        else if (!is_recipient(one.recipient))
            checks.wrong(
                at + ".recipient",
                "is no recipient of age: 62 characters that begin with age1, as age-keygen prints "
                "them; perhaps one of them is mistyped"
            );
        else if (!seen.insert(one.recipient).second)
            checks.wrong(at + ".recipient", "is there twice");
    }
}

} // namespace fairlead::backups
