#include "controller/access/members.hpp"

#include "common/json/json.hpp"

#include <chrono>

namespace fairlead::access {
namespace {

constexpr auto reread_after = std::chrono::seconds(5);
constexpr std::size_t most_known = 20'000;

} // namespace

Result<std::shared_ptr<const Member>>
Members::find(const OrgId& org, const UserId& user, Timestamp now) {
    auto key = org.str() + user.str();
    // Before the read: a COMMIT during it counts as later.
    auto commits = store_.commits();
    {
        std::lock_guard held(lock_);
        auto found = known_.find(key);
        if (found != known_.end() && found->second.commits == commits &&
            now - found->second.read < reread_after)
            return found->second.member;
    }
    FAIRLEAD_TRY(row, store_.read([&](store::Connection& db) {
        return orgs::standing_of(db, org, user);
    }));
    if (!row) {
        std::lock_guard held(lock_);
        known_.erase(key);
        return std::shared_ptr<const Member>();
    }
    auto member = std::make_shared<Member>();
    member->standing = *std::move(row);
    member->rights = rights_of(
        member->standing, plans_.has(member->standing.plan, orgs::feature::granular_permissions)
    );
    FAIRLEAD_TRY(
        addresses, json::decode<std::vector<std::string>>(
                       member->standing.addresses, json::Strictness::lenient
                   )
    );
    member->addresses = std::move(addresses);
    std::lock_guard held(lock_);
    if (known_.size() >= most_known) known_.clear();
    known_[key] = {member, commits, now};
    return std::shared_ptr<const Member>(std::move(member));
}

} // namespace fairlead::access
