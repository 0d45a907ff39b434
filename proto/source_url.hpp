/// Where data may come from, judged once for controller and agent: https addresses, and paths on a
/// server's own disk.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::proto {

/// Only one spelling of each exists: https, no user, no fragment, a name or a plain address, no
/// encoded dot or slash that somebody further down might decode into another path.
struct SourceUrl {
    std::string host; ///< lower case; IPv6 without brackets
    std::uint16_t port = 443;
    std::string path;  ///< begins with a slash, as it is sent
    std::string query; ///< without '?'; often what lets the bearer in, so it is a secret

    std::string authority() const; ///< as the header Host says it
    std::string target() const;    ///< path and query
    std::string text() const;      ///< without the query: for people, lists and logs
};

/// At most 4096 characters. Errc::invalid with the end of a sentence: "must …".
Result<SourceUrl> parse_source_url(std::string_view text);

/// Where a Location header leads, seen from `base`. Errc::invalid as above.
Result<SourceUrl> follow(const SourceUrl& base, std::string_view location);

/// True when one of `domains` (in lower case) is `host`, or a wildcard above it: "*.example.org" is
/// a.example.org and a.b.example.org, not example.org. An empty list allows every host.
bool among(std::span<const std::string> domains, std::string_view host);

/// An absolute path in one spelling: at most 400 letters, digits and . _ ~ + @ : - between slashes,
/// none of them last, no part that is "." or has "..", none that begins with a dash.
bool is_source_path(std::string_view path);

} // namespace fairlead::proto
