/// Domains that code and data may come from.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::members {

/// "github.com" or "*.example.org" in lower case, without a dot at the end. Errc::invalid says what
/// is wrong with others: addresses, ports, paths, single words, wildcards elsewhere, and letters
/// beyond ASCII or their xn-- spelling, which can look like another name.
Result<std::string> normal_domain(std::string_view text);

/// The organization's `download_domains`. Empty: code and data may come from anywhere.
Result<std::vector<std::string>> listed_domains(store::Connection& db, const api::OrgScope& scope);

/// True when one of `domains` (normal ones) is `host`, or a wildcard above it: "*.example.org" is
/// a.example.org and a.b.example.org, not example.org. An empty list allows every host.
bool allows(std::span<const std::string> domains, std::string_view host);

} // namespace fairlead::members
