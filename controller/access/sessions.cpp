#include "controller/access/sessions.hpp"

#include "common/crypto/token.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

using namespace std::chrono_literals;

constexpr auto reread_after = 5s;
constexpr auto save_after = 60s;
constexpr std::size_t most_known = 20'000;

tl::unexpected<Error> signed_out() {
    return fail(
        Errc::unauthenticated, "You are not signed in, or the session has ended. Sign in again."
    );
}

} // namespace

#define FAIRLEAD_SESSION                                                                           \
    "SELECT s.id, s.user_id, u.email, u.name AS user_name, s.created_ms AS created, "              \
    "s.last_used_ms AS last_used,"                                                                 \
    " s.expires_ms AS expires, s.address, s.user_agent, s.method, s.issuer, s.second_factor,"      \
    " s.elevated_ms AS elevated FROM session s JOIN app_user u ON u.id = s.user_id"

bool Sessions::alive(const Session& session, Timestamp now) const {
    return now < session.expires && now - session.last_used < limits_.idle;
}

std::optional<Sessions::Known> Sessions::recall(const std::string& hash, Timestamp now) {
    std::lock_guard held(lock_);
    auto found = known_.find(hash);
    if (found == known_.end() || now - found->second.read >= reread_after) return std::nullopt;
    return found->second;
}

Result<Sessions::Known> Sessions::fetch(const std::string& hash, Timestamp now) {
    for (int attempt = 0; attempt < 5; ++attempt) {
        auto endings = [&] {
            std::lock_guard held(lock_);
            return endings_;
        }();
        FAIRLEAD_TRY(session, store_.read([&](store::Connection& db) {
            return db.one<Session>(FAIRLEAD_SESSION " WHERE s.token_hash = $1", hash);
        }));
        std::lock_guard held(lock_);
        if (!session) {
            known_.erase(hash);
            return signed_out();
        }
        // A session ended since the read began, perhaps this one.
        if (endings != endings_) continue;
        if (known_.size() >= most_known) known_.clear();
        Known known{*std::move(session), now, {}};
        known.saved = known.session.last_used;
        // Uses are saved once a minute; what is in memory is newer.
        if (auto found = known_.find(hash); found != known_.end())
            known.session.last_used =
                std::max(known.session.last_used, found->second.session.last_used);
        return known_[hash] = std::move(known);
    }
    return fail(Errc::unavailable, "Many sessions are ending at this moment. Try again.");
}

Result<Session> Sessions::use(std::string_view token, Timestamp now) {
    if (!crypto::well_formed_token(token_prefix, token)) return signed_out();
    auto hash = crypto::token_hash(token);
    auto known = recall(hash, now);
    if (!known) {
        FAIRLEAD_TRY(read, fetch(hash, now));
        known = std::move(read);
    }
    if (!alive(known->session, now)) return signed_out();

    bool save = now - known->saved >= save_after;
    {
        std::lock_guard held(lock_);
        if (auto found = known_.find(hash); found != known_.end()) {
            found->second.session.last_used = now;
            if (save) found->second.saved = now;
        }
    }
    if (save)
        FAIRLEAD_CHECK(store_.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE session SET last_used_ms = $2 WHERE id = $1", known->session.id, now
            );
        }));
    known->session.last_used = now;
    return std::move(known->session);
}

Result<OpenedSession> Sessions::open(
    store::UnitOfWork& unit, const User& user, const Proof& proof, std::string_view address,
    std::string_view user_agent, Timestamp now
) {
    FAIRLEAD_TRY(
        surplus, unit.db().all<SessionId>(
                     "SELECT id FROM session WHERE user_id = $1 ORDER BY last_used_ms DESC, id "
                     "DESC LIMIT 100 OFFSET $2",
                     user.id, most_per_user - 1
                 )
    );
    for (const auto& id : surplus) FAIRLEAD_CHECK(end(unit, user.id, id));

    auto token = crypto::make_token(token_prefix);
    Session session{
        SessionId::make(now),
        user.id,
        user.email,
        user.name,
        now,
        now,
        now + limits_.absolute,
        std::string(address.substr(0, 64)),
        std::string(user_agent.substr(0, 300)),
        proof.method,
        proof.issuer,
        proof.second_factor,
        now};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO session (id, token_hash, user_id, created_ms, last_used_ms, expires_ms, "
        "address, user_agent, method, issuer, second_factor, elevated_ms)"
        " VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $4)",
        session.id, crypto::token_hash(token.reveal()), session.user_id, session.created,
        session.expires, session.address, session.user_agent, session.method, session.issuer,
        session.second_factor
    ));
    return OpenedSession{std::move(session), std::move(token)};
}

