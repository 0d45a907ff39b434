/// The names that the edge routes, as custom hostnames of the operator's zone: made, followed, and
/// taken out again.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/cloudflare/hostname_repo.hpp"
#include "controller/cloudflare/judgement.hpp"
#include "controller/cloudflare/zone_api.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

namespace fairlead::cloudflare {

/// Where names are made, as the operator named it.
struct Zone {
    std::string id;
    std::string target; ///< what people set CNAME records to
};

/// Why nothing is asked just now, whatever the name; with when it goes on, if it does. Everybody
/// reads it, so nothing of a single name is in it.
struct Pause {
    std::string code, message;
    std::optional<Timestamp> until;
};

/// Thread-safe but for sync() and step(), which one thread calls. Whatever has to be known after a
/// crash is in the store: what the zone has because of us is never forgotten, and what it has
/// because of others never touched.
class Hostnames {
public:
    using Names = std::map<std::string, OrgId>;
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const Clock& clock;
        /// The names that the edge routes, with whose they are.
        std::function<Result<Names>(store::Connection&)> routed;
        std::set<std::string> own_names; ///< the controller's
        ZoneApi* api = nullptr;          ///< null: nothing is asked for
        std::optional<Zone> zone;
        std::function<double()> chance; ///< 0 … 1
    };
    explicit Hostnames(Parts parts) : parts_(std::move(parts)) {}
    store::Store& store() const { return parts_.store; }
    bool configured() const { return parts_.api && parts_.zone; }

    /// New names get a row; those that are not routed any more lose it, and leave the zone.
    Result<> sync();
    /// One look at one name, or one removal; false when there is nothing to do now.
    Result<bool> step(const std::stop_token& stop);
    /// When step() has something to do; nothing when it never has.
    Result<std::optional<Timestamp>> next() const;

    std::optional<Pause> pause() const;
    /// "" without a zone.
    std::string target() const { return parts_.zone ? parts_.zone->target : std::string(); }

    static constexpr std::int64_t most_of_org = 500;    ///< names in the zone
    static constexpr std::size_t changed_at_once = 500; ///< names, in one transaction of sync()
    /// Cloudflare takes 1200 requests within five minutes, whoever of its customer's asks.
    static constexpr auto least_gap = std::chrono::milliseconds(500);

private:
    Result<bool> look(const std::stop_token& stop);
    Result<bool> leave(const std::stop_token& stop);
    /// What the zone has for the row, which is made where there is nothing.
    Result<Remote> reach(Hostname& row, const std::stop_token& stop);
    Result<Remote> make(Hostname& row, const std::stop_token& stop);
    Result<Remote> follow(Hostname& row, const std::stop_token& stop);
    Result<> note(const Hostname& row);
    Result<> settle(Hostname row, const Result<Remote>& reached);
    void judge_row(Hostname& row, const Result<Remote>& reached) const;
    bool pause_all(const Error& why);
    void end_pause();
    void publish(store::UnitOfWork& unit, const Hostname& row) const;

    Parts parts_;
    OrgId last_;           ///< whose turn it was
    Timestamp not_before_; ///< of the next request
    mutable std::mutex lock_;
    std::optional<Pause> pause_;
    std::int64_t pauses_ = 0; ///< in a row
};

/// What is dropped with an organization; its names still leave the zone.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::cloudflare
