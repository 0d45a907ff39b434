#include "controller/members/handing_out.hpp"

#include <fmt/core.h>

namespace fairlead::members {
namespace {

void add_difference(access::Rights& to, const orgs::Standing& before, const orgs::Standing& after) {
    // Grants count: another plan brings them back.
    auto had = access::rights_of(before, true);
    auto has = access::rights_of(after, true);
    for (const auto& code : *has)
        if (!had->contains(code)) to.insert(code);
}

} // namespace

access::Rights gained(const orgs::Standing& before, const orgs::Standing& after) {
    access::Rights codes;
    add_difference(codes, before, after);
    auto wide_before = before, wide_after = after;
    wide_before.limited = wide_after.limited = false;
    add_difference(codes, wide_before, wide_after);
    return codes;
}

Result<> may_hand_out(const api::Principal& who, const access::Rights& codes) {
    std::string first;
    std::size_t missing = 0;
    for (const auto& code : codes) {
        if (who.may(code)) continue;
        if (missing++ == 0) first = code;
    }
    if (missing == 0) return {};
    return fail(
        Error(
            Errc::forbidden,
            fmt::format(
                "This would hand out {}{}, which you do not hold yourself. Ask somebody who does.",
                first, missing > 1 ? fmt::format(" and {} more permissions", missing - 1) : ""
            )
        )
            .with_code("permission_not_held")
            .with_fact("permission", first)
    );
}

Result<> may_touch(const api::Principal& who, bool target_is_owner) {
    if (!target_is_owner || who.owner) return {};
    return fail(Error(
                    Errc::forbidden, "This member is an owner of the organization: only an owner "
                                     "can change that."
    )
                    .with_code("owner_required"));
}

} // namespace fairlead::members
