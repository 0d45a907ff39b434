#include "controller/certificates/words.hpp"

#include "controller/api/checks.hpp"
#include "controller/certificates/client.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead::certificates {
namespace {

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
std::string shown(std::string text) {
    if (text.size() > most_shown) {
        auto end = most_shown;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        text.resize(end);
    }
    bool readable = api::utf8_length(text) != std::string::npos;
    for (char& c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) c = ' ';
        if (byte >= 0x80 && !readable) c = '?';
    }
    return text;
}

Error failed(Errc kind, std::string_view code, std::string message) {
    return Error(kind, std::move(message)).with_code(std::string(code));
}

/// The problem document (RFC 7807) that is shown after `told`; the last one of several.
std::optional<boost::json::object> problem_in(std::string_view output) {
    auto at = output.rfind(told);
    if (at == std::string_view::npos) return std::nullopt;
    auto rest = output.substr(at + told.size());
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
    auto detail = shown(text_of(problem, "detail"));
    auto said = detail.empty() ? std::string() : " It said: " + detail;
    for (const auto& meaning : meanings)
        if (meaning.type == type)
            return failed(Errc::unavailable, meaning.code, std::string(meaning.words) + said);
    return failed(
        Errc::unavailable, "acme_refused",
        "The certificate authority refused." + (said.empty() ? " It gave no reason." : said)
    );
}

/// The last line that has something to say.
std::string last_line(std::string_view output) {
    while (!output.empty()) {
        auto end = output.find_last_not_of("\r\n \t");
        if (end == std::string_view::npos) break;
        output = output.substr(0, end + 1);
        auto start = output.find_last_of("\r\n");
        auto line = output.substr(start == std::string_view::npos ? 0 : start + 1);
        constexpr std::string_view prefix = "uacme: ";
        if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
        return shown(std::string(line));
    }
    return "";
}

/// libcurl's reason for a directory that does not answer.
std::string reason_in(std::string_view output) {
    constexpr std::string_view mark = " failed: ";
    auto at = output.rfind("curl_");
    if (at == std::string_view::npos) return "";
    at = output.rfind(mark);
    if (at == std::string_view::npos) return "";
    auto line = output.substr(at + mark.size());
    return shown(std::string(line.substr(0, line.find_first_of("\r\n"))));
}

} // namespace

bool concerns_all(const std::string& code) {
    static constexpr std::array codes{"acme_unreachable",    "acme_account",
                                      "acme_unregistered",   "acme_rate_limited",
                                      "acme_client_missing", "egress_missing"};
    return std::ranges::find(codes, code) != codes.end();
}

Error failure_in(std::string_view output, std::string_view directory) {
    if (auto problem = problem_in(output)) return failure_of(*problem);
    if (output.find("failed to fetch directory") != std::string_view::npos ||
        output.find("curl_get failed") != std::string_view::npos ||
        output.find("curl_post failed") != std::string_view::npos) {
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
    if (output.find("no account associated with ") != std::string_view::npos)
        return failed(
            Errc::unavailable, "acme_unregistered",
            "The certificate authority does not know this controller any more; it registers anew."
        );
    if (output.find("no challenge completed") != std::string_view::npos)
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
    return output.find("Account already exists at ") != std::string_view::npos;
}

} // namespace fairlead::certificates