Result<Secret> Sessions::elevate(
    store::UnitOfWork& unit, const UserId& user, const SessionId& session, bool second_factor,
    Timestamp now
) {
    auto token = crypto::make_token(token_prefix);
    FAIRLEAD_TRY(
        changed, unit.db().run(
                     "UPDATE session SET token_hash = $3, elevated_ms = $4, last_used_ms = $4,"
                     " second_factor = CASE WHEN $5 = 1 THEN 1 ELSE second_factor END"
                     " WHERE user_id = $1 AND id = $2",
                     user, session, crypto::token_hash(token.reveal()), now, second_factor
                 )
    );
    if (changed == 0) return fail(Errc::not_found, "There is no such session.");
    unit.after_commit([this, session] { forget({session}); });
    return token;
}

void Sessions::forget(const std::vector<SessionId>& sessions) {
    std::lock_guard held(lock_);
    ++endings_;
    std::erase_if(known_, [&](const auto& entry) {
        return std::find(sessions.begin(), sessions.end(), entry.second.session.id) !=
               sessions.end();
    });
}

Result<> Sessions::without_second_factor(store::UnitOfWork& unit, const UserId& user) {
    FAIRLEAD_CHECK(unit.db().run(
        "UPDATE session SET second_factor = 0 WHERE user_id = $1 AND method <> 'sso'", user
    ));
    changed(unit, user);
    return {};
}

void Sessions::changed(store::UnitOfWork& unit, const UserId& user) {
    unit.after_commit([this, user] {
        std::lock_guard held(lock_);
        ++endings_;
        std::erase_if(known_, [&](const auto& entry) {
            return entry.second.session.user_id == user;
        });
    });
}

Result<> Sessions::ending(store::UnitOfWork& unit, std::vector<SessionId> ended) {
    if (ended.empty()) return {};
    FAIRLEAD_CHECK(ending_(unit, ended));
    unit.after_commit([this, ended = std::move(ended)] {
        forget(ended);
        for (const auto& id : ended) ended_(id);
    });
    return {};
}

Result<> Sessions::end(store::UnitOfWork& unit, const UserId& user, const SessionId& session) {
    FAIRLEAD_TRY(
        gone, unit.db().run("DELETE FROM session WHERE user_id = $1 AND id = $2", user, session)
    );
    if (gone == 0) return fail(Errc::not_found, "There is no such session.");
    return ending(unit, {session});
}

Result<> Sessions::end_all(
    store::UnitOfWork& unit, const UserId& user, const std::optional<SessionId>& but
) {
    FAIRLEAD_TRY(
        ended, unit.db().all<SessionId>(
                   "DELETE FROM session WHERE user_id = $1 AND id <> $2 RETURNING id", user,
                   but ? but->str() : std::string()
               )
    );
    return ending(unit, std::move(ended));
}

Result<std::vector<Session>> Sessions::list(const UserId& user, Timestamp now) {
    FAIRLEAD_TRY(sessions, store_.read([&](store::Connection& db) {
        return db.all<Session>(FAIRLEAD_SESSION " WHERE s.user_id = $1 LIMIT 1000", user);
    }));
    {
        std::lock_guard held(lock_);
        for (const auto& [hash, known] : known_)
            for (auto& session : sessions)
                if (session.id == known.session.id)
                    session.last_used = std::max(session.last_used, known.session.last_used);
    }
    std::erase_if(sessions, [&](const Session& session) { return !alive(session, now); });
    std::sort(sessions.begin(), sessions.end(), [](const Session& a, const Session& b) {
        return a.last_used != b.last_used ? a.last_used > b.last_used : a.id > b.id;
    });
    return std::move(sessions);
}

Result<> Sessions::tidy(Timestamp now) {
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(
            old,
            unit.db().all<SessionId>(
                "SELECT id FROM session WHERE expires_ms <= $1 OR last_used_ms <= $2 LIMIT 1000",
                now, now - limits_.idle
            )
        );
        {
            // Used within the last minute, though the store does not know it yet.
            std::lock_guard held(lock_);
            for (const auto& [hash, known] : known_)
                if (alive(known.session, now)) std::erase(old, known.session.id);
        }
        for (const auto& id : old)
            FAIRLEAD_CHECK(unit.db().run("DELETE FROM session WHERE id = $1", id));
        return ending(unit, std::move(old));
    });
}

} // namespace fairlead::access
