#include "controller/access/connect.hpp"

#include "controller/access/refused.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <exception>

namespace fairlead::access {
namespace {

Result<>
may_open(store::UnitOfWork& unit, const ConnectGrant& grant, const UserId& user, Timestamp now) {
    if (!grant.open(now))
        return refused(
            "connect_grant_over", "\"" + grant.org_name + "\" let \"" + grant.agency_name +
                                      "\" in until " +
                                      to_rfc3339(grant.revoked_ms.value_or(grant.expires_ms)) +
                                      ". One of its owners can grant it anew."
        );
    FAIRLEAD_TRY(ends, both_ends(unit.db(), grant, user));
    if (!ends.client_on || !ends.agency_on)
        return refused(
            "connect_switched_off", "\"" + (ends.client_on ? grant.agency_name : grant.org_name) +
                                        "\" has switched Connect-As off in its security settings."
        );
    if (!ends.member_may)
        return refused(
            "connect_restricted",
            "Your membership of \"" + grant.agency_name + "\" does not allow Connect-As."
        );
    return {};
}

/// Who works for an agency in a client's organization.
api::Actor in_client(api::Actor actor, const ConnectSession& session) {
    actor.on_behalf_of = session.agency_name;
    return actor;
}

} // namespace

void Connect::record(
    store::UnitOfWork& unit, const ConnectSession& session, std::string action, const OrgId& from,
    api::Actor actor, boost::json::object facts
) {
    actor.connect_session = session.id.str();
    bool by_agency = from == session.agency_id;
    auto abroad = actor;
    if (!by_agency) {
        abroad.address.clear();
        abroad.user_agent.clear();
    }
    facts["agency"] = session.agency_name;
    facts["client"] = session.org_name;
    facts["user"] = session.user_email;
    auto about = [&](const OrgId& target, const std::string& name) {
        api::Act act;
        act.action = action;
        act.target_type = "org";
        act.target_id = target.str();
        act.target_name = name;
        act.after = facts;
        return act;
    };
    // Each log names the other side as what it is about.
    parts_.audit.record(
        unit, api::ScopeIssuer::scope(session.agency_id), by_agency ? actor : abroad,
        about(session.org_id, session.org_name)
    );
    parts_.audit.record(
        unit, api::ScopeIssuer::scope(session.org_id),
        by_agency && actor.kind == api::Actor::Kind::user ? in_client(actor, session) : actor,
        about(session.agency_id, session.agency_name)
    );
}

Result<OpenedConnect> Connect::open(
    store::UnitOfWork& unit, const api::OrgScope& agency, const api::Principal& who,
    const api::Actor& actor, const GrantId& id, std::string_view reason, Timestamp now
) {
    ConnectRepo repo(unit.db(), agency);
    FAIRLEAD_TRY(grant, repo.grant(id));
    if (grant.agency_id != agency.org())
        return fail(Errc::not_found, "There is no such Connect-As grant.");
    FAIRLEAD_CHECK(may_open(unit, grant, who.user, now));
    FAIRLEAD_TRY(count, repo.count_open(who.user));
    if (count >= most_of_one)
        return fail(Error(
                        Errc::conflict, "You have " + std::to_string(count) +
                                            " open Connect-As sessions, which is the most. End one."
        )
                        .with_code("too_many_connect_sessions"));
    ConnectSession session;
    session.id = ConnectId::make(now);
    session.grant_id = grant.id;
    session.org_id = grant.org_id;
    session.org_name = grant.org_name;
    session.agency_id = grant.agency_id;
    session.agency_name = grant.agency_name;
    session.user_id = who.user;
    session.user_email = who.email;
    session.session_id = who.session.value();
    session.reason = reason;
    session.started_ms = now;
    session.expires_ms = std::min<Timestamp>(now + longest, grant.expires_ms);
    FAIRLEAD_CHECK(repo.insert(session));
    record(
        unit, session, "connect.start", session.agency_id, actor,
        {{"reason", session.reason},
         {"grant", grant.id.str()},
         {"role", grant.role_name},
         {"expires_at", to_rfc3339(session.expires_ms)}}
    );
    auto token = parts_.tokens.sign(
        {session.id, session.user_id, session.session_id, session.agency_id, session.org_id,
         session.grant_id, session.expires_ms}
    );
    return OpenedConnect{std::move(session), std::move(token)};
}

Result<> Connect::end(
    store::UnitOfWork& unit, const ConnectSession& session, std::string_view because,
    const OrgId& from, const api::Actor& actor, Timestamp now
) {
    ConnectRepo repo(unit.db(), api::ScopeIssuer::scope(session.org_id));
    FAIRLEAD_TRY(ended, repo.end(session.id, because, now));
    if (!ended) return {};
    record(
        unit, session, "connect.end", from, actor,
        {{"because", because}, {"started_at", to_rfc3339(session.started_ms)}}
    );
    unit.after_commit([&events = parts_.events, id = session.id] { events.end_streams(id.str()); });
    return {};
}

Result<> Connect::leave(const ConnectClaims& claims, const api::Actor& actor, Timestamp now) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        auto agency = api::ScopeIssuer::scope(claims.agency);
        FAIRLEAD_TRY(session, ConnectRepo(unit.db(), agency).session(claims.connect));
        return end(unit, session, "left", claims.agency, actor, now);
    });
}

