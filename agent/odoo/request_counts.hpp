/// What an environment's serve.py counts of its requests, in a file of the environment's own in
/// /run, which is gone with the process.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace fairlead::odoo {

inline constexpr std::string_view request_counts_file = "requests";

struct RequestCounts {
    std::uint64_t requests = 0;
    std::uint64_t failures = 0; ///< of these, answered with 500 or above
    std::uint64_t ms = 0;       ///< that they took, added up
};

/// The environment writes there what it likes, links too: a plain file of the right form counts,
/// and nothing is waited for. Errc::not_found for all else.
Result<RequestCounts> read_request_counts(const std::filesystem::path& file);

} // namespace fairlead::odoo
