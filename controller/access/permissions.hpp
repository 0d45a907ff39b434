/// Every permission there is, and which built-in role holds it. The contract, the console and the
/// documents follow this.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Who holds it without a custom role. `admin` holds all of them.
enum class Holder { admin, developer, viewer };

struct Permission {
    std::string_view code;   ///< "servers.view"
    Holder least;            ///< the smallest built-in role that holds it; larger ones do too
    std::string_view allows; ///< for the role editor: "See servers and their facts"
};

std::span<const Permission> permissions();

bool is_permission(std::string_view code);

/// True for admin, developer and viewer.
bool is_built_in_role(std::string_view role);

/// What somebody with this role may do; owners hold everything. Unknown roles hold nothing. Never
/// null.
std::shared_ptr<const std::set<std::string, std::less<>>>
permissions_of(std::string_view role, bool owner);

} // namespace fairlead::access
