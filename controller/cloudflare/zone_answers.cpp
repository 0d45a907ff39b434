#include "controller/cloudflare/zone_answers.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"

#include <boost/describe.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace fairlead::cloudflare {
namespace {

struct WireMessage {
    std::int64_t code = 0;
    std::string message;
};
BOOST_DESCRIBE_STRUCT(WireMessage, (), (code, message))

struct WireInfo {
    std::optional<std::int64_t> total_pages;
};
BOOST_DESCRIBE_STRUCT(WireInfo, (), (total_pages))

struct WireEnvelope {
    bool success = false;
    std::optional<std::vector<WireMessage>> errors;
    boost::json::value result;
    std::optional<WireInfo> result_info;
};
BOOST_DESCRIBE_STRUCT(WireEnvelope, (), (success, errors, result, result_info))

struct WireComplaint {
    std::string message;
};
BOOST_DESCRIBE_STRUCT(WireComplaint, (), (message))

struct WireSsl {
    std::optional<std::string> status;
    std::optional<std::vector<WireComplaint>> validation_errors;
};
BOOST_DESCRIBE_STRUCT(WireSsl, (), (status, validation_errors))

struct WireHostname {
    std::string id, hostname;
    std::optional<std::string> status, created_at;
    std::optional<WireSsl> ssl;
    std::optional<std::vector<std::string>> verification_errors;
};
BOOST_DESCRIBE_STRUCT(
    WireHostname, (), (id, hostname, status, created_at, ssl, verification_errors)
)

std::string shown(std::string text) {
    return api::printable(std::move(text), most_shown);
}

/// A time in seconds; a date is not one that is asked for here.
std::optional<std::int64_t> retry_after(const net::Headers& headers) {
    auto field = headers.get("retry-after");
    if (!field) return std::nullopt;
    std::int64_t seconds = 0;
    auto [end, wrong] = std::from_chars(field->data(), field->data() + field->size(), seconds);
    if (wrong != std::errc() || end != field->data() + field->size() || seconds < 0)
        return std::nullopt;
    return seconds;
}

bool has_code(const std::vector<WireMessage>& errors, std::initializer_list<std::int64_t> codes) {
    return std::ranges::any_of(errors, [&](const auto& one) {
        return std::ranges::find(codes, one.code) != codes.end();
    });
}

/// Of an answer that is no success.
Error failure_of(const outbound::Answer& answer, const std::vector<WireMessage>& errors) {
    auto make = [](Errc kind, std::string_view code, std::string message) {
        return Error(kind, std::move(message)).with_code(std::string(code));
    };
    std::string said;
    for (const auto& one : errors)
        said += fmt::format("{}{} ({})", said.empty() ? "" : "; ", one.message, one.code);
    said = said.empty() ? std::string() : " Cloudflare said: " + shown(said);
    auto status = answer.status;
    if (status == 429) {
        auto error = make(
            Errc::rate_limited, "cloudflare_rate_limited",
            "Cloudflare takes no more requests for now; it is asked again later."
        );
        if (auto seconds = retry_after(answer.headers))
            return std::move(error).with_fact("retry_after_s", std::to_string(*seconds));
        return error;
    }
    if (status >= 500)
        return make(
            Errc::unavailable, "cloudflare_unreachable",
            fmt::format("Cloudflare's API is out of order (status {}).", status) + said
        );
    // 6003 and 6111: the header; 9109 and 10000: the token, or what it may do.
    bool of_hostnames = std::ranges::any_of(errors, [](const auto& one) {
        return one.code >= 1400 && one.code < 1500;
    });
    if (status == 401 || (status == 403 && !of_hostnames) ||
        has_code(errors, {6003, 6111, 9109, 10000, 10001}))
        return make(
            Errc::unavailable, "cloudflare_token",
            "Cloudflare does not take this controller's API token for the zone. Its operator puts "
            "one that may edit \"SSL and Certificates\" of the zone into the file that "
            "controller.yaml names (edge: cloudflare: token_file)." +
                said
        );
    if (has_code(errors, {7000, 7003}))
        return make(
            Errc::unavailable, "cloudflare_zone",
            "Cloudflare does not know the zone that controller.yaml names (edge: cloudflare: "
            "zone_id)." +
                said
        );
    if (status == 409 || has_code(errors, {1406}))
        return make(
            Errc::conflict, "cloudflare_taken",
            "Cloudflare has this name for somebody already, and this controller did not put it "
            "there. Whoever did takes it out; then it is tried again." +
                said
        );
    if (status == 404 || has_code(errors, {1436}))
        return Error(Errc::not_found, "Cloudflare does not have this host name any more." + said);
    return make(
        Errc::unavailable, "cloudflare_refused",
        "Cloudflare refused the name." + (said.empty() ? " It gave no reason." : said)
    );
}

Result<WireEnvelope> open(const outbound::Answer& answer) {
    auto envelope =
        json::decode<WireEnvelope>(answer.body, json::Strictness::lenient, answer_bytes);
    bool good = answer.status >= 200 && answer.status < 300;
    // What stands before the API, and is out of order, does not speak JSON.
    if (!envelope && good) return bad_answer("no JSON", envelope.error().message());
    if (!envelope) return fail(failure_of(answer, {}));
    if (!good || !envelope->success)
        return fail(failure_of(answer, envelope->errors.value_or(std::vector<WireMessage>())));
    return envelope;
}

/// It becomes a part of paths.
bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    });
}

