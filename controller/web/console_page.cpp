#include "controller/web/assets.hpp"
#include "controller/web/http_shell.hpp"

namespace fairlead::web {
namespace {

/// Scripts, styles, fonts and connections from here alone; nothing inline; nobody may frame the
/// console.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
    "'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

constexpr std::string_view without_console =
    "This controller was built without its web console. The API is at /api/v1; its contract at "
    "/api/v1/openapi.json.\n";

net::HttpResponse plain_text(int status, std::string_view text) {
    net::HttpResponse answer(status);
    answer.headers.add("content-type", "text/plain; charset=utf-8");
    add_security_headers(answer.headers);
    answer.static_body = text;
    return answer;
}

bool takes_gzip(const net::HttpRequest& request) {
    auto accepted = request.headers.get("accept-encoding").value_or("");
    auto at = accepted.find("gzip");
    return at != std::string_view::npos && !accepted.substr(at).starts_with("gzip;q=0");
}

/// The console's own routes have no dot in their last segment; anything with one is a file that is
/// not there.
bool is_page(std::string_view path) {
    return path.substr(path.rfind('/') + 1).find('.') == std::string_view::npos;
}

} // namespace

net::HttpResponse console_page(const net::HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") {
        auto answer = plain_text(405, "Pages can only be read.\n");
        answer.headers.add("allow", "GET, HEAD");
        return answer;
    }
    const auto* asset = find_asset(request.path());
    if (!asset && is_page(request.path())) asset = find_asset("/index.html");
    if (!asset)
        return assets().empty() ? plain_text(404, without_console)
                                : plain_text(404, "There is no such file.\n");

    bool hashed = asset->path.starts_with("/assets/");
    net::HttpResponse answer(200);
    answer.headers.add("content-type", asset->content_type);
    answer.headers.add(
        "cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache"
    );
    answer.headers.add("etag", asset->etag);
    answer.headers.add("vary", "accept-encoding");
    answer.headers.add("content-security-policy", content_security_policy);
    answer.headers.add("referrer-policy", "no-referrer");
    answer.headers.add("cross-origin-opener-policy", "same-origin");
    add_security_headers(answer.headers);
    if (request.headers.get("if-none-match").value_or("") == asset->etag) {
        answer.status = 304;
        return answer;
    }
    bool gzip = !asset->gzip.empty() && takes_gzip(request);
    if (gzip) answer.headers.add("content-encoding", "gzip");
    answer.static_body = gzip ? asset->gzip : asset->body;
    return answer;
}

} // namespace fairlead::web
