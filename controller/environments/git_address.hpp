/// The parts of a git address, and whether two lead to the same repository.
#pragma once

#include <optional>
#include <string_view>

namespace fairlead::environments {

/// Views into the address.
struct GitAddress {
    std::string_view scheme; ///< "ssh" for user@host:path too
    std::string_view user;
    std::string_view host; ///< with the port where one is given
    std::string_view path;
};

/// What git would make of it, for the forms that we allow; nothing for others.
std::optional<GitAddress> split_git_address(std::string_view url);

/// The same repository by https or ssh, in any of their spellings: users, ".git", a slash at the
/// end and the case of letters make no difference, as they make none at the services that send
/// pushes. Ports are compared between two ways of the same kind alone, as https and ssh have their
/// own.
bool same_repository(std::string_view a, std::string_view b);

} // namespace fairlead::environments
