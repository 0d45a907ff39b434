#include "controller/certificates/words.hpp"

#include "controller/api/checks.hpp"
#include "controller/certificates/client.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead::certificates {
namespace {

/// What begins a line that uacme itself wrote. Whatever it quotes stands in the middle of one, or
/// is indented: a detail of the authority may hold text of the server that it looked at.
constexpr std::string_view own = "uacme: ";
constexpr std::string_view told = "the server reported the following error:";

/// An error type of RFC 8555, section 6.7, and what it means here.
struct Meaning {
    std::string_view type, code, words;
};

constexpr std::array meanings{
    Meaning{
        "rateLimited", "acme_rate_limited",
        "The certificate authority takes no more requests for now; it is asked again later."},
    Meaning{
        "dns", "acme_dns",
        "The certificate authority cannot resolve the name. Point it (A, AAAA or CNAME) at this "
        "controller."},
    Meaning{
        "connection", "acme_connection",
        "The certificate authority cannot reach the name at port 443. Point it at this controller, "
        "and let port 443 through."},
    Meaning{
        "tls", "acme_challenge",
        "Whatever answers for the name at port 443 is not this controller. Point the name at it, "
        "with no proxy between that ends TLS."},
    Meaning{
        "unauthorized", "acme_challenge",
        "Whatever answers for the name at port 443 is not this controller. Point the name at it, "
        "with no proxy between that ends TLS."},
    Meaning{
        "incorrectResponse", "acme_challenge",
        "Whatever answers for the name at port 443 is not this controller. Point the name at it, "
        "with no proxy between that ends TLS."},
    Meaning{
        "caa", "acme_caa",
        "A CAA record of the domain forbids this certificate authority. Add one that allows it."},
    Meaning{
        "rejectedIdentifier", "acme_rejected",
        "The certificate authority gives no certificate for this name."},
    Meaning{
        "unsupportedIdentifier", "acme_rejected",
        "The certificate authority gives no certificate for this name."},
    Meaning{
        "accountDoesNotExist", "acme_unregistered",
        "The certificate authority does not know this controller any more; it registers anew."},
    Meaning{
        "externalAccountRequired", "acme_account",
        "The certificate authority wants an account of its own kind: this controller's operator "
        "names it in controller.yaml (acme: eab_key_id, eab_key_file)."},
    Meaning{
        "userActionRequired", "acme_account",
        "The certificate authority wants its new terms to be accepted by this controller's "
        "operator."},
    Meaning{
        "invalidContact", "acme_account",
        "The certificate authority does not take the contact address of this controller's operator "
        "(acme: contact in controller.yaml)."},
    Meaning{
        "unsupportedContact", "acme_account",
        "The certificate authority does not take the contact address of this controller's operator "
        "(acme: contact in controller.yaml)."},
};

/// Fit for a page and a column, whatever a stranger wrote.
std::string shown(std::string_view text) {
    return api::printable(std::string(text), most_shown);
}

/// Of the controller's account, which is its operator's.
bool concerns_account(std::string_view code) {
    return code == "acme_account" || code == "acme_unregistered";
}

Error failed(Errc kind, std::string_view code, std::string message) {
    return Error(kind, std::move(message)).with_code(std::string(code));
}

struct Line {
    std::string_view text, after; ///< without uacme's name; and all that follows the line
};

/// The last line of uacme's own that begins so, and has `within` in it.
std::optional<Line>
last_own(std::string_view output, std::string_view beginning, std::string_view within = "") {
    std::optional<Line> found;
    while (!output.empty()) {
        auto end = std::min(output.find_first_of("\r\n"), output.size());
        auto line = output.substr(0, end);
        output.remove_prefix(std::min(end + 1, output.size()));
        if (!line.starts_with(own)) continue;
        line.remove_prefix(own.size());
        if (line.starts_with(beginning) && line.find(within) != std::string_view::npos)
            found = Line{line, output};
    }
    return found;
}

/// The problem document (RFC 7807) that is shown after `told`; the last one of several.
std::optional<boost::json::object> problem_in(std::string_view output) {
    auto line = last_own(output, told);
    if (!line) return std::nullopt;
    auto rest = line->after;
    rest.remove_prefix(std::min(rest.find('{'), rest.size()));
    boost::json::stream_parser parser({}, {.max_depth = 8});
    boost::system::error_code wrong;
    parser.write_some(rest.data(), rest.size(), wrong);
    if (wrong || !parser.done()) return std::nullopt;
    auto value = parser.release();
    if (!value.is_object()) return std::nullopt;
    return std::move(value.as_object());
}

std::string text_of(const boost::json::object& problem, std::string_view member) {
    const auto* value = problem.if_contains(member);
    if (!value || !value->is_string()) return "";
    return std::string(value->as_string());
}

Error failure_of(const boost::json::object& problem) {
    auto type = text_of(problem, "type");
    type = type.substr(type.rfind(':') + 1);
    auto said = shown(text_of(problem, "detail"));
    std::string code = "acme_refused", message = "The certificate authority refused.";
    for (const auto& meaning : meanings)
        if (meaning.type == type) {
            code = meaning.code;
            message = meaning.words;
        }
    // About the account, and so for the operator's log alone: it may name their mail address.
    if (concerns_account(code))
        return Error(Errc::unavailable, std::move(message), std::move(said)).with_code(code);
    auto error = failed(Errc::unavailable, code, std::move(message));
    if (said.empty()) return error;
    return std::move(error).with_fact(said_fact, std::move(said));
}

/// The last line that has something to say.
std::string last_line(std::string_view output) {
    while (!output.empty()) {
        auto end = output.find_last_not_of("\r\n \t");
        if (end == std::string_view::npos) break;
        output = output.substr(0, end + 1);
        auto start = output.find_last_of("\r\n");
        auto line = output.substr(start == std::string_view::npos ? 0 : start + 1);
        if (line.starts_with(own)) line.remove_prefix(own.size());
        return shown(line);
    }
    return "";
}

/// libcurl's reason for a directory that does not answer.
std::string reason_in(std::string_view output) {
    constexpr std::string_view mark = " failed: ";
    auto line = last_own(output, "curl_", mark);
    if (!line) return "";
    return shown(line->text.substr(line->text.rfind(mark) + mark.size()));
}

} // namespace

