/// HTTPS requests to providers, as far as this folder sees them; `app` makes them.
#pragma once

#include "common/runtime/result.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::sso {

struct Ask {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    std::string ca_pem{}; ///< whom to trust; empty: the machine's own authorities
};

struct Answer {
    int status = 0;
    std::string body;
};

/// One request, blocking: worker threads only, and never inside a transaction. No redirects are
/// followed. Bounded in time, in size, and in how many run at once. Errc::unavailable,
/// Errc::timeout, Errc::invalid (an answer that is too long).
using Fetch = std::function<Result<Answer>(const Ask&)>;

/// "a=1&b=x%20y"
std::string form_encode(const std::vector<std::pair<std::string, std::string>>& pairs);

/// `url` with these added to its query.
std::string
with_query(std::string_view url, const std::vector<std::pair<std::string, std::string>>& pairs);

} // namespace fairlead::sso
