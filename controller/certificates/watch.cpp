#include "controller/certificates/certificates.hpp"
#include "controller/certificates/schedule.hpp"

#include <map>
#include <utility>

namespace fairlead::certificates {

std::optional<Trouble> trouble_of(const Certificate& c, Timestamp now) {
    auto a_day_ago = now - told_after;
    // One that lives for less than a week is in no trouble before its renewal is late.
    bool renewed = !c.failing_since_ms && c.next_ms > a_day_ago;
    bool ends = c.not_after_ms && *c.not_after_ms < now + told_before_end && !renewed;
    if (ends && !c.told_ending) return Trouble::ending;
    bool fails = c.failing_since_ms && *c.failing_since_ms <= a_day_ago;
    if (fails && !c.told_failing) return Trouble::failing;
    return std::nullopt;
}

Result<> Certificates::watch() {
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) {
        return troubled(db, now);
    }));
    if (found.empty()) return {};
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(shut, pause(unit.db()));
        std::map<std::pair<OrgId, Trouble>, News> told;
        for (const auto& seen : found) {
            CertificateRepo repo(unit.db(), api::ScopeIssuer::scope(seen.org_id));
            FAIRLEAD_TRY(row, repo.find(seen.id));
            auto trouble = row ? trouble_of(*row, now) : std::nullopt;
            if (!trouble) continue;
            // The later news holds the earlier.
            row->told_failing = true;
            if (*trouble == Trouble::ending) row->told_ending = true;
            FAIRLEAD_CHECK(repo.update(*row));
            auto& news = told[{row->org_id, *trouble}];
            news.trouble = *trouble;
            news.pause = shut;
            news.certificates.push_back(*std::move(row));
        }
        if (!notice_) return {};
        for (const auto& [which, news] : told)
            FAIRLEAD_CHECK(notice_(unit, api::ScopeIssuer::scope(which.first), news));
        return {};
    });
}

} // namespace fairlead::certificates