Result<bool> Connect::revoke(
    store::UnitOfWork& unit, const api::OrgScope& from, const GrantId& id, const api::Actor& actor,
    Timestamp now
) {
    ConnectRepo repo(unit.db(), from);
    FAIRLEAD_TRY(grant, repo.grant(id));
    if (grant.revoked_ms) return false;
    FAIRLEAD_CHECK(repo.revoke(id, now));
    FAIRLEAD_TRY(open, repo.open_sessions(id));
    for (const auto& session : open)
        FAIRLEAD_CHECK(end(unit, session, "grant_revoked", from.org(), actor, now));
    api::Act act;
    act.action = "connect.revoke";
    act.target_type = "connect_grant";
    act.target_id = grant.id.str();
    act.target_name = grant.agency_name;
    // The client's log has the whole life of what it gave, and the agency's what it did.
    if (from.org() == grant.agency_id) {
        parts_.audit.record(unit, from, actor, act);
        auto declining = actor;
        declining.on_behalf_of = grant.agency_name;
        parts_.audit.record(unit, api::ScopeIssuer::scope(grant.org_id), declining, std::move(act));
    } else {
        parts_.audit.record(unit, from, actor, std::move(act));
    }
    return true;
}

Result<> Connect::end_all(
    store::UnitOfWork& unit, const api::OrgScope& from, const api::Actor& actor, Timestamp now
) {
    FAIRLEAD_TRY(open, ConnectRepo(unit.db(), from).open_sessions());
    for (const auto& session : open)
        FAIRLEAD_CHECK(end(unit, session, "switched_off", from.org(), actor, now));
    return {};
}

Result<> Connect::end_those_of(
    store::UnitOfWork& unit, const api::OrgScope& agency, const UserId& user, Timestamp now
) {
    FAIRLEAD_TRY(open, ConnectRepo(unit.db(), agency).open_sessions());
    for (const auto& session : open)
        if (session.user_id == user && session.agency_id == agency.org())
            FAIRLEAD_CHECK(end(unit, session, "member_restricted", agency.org(), {}, now));
    return {};
}

Result<> Connect::signed_out(
    store::UnitOfWork& unit, const std::vector<SessionId>& sessions, Timestamp now
) {
    for (const auto& id : sessions) {
        FAIRLEAD_TRY(open, connect_sessions_of(unit.db(), id));
        for (const auto& session : open)
            FAIRLEAD_CHECK(end(unit, session, "signed_out", session.agency_id, {}, now));
    }
    return {};
}

Result<> Connect::tidy(Timestamp now) {
    FAIRLEAD_TRY(over, parts_.store.read([&](store::Connection& db) {
        return connect_sessions_over(db, now);
    }));
    // One organization's log that cannot be written keeps nobody else's sessions open.
    std::exception_ptr broken;
    for (const auto& session : over) {
        try {
            FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
                return end(unit, session, session.ended_because, session.agency_id, {}, now);
            }));
        } catch (const std::exception&) {
            broken = std::current_exception();
        }
    }
    if (broken) std::rethrow_exception(broken);
    return {};
}

} // namespace fairlead::access
