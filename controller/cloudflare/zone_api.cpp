#include "controller/cloudflare/zone_api.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"

#include <fmt/core.h>

namespace fairlead::cloudflare {
namespace {

std::string create_text(const std::string& name) {
    return json::serialize(boost::json::object{
        {"hostname", name}, {"ssl", {{"method", "http"}, {"type", "dv"}}}});
}

} // namespace

Result<outbound::Answer> ZoneApi::ask(
    std::string method, const std::string& path, std::string body, const std::stop_token& stop
) {
    outbound::Request request;
    request.method = std::move(method);
    request.url = base_ + path;
    request.headers = {
        {"authorization", "Bearer " + std::string(token_.reveal())},
        {"accept", "application/json"},
        {"user-agent", "fairlead-controller"}};
    if (!body.empty()) request.headers.add("content-type", "application/json");
    request.body = std::move(body);
    request.limit = limit;
    request.body_bytes = answer_bytes;
    request.stop = stop;
    auto answer = send_(request);
    if (answer) return answer;
    const auto& error = answer.error();
    if (error.code() == "egress_missing" || error.code() == "outbound_stopped") return fail(error);
    if (error.code() == "outbound_too_large") return bad_answer("it is too long", error.message());
    return fail(Error(
                    Errc::unavailable,
                    "Cloudflare's API cannot be reached. " +
                        api::printable(error.message(), most_shown),
                    error.detail()
    )
                    .with_code("cloudflare_unreachable"));
}

Result<Remote>
ZoneApi::create(const std::string& zone, const std::string& name, const std::stop_token& stop) {
    FAIRLEAD_TRY(
        answer, ask("POST", "/zones/" + zone + "/custom_hostnames", create_text(name), stop)
    );
    FAIRLEAD_TRY(made, read_hostname(answer));
    if (made.name != name) return bad_answer("another name than the one that was asked for");
    return std::move(made);
}

Result<std::optional<Remote>>
ZoneApi::find(const std::string& zone, const std::string& name, const std::stop_token& stop) {
    for (int page = 1; page <= most_pages; ++page) {
        auto path = fmt::format(
            "/zones/{}/custom_hostnames?hostname={}&page={}&per_page={}", zone, name, page,
            page_size
        );
        FAIRLEAD_TRY(answer, ask("GET", path, "", stop));
        FAIRLEAD_TRY(found, read_page(answer));
        for (auto& one : found.hostnames)
            if (one.name == name) return std::optional<Remote>(std::move(one));
        if (found.hostnames.empty() || found.pages <= page) return std::optional<Remote>();
    }
    return bad_answer(fmt::format("more than {} pages of one name", most_pages));
}

Result<Remote>
ZoneApi::get(const std::string& zone, const std::string& id, const std::stop_token& stop) {
    FAIRLEAD_TRY(answer, ask("GET", "/zones/" + zone + "/custom_hostnames/" + id, "", stop));
    return read_hostname(answer);
}

Result<Remote>
ZoneApi::restart(const std::string& zone, const std::string& id, const std::stop_token& stop) {
    auto body = json::serialize(boost::json::object{{"ssl", {{"method", "http"}, {"type", "dv"}}}});
    FAIRLEAD_TRY(answer, ask("PATCH", "/zones/" + zone + "/custom_hostnames/" + id, body, stop));
    return read_hostname(answer);
}

Result<>
ZoneApi::remove(const std::string& zone, const std::string& id, const std::stop_token& stop) {
    FAIRLEAD_TRY(answer, ask("DELETE", "/zones/" + zone + "/custom_hostnames/" + id, "", stop));
    return read_removed(answer);
}

} // namespace fairlead::cloudflare
