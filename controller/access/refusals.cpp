#include "controller/access/refusals.hpp"

#include "controller/access/waits.hpp"

#include <boost/describe.hpp>

#include <stdexcept>

namespace fairlead::access {
namespace {

constexpr std::string_view purpose = "api_key";
constexpr std::size_t most_known = 10'000;

struct Row {
    std::string subject;
    std::int64_t failures = 0;
    Timestamp last_ms;
    Timestamp until_ms;
};
BOOST_DESCRIBE_STRUCT(Row, (), (subject, failures, last_ms, until_ms))

} // namespace

Refusals::Refusals(store::Store& store) : store_(store) {
    auto rows = store.read([](store::Connection& db) {
        return db.all<Row>("SELECT subject, failures, last_ms, until_ms FROM proof_wait"
                           " WHERE subject LIKE 'api_key/%' ORDER BY last_ms DESC LIMIT 10000");
    });
    if (!rows) throw std::runtime_error(rows.error().message());
    for (const auto& row : *rows) known_[row.subject] = {row.failures, row.last_ms, row.until_ms};
}

Result<> Refusals::check(std::string_view address, Timestamp now) {
    std::lock_guard held(lock_);
    if (known_.empty()) return {};
    auto found = known_.find(wait_of_address(purpose, address));
    // Longer than it can be: the clock was put back.
    if (found == known_.end() || found->second.until <= now || found->second.until - now > wait)
        return {};
    auto seconds = std::chrono::ceil<std::chrono::seconds>(found->second.until - now).count();
    return fail(Error(
                    Errc::rate_limited, "Too many API keys from this address were refused. Try "
                                        "again in " +
                                            std::to_string(seconds) + " s."
    )
                    .with_fact("retry_after_s", std::to_string(seconds)));
}

void Refusals::make_room(Timestamp now) {
    if (known_.size() < most_known) return;
    std::erase_if(known_, [&](const auto& entry) { return now - entry.second.last > wait; });
    if (known_.size() >= most_known) known_.clear();
}

Result<> Refusals::count(std::string_view address, Timestamp now) {
    auto subject = wait_of_address(purpose, address);
    Known after;
    {
        std::lock_guard held(lock_);
        make_room(now);
        auto& known = known_[subject];
        if (now - known.last > wait || known.refused >= most) known = {};
        known.last = now;
        if (++known.refused >= most) known.until = now + wait;
        after = known;
    }
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run(
            "INSERT INTO proof_wait (subject, failures, last_ms, until_ms) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (subject) DO UPDATE SET failures = $2, last_ms = $3, until_ms = $4",
            subject, after.refused, after.last, after.until
        ));
        return {};
    });
}

} // namespace fairlead::access
