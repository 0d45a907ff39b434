#include "controller/domains/domains.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "controller/domains/names.hpp"
#include "controller/domains/view.hpp"

#include <fmt/core.h>

namespace fairlead::domains {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr auto hour = std::chrono::hours(1);
constexpr std::int64_t most_awaiting = 256;

tl::unexpected<Error> taken(const std::string& name) {
    return api::conflict(
        "domain_taken",
        fmt::format(
            "{} cannot be claimed here: this name, one above it or one below it is proved by an "
            "organization already.",
            name
        )
    );
}

tl::unexpected<Error> too_many_checks(std::string_view of, std::int64_t most) {
    return fail(
        Error(
            Errc::rate_limited,
            fmt::format(
                "{} was looked at {} times within an hour. It is looked at again by itself.", of,
                most
            )
        )
            .with_code("too_many_checks")
            .with_fact("retry_after_s", "3600")
    );
}

std::string_view action_of(News news) {
    switch (news) {
    case News::verified:
        return "domain.verified";
    case News::failing:
        return "domain.failing";
    case News::restored:
        return "domain.restored";
    default:
        return "domain.failed";
    }
}

} // namespace

Result<Domain> Domains::claim(
    api::Change& change, const std::string& name, const api::Principal& by, Timestamp now
) {
    DomainRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(before, repo.find_by_name(name));
    if (before && before->state != State::failed)
        return api::conflict(
            "domain_claimed", fmt::format("{} is claimed by this organization already.", name)
        );
    FAIRLEAD_TRY(is_taken, repo.taken_by_others(name));
    if (is_taken) return taken(name);
    // What proved the claim before proves nothing now.
    if (before) FAIRLEAD_CHECK(repo.remove(before->id));
    FAIRLEAD_TRY(count, repo.count());
    FAIRLEAD_CHECK(api::check_room(count, max_domains, "too_many_domains", "domains"));
    Domain domain;
    domain.id = DomainId::make(now);
    domain.name = name;
    domain.token = crypto::base64url_encode(crypto::random_bytes(token_bytes));
    domain.created_ms = now;
    domain.created_by = by.user;
    domain.created_by_email = by.email;
    domain.expires_ms = now + claim_time;
    domain.next_check_ms = now + first_pause;
    FAIRLEAD_CHECK(repo.insert(domain));
    change.record("domain.claim", "domain", domain);
    change.publish(event(change.scope().org(), "domain.updated", to_json(domain)));
    if (before)
        change.publish(event(change.scope().org(), "domain.deleted", {{"id", before->id.str()}}));
    change.unit().after_commit([this] { due_(); });
    return domain;
}

Result<Domain> Domains::check(api::Change& change, Domain domain, Timestamp now) {
    if (domain.state == State::failed)
        return api::conflict(
            "domain_failed",
            fmt::format(
                "The claim of {} is over. Claim it again: it gets a new proof.", domain.name
            )
        );
    if (domain.asked_ms) {
        change.nothing_changed();
        return domain;
    }
    DomainRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(looks, repo.looks(domain.name, now - hour));
    if (looks.of_name >= most_checks_of_one)
        return too_many_checks(domain.name, most_checks_of_one);
    if (looks.of_all >= most_checks_of_org)
        return too_many_checks("This organization's domains", most_checks_of_org);
    FAIRLEAD_CHECK(repo.note_look(domain.name, now));
    domain.asked_ms = now;
    domain.next_check_ms = now;
    FAIRLEAD_CHECK(repo.update(domain));
    change.record("domain.check", "domain", domain);
    change.publish(event(change.scope().org(), "domain.updated", to_json(domain)));
    change.unit().after_commit([this] { due_(); });
    return domain;
}

Result<> Domains::remove(api::Change& change, const Domain& domain) {
    FAIRLEAD_CHECK(DomainRepo(change.db(), change.scope()).remove(domain.id));
    change.record("domain.delete", "domain", domain, {}, audit_facts(domain));
    change.publish(event(change.scope().org(), "domain.deleted", {{"id", domain.id.str()}}));
    return {};
}

Result<> Domains::tidy(Timestamp now) {
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return forget_looks(unit.db(), now - hour);
    });
}

Result<std::optional<Domain>> Domains::due(const OrgId& org) const {
    return parts_.store.read([&](store::Connection& db) {
        return DomainRepo(db, api::ScopeIssuer::scope(org)).due(parts_.clock.now());
    });
}

Result<std::vector<Awaiting>> Domains::awaiting() const {
    return parts_.store.read([&](store::Connection& db) {
        return domains::awaiting(db, parts_.clock.now(), most_awaiting);
    });
}

Result<std::optional<Timestamp>> Domains::next_due() const {
    return parts_.store.read([](store::Connection& db) { return domains::next_due(db); });
}

Result<>
Domains::record(const OrgId& org, const DomainId& id, const Looked& looked, double chance) {
    auto scope = api::ScopeIssuer::scope(org);
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        DomainRepo repo(unit.db(), scope);
        FAIRLEAD_TRY(found, repo.find(id));
        if (!found) return {};
        auto domain = *std::move(found);
        // The first to prove a name has it: judged here, where nobody else can prove meanwhile.
        bool is_taken = false;
        if (domain.state == State::pending && looked.finding == Finding::found) {
            FAIRLEAD_TRY(others, repo.taken_by_others(domain.name));
            is_taken = others;
        }
        auto news = judge(domain, looked, is_taken, parts_.clock.now(), chance);
        FAIRLEAD_CHECK(repo.update(domain));
        if (news != News::none) FAIRLEAD_CHECK(tell(unit, scope, domain, news));
        api::publish(unit, parts_.events, {event(org, "domain.updated", to_json(domain))});
        return {};
    });
}

Result<> Domains::tell(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Domain& domain, News news
) {
    api::Act act;
    act.action = action_of(news);
    act.target_type = "domain";
    act.target_id = domain.id.str();
    act.target_name = domain.name;
    act.after = audit_facts(domain);
    parts_.audit.record(unit, scope, api::Actor(), std::move(act));
    bool failed = news == News::failed || news == News::expired;
    if (news == News::verified || failed)
        FAIRLEAD_CHECK(announcements_.announce(
            unit, scope,
            {failed ? "domain.failed" : "domain.verified", domain.id.str(), told_of(domain, news)}
        ));
    bool matters = failed || news == News::failing;
    if (matters && notice_) FAIRLEAD_CHECK(notice_(unit, scope, domain, news));
    return {};
}

} // namespace fairlead::domains
