/// How a request becomes a reading: what the routes of logs, of recordings and of captured mail
/// share.
#pragma once

#include "controller/api/call.hpp"
#include "controller/api/response.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/logs/routes.hpp"

#include <string>
#include <string_view>

namespace fairlead::logs {

/// Who asks, of which server; what for is the caller's.
Asked asked_by(const api::Call& call, const fleet::Server& server);

/// An answer with what `response` has, whose body is the reading: its place is taken and `action`
/// stands in the audit log. Where the look `goes_on`, such as by paging, it is no entry of its own
/// within look_lasts after another of the same reader. A question by HEAD takes nothing.
Result<api::Response> offer(
    const api::Call& call, const RouteParts& parts, Asked asked, std::string_view action,
    bool goes_on, api::Response response
);

/// Content-Disposition of a file with this name, whose letters are made harmless.
void name_file(api::Response& response, std::string name);

} // namespace fairlead::logs
