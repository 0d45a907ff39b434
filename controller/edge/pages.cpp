#include "controller/edge/pages.hpp"

#include <fmt/core.h>

namespace fairlead::edge {
namespace {

struct Words {
    std::string_view title;
    std::string_view sentence;
    int retry_after_s = 0; ///< 0: it is not said
};

Words words_for(int status) {
    switch (status) {
    case 404:
        return {"There is no site here", "No site answers to this name at the moment."};
    case 421:
        return {
            "This name is not served here",
            "The server that your browser reached does not serve the name it asked for."};
    case 429:
        return {
            "Too many requests",
            "The owner of this site has as many requests under way as they may have. Try again in "
            "a moment.",
            2};
    case 502:
        return {
            "The site does not answer",
            "The server of this site is there, but the site gave no proper answer. It may be "
            "starting; try again in a moment."};
    case 503:
        return {
            "The site is not reachable",
            "The server of this site is not connected at the moment. Try again in a minute.", 30};
    case 504:
        return {
            "The site took too long",
            "The site did not finish its answer in time. Try again later."};
    default:
        return {
            "This request was refused", "What your browser or program sent is no valid request."};
    }
}

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) switch (c) {
        case '<':
            out += "&lt;";
            break;
        case '&':
            out += "&amp;";
            break;
        default:
            out += c;
        }
    return out;
}

std::string html(int status, std::string_view title, std::string_view sentence) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
        "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:18vh auto;padding:0 "
        "1em;color:#222;background:#fff}}h1{{font-size:1.4em}}small{{color:#666}}"
        "@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#1b1b1b}}}}</style>"
        "</head><body><h1>{0}</h1><p>{1}</p><p><small>{2} {3}</small></p></body></html>\n",
        escaped(title), escaped(sentence), status, net::reason_phrase(status)
    );
}

} // namespace

std::string
page(int status, std::string_view sentence, std::string_view accept, std::string_view method) {
    auto words = words_for(status);
    if (!sentence.empty()) words.sentence = sentence;
    bool as_html = accept.find("text/html") != std::string_view::npos;
    auto body = as_html ? html(status, words.title, words.sentence)
                        : fmt::format("{}: {}\n", words.title, words.sentence);
    auto head = fmt::format(
        "HTTP/1.1 {} {}\r\ncontent-type: text/{}; charset=utf-8\r\ncontent-length: {}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\n",
        status, net::reason_phrase(status), as_html ? "html" : "plain", body.size()
    );
    if (as_html)
        head += "content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n";
    if (words.retry_after_s > 0) head += fmt::format("retry-after: {}\r\n", words.retry_after_s);
    if (status == 405) head += "allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    head += "connection: close\r\n\r\n";
    return method == "HEAD" ? head : head + body;
}

} // namespace fairlead::edge
