#include "controller/members/invitation_repo.hpp"

#include "common/crypto/token.hpp"

#include <tuple>

namespace fairlead::members {
namespace {

#define FAIRLEAD_INVITATION                                                                        \
    "SELECT i.id, i.email, i.role, coalesce(r.name, i.role) AS role_name, i.projects, "            \
    "i.max_uses, "                                                                                 \
    "i.uses, i.expires_ms, i.revoked_ms, i.created_ms, i.created_by, i.created_by_email FROM "     \
    "invitation i LEFT JOIN role r ON r.id = i.role AND r.org_id = i.org_id WHERE i.org_id = $1"

} // namespace

tl::unexpected<Error> invitation_invalid() {
    return fail(Error(
                    Errc::not_found,
                    "This invitation is not good any more: it was used, taken back, or has run "
                    "out. Ask whoever invited you for a new one."
    )
                    .with_code("invitation_invalid"));
}

std::string_view Invitation::status(Timestamp now) const {
    if (revoked_ms) return "revoked";
    if (uses >= max_uses) return "used_up";
    return expires_ms <= now ? "expired" : "open";
}

Result<> InvitationRepo::insert(
    const Invitation& i, std::string_view token_hash, const std::optional<std::string>& mail_hash
) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO invitation (id, org_id, token_hash, mail_hash, email, role, projects, "
        "max_uses, uses, expires_ms, created_ms, created_by, created_by_email) VALUES ($2, $1, $3, "
        "$4, $5, $6, $7, $8, 0, $9, $10, $11, $12)",
        org_, i.id, token_hash, mail_hash, i.email, i.role, i.projects, i.max_uses, i.expires_ms,
        i.created_ms, i.created_by, i.created_by_email
    ));
    return {};
}

Result<Invitation> InvitationRepo::get(const InvitationId& id) {
    return store::present(
        db_.one<Invitation>(FAIRLEAD_INVITATION " AND i.id = $2", org_, id),
        "There is no such invitation."
    );
}

Result<std::vector<Invitation>> InvitationRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Invitation>(
        FAIRLEAD_INVITATION " AND ($2 = '' OR i.id < $2) ORDER BY i.id DESC LIMIT $3", org_, below,
        limit
    );
}

Result<std::int64_t> InvitationRepo::count_open(Timestamp now) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM invitation WHERE org_id = $1 AND revoked_ms IS NULL AND "
                   "uses < max_uses AND expires_ms > $2",
                   org_, now
               )
    );
    return count.value_or(0);
}

Result<std::optional<Timestamp>> InvitationRepo::made_before(std::int64_t newer) {
    return db_.one<Timestamp>(
        "SELECT created_ms FROM invitation WHERE org_id = $1 ORDER BY created_ms DESC LIMIT 1 "
        "OFFSET $2",
        org_, newer
    );
}

Result<std::vector<Invitation>> InvitationRepo::not_revoked(const UserId& maker) {
    return db_.all<Invitation>(
        FAIRLEAD_INVITATION " AND i.created_by = $2 AND i.revoked_ms IS NULL", org_, maker
    );
}

Result<> InvitationRepo::revoke(const InvitationId& id, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE invitation SET revoked_ms = $3 WHERE org_id = $1 AND id = $2 AND revoked_ms IS "
        "NULL",
        org_, id, now
    ));
    return {};
}

Result<bool> InvitationRepo::use(const InvitationId& id, Timestamp now) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "UPDATE invitation SET uses = uses + 1 WHERE org_id = $1 AND id = $2 AND uses < "
                  "max_uses AND revoked_ms IS NULL AND expires_ms > $3",
                  org_, id, now
              )
    );
    return done > 0;
}

Result<Invited> invited_by(store::Connection& db, std::string_view token, Timestamp now) {
    if (!crypto::well_formed_token(InvitationRepo::prefix, token)) return invitation_invalid();
    using Place = std::tuple<OrgId, std::string, InvitationId, std::int64_t>;
    FAIRLEAD_TRY(
        place, db.one<Place>(
                   "SELECT i.org_id, o.name, i.id, coalesce(i.mail_hash = $1, 0) FROM invitation i "
                   "JOIN org o ON o.id = i.org_id WHERE i.token_hash = $1 OR i.mail_hash = $1",
                   crypto::token_hash(token)
               )
    );
    if (!place) return invitation_invalid();
    const auto& [org, name, id, by_letter] = *place;
    // The token is the key to the organization that its row names.
    FAIRLEAD_TRY(invitation, InvitationRepo(db, api::ScopeIssuer::scope(org)).get(id));
    if (invitation.status(now) != "open") return invitation_invalid();
    return Invited{org, name, std::move(invitation), by_letter != 0};
}

} // namespace fairlead::members