Result<Remote> read_one(const boost::json::value& value) {
    auto read = json::from_value<WireHostname>(value, json::Strictness::lenient);
    if (!read) return bad_answer("no custom hostname", read.error().message());
    if (!is_id(read->id)) return bad_answer("a custom hostname without an id");
    Remote remote;
    remote.id = read->id;
    remote.name = read->hostname;
    remote.status = api::printable(read->status.value_or("pending"), 64);
    auto ssl = read->ssl.value_or(WireSsl());
    remote.ssl_status = api::printable(ssl.status.value_or("initializing"), 64);
    std::string said;
    auto add = [&](const std::string& sentence) {
        if (!sentence.empty()) said += (said.empty() ? "" : " ") + sentence;
    };
    for (const auto& one : read->verification_errors.value_or(std::vector<std::string>())) add(one);
    for (const auto& one : ssl.validation_errors.value_or(std::vector<WireComplaint>()))
        add(one.message);
    remote.complaint = shown(std::move(said));
    if (read->created_at)
        if (auto at = from_rfc3339(*read->created_at)) remote.created = *at;
    return remote;
}

} // namespace

tl::unexpected<Error> bad_answer(std::string_view what, std::string detail) {
    return fail(Error(
                    Errc::unavailable,
                    "Cloudflare's API gave an answer that is not as it documents it: " +
                        std::string(what) + ".",
                    std::move(detail)
    )
                    .with_code("cloudflare_bad_answer"));
}

bool concerns_all(const std::string& code) {
    static constexpr std::array codes{"cloudflare_token",        "cloudflare_zone",
                                      "cloudflare_rate_limited", "cloudflare_unreachable",
                                      "cloudflare_bad_answer",   "egress_missing",
                                      "outbound_stopped"};
    return std::ranges::find(codes, code) != codes.end();
}

bool is_uncertain(const Error& error) {
    const auto& code = error.code();
    return code == "cloudflare_unreachable" || code == "cloudflare_bad_answer" ||
           code == "outbound_stopped";
}

Result<Remote> read_hostname(const outbound::Answer& answer) {
    FAIRLEAD_TRY(envelope, open(answer));
    return read_one(envelope.result);
}

Result<FoundPage> read_page(const outbound::Answer& answer) {
    FAIRLEAD_TRY(envelope, open(answer));
    if (!envelope.result.is_array()) return bad_answer("no list");
    FoundPage page;
    for (const auto& value : envelope.result.get_array()) {
        FAIRLEAD_TRY(one, read_one(value));
        page.hostnames.push_back(std::move(one));
    }
    page.pages = envelope.result_info.value_or(WireInfo()).total_pages.value_or(1);
    return page;
}

Result<> read_removed(const outbound::Answer& answer) {
    // Its documentation shows the id alone, without an envelope, where it is done.
    if (answer.status >= 200 && answer.status < 300) return {};
    auto opened = open(answer);
    if (opened || opened.error().kind() == Errc::not_found) return {};
    return fail(opened.error());
}

} // namespace fairlead::cloudflare
