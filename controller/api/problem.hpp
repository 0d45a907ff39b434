/// Errors as RFC 9457 problem documents: the one place where our kinds of failure meet HTTP's
/// numbers.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/response.hpp"

#include <string_view>

namespace fairlead::api {

int http_status(const Error& error);

/// `application/problem+json`; the detail of the error stays out of it.
Response problem(const Error& error, std::string_view request_id);

/// What is left over when an exception ended a request. Says nothing of its cause.
Response internal_problem(std::string_view request_id);

} // namespace fairlead::api
