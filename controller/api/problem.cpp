#include "controller/api/problem.hpp"

#include <boost/json.hpp>

namespace fairlead::api {
namespace {

std::string_view title_of(int status) {
    switch (status) {
    case 400:
        return "The request is wrong";
    case 401:
        return "Sign in first";
    case 403:
        return "Not allowed";
    case 404:
        return "Not found";
    case 405:
        return "This method is not known here";
    case 409:
        return "In conflict with what is there";
    case 413:
        return "Too large";
    case 415:
        return "Not in this format";
    case 428:
        return "Confirm first";
    case 429:
        return "Too many requests";
    case 503:
        return "Not possible at the moment";
    case 504:
        return "Took too long";
    default:
        return "Something broke here";
    }
}

boost::json::array words(std::string_view text) {
    boost::json::array list;
    while (!text.empty()) {
        auto end = text.find(' ');
        list.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return list;
}

} // namespace

int http_status(const Error& error) {
    if (error.code() == "body_too_large") return 413;
    if (error.code() == "method_not_allowed") return 405;
    if (error.code() == "unsupported_media_type") return 415;
    if (error.code() == "confirmation_required") return 428;
    switch (error.kind()) {
    case Errc::invalid:
        return 400;
    case Errc::unauthenticated:
        return 401;
    case Errc::forbidden:
        return 403;
    case Errc::not_found:
        return 404;
    case Errc::conflict:
        return 409;
    case Errc::rate_limited:
        return 429;
    case Errc::unavailable:
        return 503;
    case Errc::timeout:
        return 504;
    case Errc::internal:
        return 500;
    }
    return 500;
}

Response problem(const Error& error, std::string_view request_id) {
    auto status = http_status(error);
    std::string code = error.code().empty() ? std::string(name_of(error.kind())) : error.code();
    boost::json::object body{
        {"type", "urn:fairlead:problem:" + code},
        {"title", title_of(status)},
        {"status", status},
        {"detail", error.message()},
        {"code", code},
        {"request_id", request_id}};
    if (!error.fields().empty()) {
        auto& errors = body["errors"].emplace_array();
        for (const auto& field : error.fields())
            errors.push_back({{"field", field.field}, {"message", field.message}});
    }
    for (const auto& [name, value] : error.facts()) {
        if (name == "retry_after_s")
            body[name] = std::stoll(value);
        else if (name == "methods")
            body[name] = words(value);
        else
            body[name] = value;
    }
    Response response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = boost::json::serialize(body);
    for (const auto& [name, value] : error.facts()) {
        if (name == "retry_after_s") response.headers.emplace_back("Retry-After", value);
        if (name == "allow") response.headers.emplace_back("Allow", value);
    }
    return response;
}

Response internal_problem(std::string_view request_id) {
    return problem(
        Error(
            Errc::internal, "The controller could not finish this request. Its log has the reason "
                            "under this request id."
        ),
        request_id
    );
}

} // namespace fairlead::api
