/// What may be asked for: the shapes of names, addresses, branches and requirements. Each finding
/// says what was wrong with the value and what to do instead. What passes here reaches git and pip
/// on the server as one argument that cannot be taken for an option, a path or another transport.
#pragma once

#include "controller/api/checks.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::environments {

/// May git be fetched over something that proves nothing: http://, git://, file://? From the
/// operator's configuration.
enum class GitTransports { safe, any };

void check_name(api::Checks& checks, std::string_view field, std::string_view name);
/// a-z, digits and single dashes, a letter first.
void check_slug(
    api::Checks& checks, std::string_view field, std::string_view slug, std::size_t most
);
void check_odoo_version(api::Checks& checks, std::string_view field, std::string_view version);
void check_git_url(
    api::Checks& checks, std::string_view field, std::string_view url, GitTransports transports
);
void check_branch(api::Checks& checks, std::string_view field, std::string_view branch);
void check_addon_name(api::Checks& checks, std::string_view field, std::string_view name);
void check_modules(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& modules
);
void check_requirements(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& requirements
);
void check_domains(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& domains
);
/// In the spelling in which they are stored, each once; those that are none are left out.
std::vector<std::string> normal_domains(
    api::Checks& checks, std::string_view field, const std::vector<std::string>& domains
);
void check_variable_name(api::Checks& checks, std::string_view field, std::string_view name);
/// A host name or address, with a port or without.
void check_host(api::Checks& checks, std::string_view field, std::string_view host);

/// The host of a git address as a credential names it: lower case, with the port where one is
/// given; "" for file://.
std::string host_of(std::string_view git_url);

/// A slug made from a name for people: "Shop (staging)" → "shop-staging". Never empty, at most
/// `most` characters.
std::string slug_from(std::string_view name, std::size_t most);

} // namespace fairlead::environments
