/// What answers hold where there is nothing: null.
#pragma once

#include "common/runtime/clock.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace fairlead::api {

/// Null for "".
boost::json::value text_or_null(const std::string& text);
boost::json::value time_or_null(const std::optional<Timestamp>& at);
/// {"code", "message"}; null without a code.
boost::json::value error_or_null(const std::string& code, const std::string& message);

} // namespace fairlead::api
