/// What people may do with domains, and what becomes of a claim when somebody has looked.
#pragma once

#include "controller/api/announcer.hpp"
#include "controller/api/change.hpp"
#include "controller/domains/judgement.hpp"

#include <functional>
#include <optional>
#include <string>

namespace fairlead::domains {

/// Of one organization, and in an hour: looks at one name, and at all of them, by hand.
inline constexpr std::int64_t max_domains = 100, most_checks_of_one = 20, most_checks_of_org = 100;

/// Thread-safe; everything it knows is in the store. Functions with a Change run inside its
/// transaction.
class Domains {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const Clock& clock;
        std::string own_host; ///< of the console's address
    };
    explicit Domains(Parts parts) : parts_(std::move(parts)) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    /// Hears of what is verified and failed. Set once, as are the others.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }
    /// Told after each commit that makes something due; must not block.
    void on_due(std::function<void()> due) { due_ = std::move(due); }
    /// Told in the transaction in which a proof is missed, or a claim fails, to write to whoever
    /// made it, or comes after them.
    using Notice =
        std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const Domain&, News)>;
    void on_news(Notice notice) { notice_ = std::move(notice); }

    /// `name` is normal and claimable. A failed claim of it is replaced. Errc::conflict:
    /// domain_claimed (by this organization already), domain_taken (another has proved it, or one
    /// above or below), too_many_domains.
    Result<Domain>
    claim(api::Change& change, const std::string& name, const api::Principal& by, Timestamp now);
    /// Has it looked at next. Errc::conflict (domain_failed); Errc::rate_limited (too_many_checks).
    Result<Domain> check(api::Change& change, Domain domain, Timestamp now);
    Result<> remove(api::Change& change, const Domain& domain);
    /// Forgets looks by hand that count no more.
    Result<> tidy(Timestamp now);

    // ---- what the checker asks ----

    /// What is due in an organization for longest.
    Result<std::optional<Domain>> due(const OrgId& org) const;
    Result<std::vector<Awaiting>> awaiting() const;
    /// Of all organizations.
    Result<std::optional<Timestamp>> next_due() const;
    /// Writes down what was found. A claim that is gone, or that ended meanwhile, stays so.
    Result<> record(const OrgId& org, const DomainId& id, const Looked& looked, double chance);

private:
    Result<>
    tell(store::UnitOfWork& unit, const api::OrgScope& scope, const Domain& domain, News news);

    Parts parts_;
    api::Announcements announcements_;
    std::function<void()> due_ = [] {};
    Notice notice_;
};

} // namespace fairlead::domains
