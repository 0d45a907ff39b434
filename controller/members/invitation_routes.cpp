#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/access/users.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/handing_out.hpp"
#include "controller/members/invitations.hpp"
#include "controller/members/member_repo.hpp"
#include "controller/members/role_repo.hpp"
#include "controller/members/routes.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/project_limits.hpp"

#include <fmt/core.h>

namespace fairlead::members {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::uint32_t day = 24 * 3600;

struct NewInvitation {
    std::string role;
    std::optional<std::string> email;
    std::optional<std::vector<std::string>> projects;
    std::optional<std::uint32_t> uses;
    std::optional<std::uint32_t> expires_in_s;
};
BOOST_DESCRIBE_STRUCT(NewInvitation, (), (role, email, projects, uses, expires_in_s))

struct TokenBody {
    std::string token;
};
BOOST_DESCRIBE_STRUCT(TokenBody, (), (token))

struct RegisterBody {
    std::string token;
    std::string name;
    std::string password;
};
BOOST_DESCRIBE_STRUCT(RegisterBody, (), (token, name, password))

boost::json::object to_json(const Invitation& i, Timestamp now) {
    using boost::json::value;
    return {
        {"id", i.id.str()},
        {"email", i.email.empty() ? value(nullptr) : value(i.email)},
        {"role", i.role},
        {"role_name", i.role_name},
        {"projects", i.projects ? json::to_value(codes_in(*i.projects)) : value(nullptr)},
        {"status", i.status(now)},
        {"max_uses", i.max_uses},
        {"uses", i.uses},
        {"expires_at", to_rfc3339(i.expires_ms)},
        {"created_at", to_rfc3339(i.created_ms)},
        {"created_by", {{"id", i.created_by.str()}, {"email", i.created_by_email}}}};
}

boost::json::object facts(const Invitation& i) {
    using boost::json::value;
    return {
        {"email", i.email.empty() ? value(nullptr) : value(i.email)},
        {"role", i.role_name},
        {"projects", i.projects ? json::to_value(codes_in(*i.projects)) : value(nullptr)},
        {"max_uses", i.max_uses},
        {"expires_at", to_rfc3339(i.expires_ms)}};
}

Result<Response> list(const Call& call, const Parts& parts) {
    auto rows = [&](Connection& db, const auto& page) {
        return InvitationRepo(db, call.scope()).list(page.after, page.limit + 1);
    };
    return api::list_page(call, parts.store, rows, [&](const auto& row) {
        return to_json(row, call.now());
    });
}

/// What was asked for, as far as no store is needed to say so.
Result<Invitation> checked(const Call& call, const NewInvitation& wanted) {
    Invitation row;
    api::Checks checks;
    row.max_uses = wanted.uses.value_or(1);
    checks.range("uses", wanted.uses.value_or(1), 1, 50);
    checks.range("expires_in_s", wanted.expires_in_s.value_or(7 * day), 300, 90 * day);
    if (wanted.email) {
        auto email = access::normal_email(*wanted.email);
        checks.that(email.has_value(), "email", "is no e-mail address");
        row.email = email.value_or("");
        checks.that(row.max_uses == 1, "uses", "must be 1 where the invitation is for one address");
    }
    FAIRLEAD_CHECK(checks.result());
    row.id = InvitationId::make(call.now());
    row.created_ms = call.now();
    row.expires_ms = call.now() + std::chrono::seconds(wanted.expires_in_s.value_or(7 * day));
    row.created_by = call.principal().user;
    row.created_by_email = call.principal().email;
    return row;
}

InvitationLetter letter_for(
    const Invitation& row, const std::string& org, const std::string& link, Timestamp expires
) {
    InvitationLetter letter;
    letter.invitation = row.id.str();
    letter.to = row.email;
    letter.subject = "Invitation to " + org;
    letter.text = fmt::format(
        "{} invites you to work in \"{}\" on Fairlead.\n\n{}\n\nThe link is good once, until {}. "
        "If you did not expect it, ignore this mail.\n",
        row.created_by_email, org, link, to_rfc3339(expires)
    );
    letter.link = Secret(link);
    letter.expires = expires;
    return letter;
}

/// Each may be a letter to a stranger: also those count that were taken back since.
Result<> check_pace(InvitationRepo& repo, Timestamp now) {
    FAIRLEAD_TRY(made, repo.made_before(InvitationRepo::most_in_a_day - 1));
    if (!made || *made + std::chrono::seconds(day) <= now) return {};
    auto wait = std::chrono::ceil<std::chrono::seconds>(*made + std::chrono::seconds(day) - now);
    return fail(Error(
                    Errc::rate_limited,
                    fmt::format(
                        "An organization invites at most {} times in 24 hours. Try again later, or "
                        "make one link for several people.",
                        InvitationRepo::most_in_a_day
                    )
    )
                    .with_fact("retry_after_s", std::to_string(wait.count())));
}

std::string link_with(const Parts& parts, const Secret& token) {
    return parts.url + "/invitation#" + std::string(token.reveal());
}

Result<Response> create(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewInvitation>());
    FAIRLEAD_TRY(row, checked(call, wanted));
    auto token = crypto::make_token(InvitationRepo::prefix);
    auto link = link_with(parts, token);
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        auto& db = change.db();
        FAIRLEAD_TRY(role, RoleRepo(db, change.scope()).choose(wanted.role, parts.plans));
        row.role = role.id;
        row.role_name = role.name;
        orgs::Standing nobody, guest;
        nobody.role = "none";
        guest.role = role.id;
        guest.role_permissions = role.permissions;
        FAIRLEAD_CHECK(may_hand_out(call.principal(), gained(nobody, guest)));
        if (wanted.projects) {
            FAIRLEAD_TRY(projects, orgs::ProjectLimits(db, change.scope()).check(*wanted.projects));
            row.projects = json::encode(projects);
        }
        if (!row.email.empty()) {
            FAIRLEAD_TRY(
                member, db.one<std::int64_t>(
                            "SELECT 1 FROM membership m JOIN app_user u ON u.id = m.user_id WHERE "
                            "m.org_id = $1 AND u.email = $2",
                            change.scope().org(), row.email
                        )
            );
            if (member)
                return api::conflict(
                    "already_member", row.email + " belongs to the organization already."
                );
        }
        InvitationRepo repo(db, change.scope());
        FAIRLEAD_CHECK(check_pace(repo, call.now()));
        FAIRLEAD_TRY(open, repo.count_open(call.now()));
        FAIRLEAD_CHECK(api::check_room(
            open, InvitationRepo::most_open, "too_many_invitations", "open invitations"
        ));
        orgs::OrgRepo orgs(db, change.scope());
        FAIRLEAD_TRY(seats, orgs.seats(call.now()));
        FAIRLEAD_CHECK(
            orgs::require_room(db, change.scope(), parts.plans, "members", seats + row.max_uses - 1)
        );
        bool mailed = false;
        std::optional<std::string> mail_hash;
        if (parts.mail && !row.email.empty()) {
            // A token of its own, so that only whoever gets the letter can prove the address.
            auto mail_token = crypto::make_token(InvitationRepo::prefix);
            mail_hash = crypto::token_hash(mail_token.reveal());
            FAIRLEAD_TRY(org, orgs.get());
            auto letter = letter_for(row, org.name, link_with(parts, mail_token), row.expires_ms);
            FAIRLEAD_TRY(sent, parts.mail(change.unit(), letter));
            mailed = sent;
        }
        FAIRLEAD_CHECK(repo.insert(row, crypto::token_hash(token.reveal()), mail_hash));
        api::Act act;
        act.action = "invitation.create";
        act.target_type = "invitation";
        act.target_id = row.id.str();
        act.target_name = row.email.empty() ? "a link" : row.email;
        act.after = facts(row);
        change.record(std::move(act));
        return api::answer(
            boost::json::object{
                {"invitation", to_json(row, call.now())},
                {"token", token.reveal()},
                {"link", link},
                {"mailed", mailed}},
            201
        );
    });
}