bool concerns_all(const std::string& code) {
    static constexpr std::array codes{
        "acme_unreachable", "acme_rate_limited", "acme_client_missing", "egress_missing"};
    return concerns_account(code) || std::ranges::find(codes, code) != codes.end();
}

bool concerns_name(const std::string& code) {
    return !concerns_all(code) || code == "acme_rate_limited";
}

std::string sentence_of(const Error& why) {
    for (const auto& [name, said] : why.facts())
        if (name == said_fact) return why.message() + " It said: " + said;
    return why.message();
}

Error failure_in(std::string_view output, std::string_view directory) {
    if (auto problem = problem_in(output)) return failure_of(*problem);
    auto says = [&](std::string_view beginning) { return last_own(output, beginning).has_value(); };
    if (says("failed to fetch directory at ") || says("acme_get: curl_get failed") ||
        says("acme_post: curl_post failed")) {
        auto reason = reason_in(output);
        auto cure = reason.find("certificate") == std::string::npos
                        ? std::string()
                        : " An authority of your own goes into /usr/local/share/ca-certificates, "
                          "and then: update-ca-certificates.";
        return failed(
            Errc::unavailable, "acme_unreachable",
            "The certificate authority at " + std::string(directory) + " cannot be reached" +
                (reason.empty() ? "." : ": " + reason + ".") + cure
        );
    }
    // It looks for the account before it orders, and does not show what the authority says then.
    if (says("no account associated with "))
        return failed(
            Errc::unavailable, "acme_unregistered",
            "The certificate authority does not know this controller any more; it registers anew."
        );
    if (says("no challenge completed"))
        return failed(
            Errc::unavailable, "acme_challenge",
            "The certificate authority did not ask for anything that this controller can show "
            "(tls-alpn-01)."
        );
    auto line = last_line(output);
    return failed(
        Errc::internal, "acme_failed",
        "No certificate came of it" + (line.empty() ? "." : ": " + line + ".")
    );
}

bool is_registered(std::string_view output) {
    return last_own(output, "Account already exists at ").has_value();
}

} // namespace fairlead::certificates
