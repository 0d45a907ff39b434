#include "controller/access/connect_visits.hpp"

#include "common/json/json.hpp"
#include "controller/access/permissions.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace fairlead::access {
namespace {

constexpr auto reread_after = std::chrono::seconds(5);
constexpr std::size_t most_known = 5'000;

constexpr std::array<std::string_view, 9> never{"org.edit", "members.",  "invitations.",
                                                "roles.",   "api_keys.", "security.",
                                                "connect.", "plan.",     "support."};

/// Not a part of any built-in role for people from outside: a grant, or a role that the client
/// made, has to name it.
constexpr std::array<std::string_view, 1> named_alone{"odoo.login"};

struct Row {
    Timestamp expires_ms;
    std::string ended_because;
    bool ended = false;
    std::string role;
    std::string role_name;
    std::optional<std::string> role_permissions;
    std::string permissions;
    bool limited = false;
    bool revoked = false;
    std::string org_name;
    orgs::Plan plan = orgs::Plan::free;
    std::string agency_name;
    bool two_factor_required = false;
    bool clone_enabled = true;
    std::string addresses;
    bool client_on = true;
    bool agency_on = true;
};
BOOST_DESCRIBE_STRUCT(
    Row, (),
    (expires_ms, ended_because, ended, role, role_name, role_permissions, permissions, limited,
     revoked, org_name, plan, agency_name, two_factor_required, clone_enabled, addresses, client_on,
     agency_on)
)

Result<std::optional<Row>> fetch(store::Connection& db, const ConnectClaims& claims) {
    return db.one<Row>(
        "SELECT s.expires_ms, s.ended_because, s.ended_ms IS NOT NULL AS ended, g.role,"
        " coalesce(r.name, g.role) AS role_name, r.permissions AS role_permissions, g.permissions,"
        " g.limited, (g.revoked_ms IS NOT NULL) AS revoked, o.name AS org_name, o.plan,"
        " a.name AS agency_name, coalesce(oc.two_factor_required, 0) AS two_factor_required,"
        " coalesce(oc.clone_enabled, 1) AS clone_enabled,"
        " coalesce(oc.addresses, '[]') AS addresses, coalesce(oc.connect_as_enabled, 1) AS"
        " client_on, coalesce(ac.connect_as_enabled, 1) AS agency_on"
        " FROM connect_session s JOIN connect_grant g ON g.id = s.grant_id AND g.org_id = s.org_id"
        " JOIN org o ON o.id = s.org_id JOIN org a ON a.id = s.agency_id"
        " LEFT JOIN role r ON r.id = g.role AND r.org_id = g.org_id"
        " LEFT JOIN org_setting oc ON oc.org_id = s.org_id"
        " LEFT JOIN org_setting ac ON ac.org_id = s.agency_id"
        " WHERE s.org_id = $1 AND s.id = $2 AND s.agency_id = $3 AND s.user_id = $4"
        " AND s.session_id = $5 AND s.grant_id = $6",
        claims.client, claims.connect, claims.agency, claims.user, claims.session, claims.grant
    );
}

std::string why_over(const Row& row) {
    if (row.revoked) return "The grant was revoked.";
    if (row.ended) return row.ended_because == "expired" ? "Its time is over." : "It was ended.";
    if (!row.client_on) return "\"" + row.org_name + "\" has switched Connect-As off.";
    if (!row.agency_on) return "\"" + row.agency_name + "\" has switched Connect-As off.";
    return "";
}

std::vector<std::string> list_of(const std::string& text) {
    return json::decode<std::vector<std::string>>(text, json::Strictness::lenient)
        .value_or(std::vector<std::string>());
}

} // namespace

const Rights& connect_permissions() {
    static const Rights rights = [] {
        Rights kept;
        for (const auto& permission : permissions()) {
            bool barred = std::any_of(never.begin(), never.end(), [&](std::string_view area) {
                return permission.code.starts_with(area);
            });
            if (!barred) kept.emplace(permission.code);
        }
        return kept;
    }();
    return rights;
}

Rights granted(
    const std::string& role, const std::optional<std::string>& role_permissions,
    const std::string& permissions, bool limited
) {
    Rights rights;
    if (role.empty() || role_permissions) {
        for (auto& code : list_of(role.empty() ? permissions : *role_permissions))
            rights.insert(std::move(code));
    } else {
        rights = permissions_of(role);
        for (const auto& code : named_alone) rights.erase(std::string(code));
    }
    std::erase_if(rights, [&](const auto& code) {
        return !connect_permissions().contains(code) ||
               (limited && !limited_permissions().contains(code));
    });
    return rights;
}

Result<std::shared_ptr<const Visit>>
ConnectVisits::find(const ConnectClaims& claims, Timestamp now) {
    // Before the read: a COMMIT during it counts as later.
    auto commits = store_.commits();
    {
        std::lock_guard held(lock_);
        auto found = known_.find(claims.connect.str());
        if (found != known_.end() && found->second.commits == commits &&
            now - found->second.read < reread_after)
            return found->second.visit;
    }
    FAIRLEAD_TRY(row, store_.read([&](store::Connection& db) { return fetch(db, claims); }));
    if (!row) return std::shared_ptr<const Visit>();
    auto visit = std::make_shared<Visit>();
    visit->over = why_over(*row);
    visit->expires = row->expires_ms;
    visit->agency_name = row->agency_name;
    auto& member = visit->member;
    member.standing.role = row->role;
    member.standing.role_name = row->role_name;
    member.standing.limited = row->limited;
    member.standing.org_name = row->org_name;
    member.standing.plan = row->plan;
    member.standing.two_factor_required = row->two_factor_required;
    member.standing.clone_enabled = row->clone_enabled;
    member.addresses = list_of(row->addresses);
    member.rights = std::make_shared<const Rights>(
        granted(row->role, row->role_permissions, row->permissions, row->limited)
    );
    std::lock_guard held(lock_);
    if (known_.size() >= most_known) known_.clear();
    known_[claims.connect.str()] = {visit, commits, now};
    return std::shared_ptr<const Visit>(std::move(visit));
}

} // namespace fairlead::access
