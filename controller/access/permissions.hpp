/// Every permission there is, and which built-in role holds it. The contract, the console and the
/// documents follow this.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Who holds it without a custom role. `admin` holds all of them.
enum class Holder { admin, developer, viewer };

/// What it is about. Who is limited to projects keeps `project` and `any`.
enum class Reach {
    org,     ///< the organization as a whole
    project, ///< one project's things
    any,     ///< of the organization, and needed for work on a project
};

struct Permission {
    std::string_view code; ///< "servers.view"
    Holder least;          ///< the smallest built-in role that holds it; larger ones do too
    Reach reach;
    std::string_view allows; ///< for the role editor: "See servers and their facts"
};

std::span<const Permission> permissions();

bool is_permission(std::string_view code);

/// True for admin, developer and viewer.
bool is_built_in_role(std::string_view role);

/// What a built-in role may do; any other name holds nothing. `rights.hpp` has the whole rule.
const std::set<std::string, std::less<>>& permissions_of(std::string_view role);

/// What somebody who is limited to projects can hold at most.
const std::set<std::string, std::less<>>& limited_permissions();

} // namespace fairlead::access
