#include "agent/bucket/sign.hpp"

#include "common/crypto/hash.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

namespace fairlead::bucket {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

/// Without spaces at the ends, and of several in a row one.
std::string trimmed(std::string_view value) {
    std::string out;
    for (char c : value) {
        if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
        out += c;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

Pairs sorted(const Pairs& headers) {
    Pairs out;
    for (const auto& [name, value] : headers) out.emplace_back(lower(name), trimmed(value));
    std::ranges::stable_sort(out, {}, &Pairs::value_type::first);
    return out;
}

std::string names_of(const Pairs& headers) {
    std::string names;
    for (const auto& header : headers) names += (names.empty() ? "" : ";") + header.first;
    return names;
}

} // namespace

std::string amz_date(Timestamp at) {
    auto seconds = static_cast<std::time_t>(to_ms(at) / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
        utc.tm_hour, utc.tm_min, utc.tm_sec
    );
}

std::string canonical_request(const Unsigned& request) {
    auto headers = sorted(*request.headers);
    auto text = fmt::format("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (const auto& [name, value] : headers) text += name + ":" + value + "\n";
    text += "\n" + names_of(headers) + "\n";
    text += request.payload_sha256;
    return text;
}

std::string authorization(
    const Unsigned& request, const Access& access, std::string_view region, Timestamp at,
    std::string_view service
) {
    auto moment = amz_date(at);
    auto day = moment.substr(0, 8);
    auto scope = fmt::format("{}/{}/{}/aws4_request", day, region, service);
    auto to_sign = fmt::format(
        "{}\n{}\n{}\n{}", algorithm, moment, scope, crypto::sha256(canonical_request(request)).hex()
    );

    Secret start("AWS4" + std::string(access.secret.reveal()));
    auto key = crypto::hmac_sha256(start.reveal(), day);
    for (auto part : {region, service, std::string_view("aws4_request")})
        key = crypto::hmac_sha256(key.view(), part);
    return fmt::format(
        "{} Credential={}/{},SignedHeaders={},Signature={}", algorithm, access.key, scope,
        names_of(sorted(*request.headers)), crypto::hmac_sha256(key.view(), to_sign).hex()
    );
}

} // namespace fairlead::bucket
