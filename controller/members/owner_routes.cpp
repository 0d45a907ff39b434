// The ownership flag: owners alone hand it out and take it, and one always stays.
#include "controller/api/routes.hpp"
#include "controller/members/routes.hpp"
#include "controller/members/view.hpp"

namespace fairlead::members {
namespace {

using api::Call;
using api::Change;
using api::Response;

/// The guard has looked already; meanwhile another owner may have been faster.
Result<> still_owner(Change& change, const Call& call) {
    FAIRLEAD_TRY(self, MemberRepo(change.db(), change.scope()).find(call.principal().user));
    if (self && self->owner) return {};
    return fail(Error(Errc::forbidden, "Only an owner of the organization can do this.")
                    .with_code("owner_required"));
}

Result<Response> set(const Call& call, const Parts& parts, bool owner) {
    FAIRLEAD_TRY(id, call.path_id<UserId>("user"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        MemberRepo repo(change.db(), change.scope());
        FAIRLEAD_CHECK(still_owner(change, call));
        FAIRLEAD_TRY(member, repo.get(id));
        if (member.owner == owner) {
            change.nothing_changed();
        } else {
            FAIRLEAD_CHECK(owner ? repo.make_owner(id) : repo.take_ownership(id));
            auto act = act_on(member, owner ? "owner.add" : "owner.remove");
            act.before = boost::json::object{{"owner", member.owner}};
            act.after = boost::json::object{{"owner", owner}};
            change.record(std::move(act));
            end_streams(change.unit(), change.scope(), id, parts.events);
        }
        FAIRLEAD_TRY(fresh, repo.get(id));
        FAIRLEAD_TRY(body, describe(change.db(), change.scope(), parts, fresh));
        return api::answer(body);
    });
}

Result<Response> add(const Call& call, const Parts& parts) {
    return set(call, parts, true);
}
Result<Response> remove(const Call& call, const Parts& parts) {
    return set(call, parts, false);
}

} // namespace

void add_owner_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/members/{user}/owner");
    routes.post("", api::owners_alone, &add, {.step_up = true});
    routes.remove("", api::owners_alone, &remove, {.step_up = true});
}

} // namespace fairlead::members
