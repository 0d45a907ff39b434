#include "controller/access/waits.hpp"

#include "common/runtime/ip.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

constexpr auto forgiven_after = std::chrono::hours(24);
constexpr std::int64_t free_failures = 2;
constexpr std::int64_t longest_s = 900;

} // namespace

std::string wait_of_address(std::string_view purpose, std::string_view address) {
    return std::string(purpose) + "/address/" + subscriber_of(address.substr(0, 64));
}

std::string wait_of_account(std::string_view purpose, std::string_view account) {
    return std::string(purpose) + "/account/" + std::string(account.substr(0, 254));
}

std::chrono::seconds Waits::after(std::int64_t failures) {
    if (failures <= free_failures) return std::chrono::seconds(0);
    auto doublings = std::min<std::int64_t>(failures - free_failures - 1, 20);
    return std::chrono::seconds(std::min<std::int64_t>(std::int64_t(1) << doublings, longest_s));
}

Result<> Waits::check(std::string_view subject, Timestamp now) {
    FAIRLEAD_TRY(
        until, db_.one<Timestamp>("SELECT until_ms FROM proof_wait WHERE subject = $1", subject)
    );
    if (!until || *until <= now) return {};
    auto seconds = std::chrono::ceil<std::chrono::seconds>(*until - now).count();
    return fail(Error(
                    Errc::rate_limited,
                    "Too many failed attempts. Try again in " + std::to_string(seconds) + " s."
    )
                    .with_fact("retry_after_s", std::to_string(seconds)));
}

Result<> Waits::failed(std::string_view subject, Timestamp now) {
    FAIRLEAD_TRY(
        failures,
        db_.one<std::int64_t>(
            "INSERT INTO proof_wait (subject, failures, last_ms, until_ms) VALUES ($1, 1, $2, $2)"
            " ON CONFLICT (subject) DO UPDATE SET"
            " failures = CASE WHEN proof_wait.last_ms < $3 THEN 1 ELSE proof_wait.failures + 1 "
            "END, last_ms = $2"
            " RETURNING failures",
            subject, now, now - forgiven_after
        )
    );
    FAIRLEAD_CHECK(db_.run(
        "UPDATE proof_wait SET until_ms = $2 WHERE subject = $1", subject,
        now + after(failures.value())
    ));
    return {};
}

Result<> Waits::succeeded(std::string_view subject) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM proof_wait WHERE subject = $1", subject));
    return {};
}

Result<> Waits::tidy(Timestamp now) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM proof_wait WHERE last_ms < $1", now - forgiven_after));
    FAIRLEAD_CHECK(db_.run("DELETE FROM proof_wait WHERE last_ms < (SELECT last_ms FROM proof_wait "
                           "ORDER BY last_ms DESC LIMIT 1 OFFSET 10000)"));
    return {};
}

} // namespace fairlead::access
