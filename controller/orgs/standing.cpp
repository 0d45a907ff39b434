#include "controller/orgs/standing.hpp"

namespace fairlead::orgs {

Result<std::optional<Standing>>
standing_of(store::Connection& db, const OrgId& org, const UserId& user) {
    return db.one<Standing>(
        "SELECT m.role, coalesce(r.name, m.role) AS role_name, r.permissions AS role_permissions,"
        " m.owner, m.limited, m.granted, m.withdrawn, m.connect_as, o.name AS org_name, o.plan,"
        " coalesce(s.sso_required, '') AS sso_required,"
        " coalesce(s.two_factor_required, 0) AS two_factor_required,"
        " coalesce(s.clone_enabled, 1) AS clone_enabled,"
        " coalesce(s.addresses, '[]') AS addresses"
        " FROM membership m JOIN org o ON o.id = m.org_id"
        " LEFT JOIN role r ON r.id = m.role AND r.org_id = m.org_id"
        " LEFT JOIN org_setting s ON s.org_id = m.org_id"
        " WHERE m.org_id = $1 AND m.user_id = $2",
        org, user
    );
}

} // namespace fairlead::orgs
