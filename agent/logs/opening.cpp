#include "agent/logs/opening.hpp"

#include "agent/policy/shape.hpp"
#include "proto/codec.hpp"

namespace fairlead::logs {

Result<proto::LogOpening> read_opening(std::string_view body) {
    FAIRLEAD_TRY(wanted, proto::read_text<proto::LogOpening>(body));
    FAIRLEAD_CHECK(proto::check(wanted.what));
    // It becomes part of the names of units.
    if (wanted.what.source == "odoo") FAIRLEAD_CHECK(policy::check_slug(wanted.slug));
    return wanted;
}

Result<> judge(const proto::LogOpening& wanted, const policy::Policy& policy) {
    bool of_odoo = wanted.what.source == "odoo";
    return policy.permit_log(wanted.what.source, of_odoo ? wanted.slug : std::string());
}

} // namespace fairlead::logs
