#include "controller/members/security.hpp"

#include "common/json/json.hpp"
#include "controller/members/member_repo.hpp"

namespace fairlead::members {

boost::json::object to_json(const Security& s) {
    return {
        {"sso_required",
         s.sso_required.empty() ? boost::json::value(nullptr) : boost::json::value(s.sso_required)},
        {"two_factor_required", s.two_factor_required},
        {"clone_enabled", s.clone_enabled},
        {"connect_as_enabled", s.connect_as_enabled},
        {"download_domains", json::to_value(codes_in(s.downloads))},
        {"addresses", json::to_value(codes_in(s.addresses))}};
}

Result<Security> SecurityRepo::get() {
    FAIRLEAD_TRY(
        found, db_.one<Security>(
                   "SELECT sso_required, two_factor_required, clone_enabled, connect_as_enabled, "
                   "downloads, addresses FROM org_setting WHERE org_id = $1",
                   org_
               )
    );
    return found.value_or(Security());
}

Result<> SecurityRepo::put(const Security& s) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO org_setting (org_id, sso_required, two_factor_required, clone_enabled, "
        "connect_as_enabled, downloads, addresses) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT "
        "(org_id) DO UPDATE SET sso_required = excluded.sso_required, two_factor_required = "
        "excluded.two_factor_required, clone_enabled = excluded.clone_enabled, connect_as_enabled "
        "= excluded.connect_as_enabled, downloads = excluded.downloads, addresses = "
        "excluded.addresses",
        org_, s.sso_required, s.two_factor_required, s.clone_enabled, s.connect_as_enabled,
        s.downloads, s.addresses
    ));
    return {};
}

} // namespace fairlead::members
