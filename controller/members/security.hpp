/// What an organization asks of whoever enters it, and what it has switched off.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace fairlead::members {

struct Security {
    std::string sso_required; ///< slug of the provider that sessions must come from; "": any
    bool two_factor_required = false;
    bool clone_enabled = true;
    bool connect_as_enabled = true;
    std::string downloads = "[]"; ///< JSON list of normal_domain's; empty: any
    std::string addresses = "[]"; ///< JSON list of access::normal_network's; empty: any

    bool operator==(const Security&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    Security, (),
    (sso_required, two_factor_required, clone_enabled, connect_as_enabled, downloads, addresses)
)

boost::json::object to_json(const Security& security);

class SecurityRepo {
public:
    SecurityRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// The defaults where nothing was set.
    Result<Security> get();
    Result<> put(const Security& security);

private:
    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::members
