/// The addresses of git repositories, and the patterns of a policy that stand for many of them.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::policy {

/// A repository's address, taken apart. Only these spellings exist: https://host[:port]/path,
/// ssh://[user@]host[:port]/path, user@host:path, file:///path, and the same with git+ before them.
struct RepositoryUrl {
    std::string scheme; ///< "https", "ssh", "file"
    std::string user;   ///< ssh only
    std::string host;   ///< lower case; empty for file
    std::uint16_t port = 0;
    std::string path; ///< begins with a slash, has no "." or ".." part

    std::string text() const;
};
Result<RepositoryUrl> parse_repository(std::string_view text);

/// "https://*.corp.example/odoo": a host may be "*" or begin with "*.", and the path may be left
/// out. Errc::invalid with the end of a sentence.
Result<RepositoryUrl> parse_pattern(std::string text);

/// A path covers itself and what is below it; without a port a pattern covers the usual one.
bool covers(const RepositoryUrl& pattern, const RepositoryUrl& url);

} // namespace fairlead::policy
