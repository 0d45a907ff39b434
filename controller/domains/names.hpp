/// Host names in the one spelling in which they are stored and compared, and how they lie above and
/// below each other.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::domains {

/// Of a name; and of one that is claimed, before which the label of its challenge has to fit.
inline constexpr std::size_t longest_name = 253, longest_claim = 233;

/// The label that the TXT record of a claim stands below its name with.
inline constexpr std::string_view challenge_label = "_fairlead-challenge.";

/// "Shop.Bücher.example." → "shop.xn--bcher-kva.example": A-labels by UTS 46 (non-transitional,
/// STD3 rules) in lower case, no trailing dot, at least two labels, no address in any spelling.
/// "*." may stand in front, for every name below and not the name itself. Normal names come back as
/// they are. Errc::invalid with the end of a sentence: "must …", "has …".
Result<std::string> normalise(std::string_view text);

bool is_wildcard(std::string_view name);
/// Without the star of a wildcard.
std::string_view base_of(std::string_view name);

/// Does `claim` prove `host`: the same name, or a wildcard above it?
bool covers(std::string_view claim, std::string_view host);
/// All claims that cover `host`: itself, and a wildcard of each name above it.
std::vector<std::string> covering(std::string_view host);

/// Is `host` `other` or below it?
bool within(std::string_view host, std::string_view other);

/// "shop.example.org" and "*.shop.example.org" → "org.example.shop.": what lies below a name starts
/// with its tree.
std::string tree_of(std::string_view name);
/// The trees of the names above, and its own.
std::vector<std::string> trees_above(std::string_view name);

/// May an organization claim `name`, a normal one? Not what is of an internal network, nor the
/// controller's own host or what is below it, nor what is too long for its challenge. Errc::invalid
/// as above.
Result<> claimable(std::string_view name, std::string_view own_host);

} // namespace fairlead::domains
