/// Whose turn it is: one look at a time for each organization, and first whoever had none for
/// longest.
#pragma once

#include "controller/domains/domain_repo.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace fairlead::domains {

class Rota {
public:
    /// Of those that wait, in their order where neither had a turn; nothing when all of them have
    /// one under way. Forgets those that wait no more.
    std::optional<OrgId> take(const std::vector<Awaiting>& waiting);
    void give_back(const OrgId& org);
    std::size_t known() const { return served_.size(); }

private:
    std::set<OrgId> busy_;
    std::map<OrgId, std::uint64_t> served_;
    std::uint64_t turns_ = 0;
};

} // namespace fairlead::domains
