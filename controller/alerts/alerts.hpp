/// Holds rules against what is so, and tells people and programs once when an alert begins and
/// once when it is over: both in the transaction that remembers it, so that no restart repeats it.
#pragma once

#include "common/store/store.hpp"
#include "controller/alerts/alert_repo.hpp"
#include "controller/alerts/letters.hpp"
#include "controller/alerts/observations.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/change.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fairlead::alerts {

/// A letter to one person, in the transaction of what it tells. `kind` is another one each time.
using Post = std::function<
    Result<>(store::UnitOfWork& unit, const std::string& kind, const std::string& to, const AlertLetter&)>;

/// Thread-safe but for tick(), which one thread calls.
class Alerts {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const metrics::NewestOfAll& newest;
        const Clock& clock;
        std::string url; ///< of the console
        Post post;
    };

    explicit Alerts(Parts parts) : parts_(std::move(parts)) {}
    /// Without it no program outside hears of anything.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }

    /// Twice a minute. Writes only where something changes.
    Result<> tick();

    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }
    /// Alerts of all organizations that fire, at the last tick.
    std::int64_t firing() const { return firing_; }

private:
    /// What becomes of one alert.
    struct Change {
        Rule rule;
        Alert alert; ///< as it is from now on
        bool is_new = false;
        bool drop = false; ///< it was pending, and nobody was told
        News news = News::none;
    };
    Result<std::vector<Change>>
    judge(store::Connection& db, const api::OrgScope& scope, Timestamp now, std::int64_t& firing);
    Result<> apply(
        store::UnitOfWork& unit, const api::OrgScope& scope, std::vector<Change> changes,
        Timestamp now
    );
    Result<> write_letters(
        store::UnitOfWork& unit, const api::OrgScope& scope, const std::vector<Change>& changes,
        Timestamp now
    );

    Parts parts_;
    api::Announcements announcements_;
    std::atomic<std::int64_t> firing_ = 0;
    Timestamp pruned_{};
};

} // namespace fairlead::alerts
