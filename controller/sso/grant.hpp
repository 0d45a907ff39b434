/// The step that OpenID Connect and plain OAuth 2 have in common: the code for a token (RFC 6749
/// section 4.1.3).
#pragma once

#include "controller/sso/protocol.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::sso {

/// Parameters of the request that every protocol sends, S256 challenge included.
std::vector<std::pair<std::string, std::string>>
authorization_query(const Provider& provider, const Attempt& attempt);

struct Tokens {
    Secret access;
    std::string id; ///< empty where there is none
};

/// `basic`: the client's secret goes into the header, else into the body.
Result<Tokens> trade(
    const Provider& provider, const Fetch& fetch, const std::string& url, bool basic,
    const Attempt& attempt, const std::string& code
);

/// GET with the token, a JSON value.
Result<boost::json::value> ask_as(
    const Provider& provider, const Fetch& fetch, const std::string& url, const Secret& access,
    std::string_view accept = "application/json"
);

} // namespace fairlead::sso
