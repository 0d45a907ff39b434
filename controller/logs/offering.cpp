#include "controller/logs/offering.hpp"

#include <algorithm>

namespace fairlead::logs {
namespace {

using api::Call;
using api::Change;
using api::Response;

Result<> write_down(
    const Call& call, const RouteParts& parts, const Asked& asked, std::string_view action,
    bool goes_on
) {
    auto look = look_of(asked);
    if (goes_on && parts.directory.was_noted(look, call.now())) return {};
    FAIRLEAD_CHECK(api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        change.record(act_on(asked, std::string(action)));
        return api::no_content();
    }));
    if (goes_on || !asked.is_file()) parts.directory.note(look, call.now());
    return {};
}

} // namespace

Asked asked_by(const Call& call, const fleet::Server& server) {
    const auto& who = call.principal();
    return Asked{
        .id = ReadingId::make(call.now()),
        .scope = call.scope(),
        .server = server.id,
        .server_name = server.name,
        .environment = {},
        .environment_name = {},
        .what = {},
        .user = who.user,
        .reader = who.id(),
        .actor = call.actor(),
        .made = call.now(),
        .lasts = who.lasts(call.now()),
        .bonds = who.bonds()};
}

Result<Response> offer(
    const Call& call, const RouteParts& parts, Asked asked, std::string_view action, bool goes_on,
    Response response
) {
    if (call.request().method == api::Method::head) return response;
    FAIRLEAD_TRY(held, parts.directory.reserve(std::move(asked)));
    auto written = write_down(call, parts, *held, action, goes_on);
    if (!written) {
        parts.directory.remove(held->id);
        return fail(std::move(written).error());
    }
    response.offer = api::BodyOffer{held->id.str()};
    return response;
}

void name_file(Response& response, std::string name) {
    std::ranges::replace_if(
        name,
        [](char c) {
            return !(
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '.' || c == '_'
            );
        },
        '_'
    );
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
}

} // namespace fairlead::logs
