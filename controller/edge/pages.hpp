/// What visitors get when it is the edge that answers and not their site.
#pragma once

#include "common/net/http.hpp"

#include <string>
#include <string_view>

namespace fairlead::edge {

/// A whole message, after which the connection ends. `sentence` says what is wrong in words that
/// tell nothing of the inside; "" takes the status's own. HTML where `accept` (the request's field)
/// asks for it, else text. No body when `method` is HEAD.
std::string
page(int status, std::string_view sentence, std::string_view accept, std::string_view method);

} // namespace fairlead::edge