Result<Response> revoke(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<InvitationId>("invitation"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        InvitationRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        if (row.revoked_ms) {
            change.nothing_changed();
            return api::no_content();
        }
        FAIRLEAD_CHECK(repo.revoke(id, call.now()));
        if (parts.unmail && !row.email.empty())
            FAIRLEAD_CHECK(parts.unmail(change.unit(), id.str(), row.email));
        api::Act act;
        act.action = "invitation.revoke";
        act.target_type = "invitation";
        act.target_id = id.str();
        act.target_name = row.email.empty() ? "a link" : row.email;
        act.before = facts(row);
        change.record(std::move(act));
        return api::no_content();
    });
}

Result<Response> check(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(body, call.body<TokenBody>());
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(found, invited_by(db, body.token, call.now()));
        const auto& i = found.invitation;
        FAIRLEAD_TRY(known, access::UserRepo(db).by_email(i.email));
        bool bound = !i.email.empty();
        return api::answer(boost::json::object{
            {"org_name", found.org_name},
            {"role_name", i.role_name},
            {"email", bound ? boost::json::value(i.email) : boost::json::value(nullptr)},
            {"invited_by", i.created_by_email},
            {"can_register", found.by_letter && !(known && known->verified) && parts.may_register},
            {"expires_at", to_rfc3339(i.expires_ms)}});
    });
}

Response entered(const Invited& into, int status) {
    return api::answer(
        boost::json::object{{"org_id", into.org.str()}, {"org_name", into.org_name}}, status
    );
}

Result<Response> accept_own(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(body, call.body<TokenBody>());
    FAIRLEAD_TRY(into, accept_as(call, parts, body.token));
    return entered(into, 200);
}

Result<Response> sign_up(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(body, call.body<RegisterBody>());
    Secret password(std::move(body.password));
    api::Checks checks;
    checks.length("name", body.name, 1, 100);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_TRY(
        into, register_invited(parts, call.actor(), body.token, body.name, password, call.now())
    );
    return entered(into, 201);
}

} // namespace

void add_invitation_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/invitations");
    routes.get("", "invitations.view", &list);
    routes.post("", "invitations.create", &create);
    routes.remove("/{invitation}", "invitations.revoke", &revoke);
    api::Routes own(table, parts, "/api/v1/invitations");
    own.post("/check", api::open_to_all, &check);
    own.post("/accept", api::signed_in, &accept_own);
    own.post("/register", api::open_to_all, &sign_up, {.hashes = true});
}

} // namespace fairlead::members
