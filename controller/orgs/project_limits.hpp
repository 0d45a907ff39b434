/// The projects that somebody is limited to: a member, a key, a grant.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::orgs {

/// Rows of one organization; a holder is a user's, a key's, a grant's or an invitation's id
/// (api::OrgScope::limit).
class ProjectLimits {
public:
    ProjectLimits(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Ids, in order.
    Result<std::vector<std::string>> of(std::string_view holder);
    /// Replaces them. They were checked.
    Result<> set(std::string_view holder, const std::vector<std::string>& projects);
    Result<> clear(std::string_view holder);
    /// A project is deleted. Whoever was limited to it alone sees none from then on.
    Result<> forget(const ProjectId& project);
    /// Errc::invalid (field "projects") names what is no project of this organization, or is too
    /// many. Sorts, and drops what is there twice.
    Result<std::vector<std::string>> check(std::vector<std::string> projects);

    static constexpr std::size_t most = 200;

private:
    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::orgs
