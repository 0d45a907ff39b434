#include "controller/sso/grant.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "controller/sso/members.hpp"

#include <fmt/core.h>

namespace fairlead::sso {
namespace {

constexpr std::size_t most_answer = 256 * 1024;

/// Only what can be a word of the protocol reaches the log.
std::string plain(std::string_view text) {
    std::string result(text.substr(0, 200));
    for (char& c : result)
        if (c < ' ' || c > '~') c = '?';
    return result;
}

tl::unexpected<Error> odd(const Provider& provider, const char* what) {
    return fail(Errc::invalid, fmt::format("{} answered with {}.", provider.name, what));
}

/// RFC 6749 section 5.2.
tl::unexpected<Error>
refused(const Provider& provider, const boost::json::object& answer, int status) {
    auto code = text_member(answer, "error").value_or(fmt::format("status {}", status));
    auto more = plain(text_member(answer, "error_description").value_or(""));
    auto detail = fmt::format("{}: {} {}", provider.slug, plain(code), more);
    // "incorrect_client_credentials" and "redirect_uri_mismatch" are GitHub's.
    for (std::string_view ours :
         {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
          "incorrect_client_credentials", "redirect_uri_mismatch"})
        if (code == ours)
            return fail(Error(
                            Errc::forbidden,
                            provider.name + " does not know this controller: client id, secret or "
                                            "address are not those that it has.",
                            detail
            )
                            .with_code("sso_misconfigured"));
    if (status >= 500) return fail(Errc::unavailable, provider.name + " has a fault.", detail);
    return fail(Errc::unauthenticated, provider.name + " did not take the code.", detail);
}

} // namespace

std::vector<std::pair<std::string, std::string>>
authorization_query(const Provider& provider, const Attempt& attempt) {
    return {
        {"response_type", "code"},
        {"client_id", provider.client_id},
        {"redirect_uri", attempt.redirect_uri},
        {"scope", provider.scopes},
        {"state", attempt.state},
        {"code_challenge", crypto::base64url_encode(crypto::sha256(attempt.verifier).view())},
        {"code_challenge_method", "S256"}};
}

Result<Tokens> trade(
    const Provider& provider, const Fetch& fetch, const std::string& url, bool basic,
    const Attempt& attempt, const std::string& code
) {
    std::vector<std::pair<std::string, std::string>> form{
        {"grant_type", "authorization_code"},
        {"code", code},
        {"redirect_uri", attempt.redirect_uri},
        {"code_verifier", attempt.verifier}};
    Ask ask{
        .method = "POST",
        .url = url,
        .headers =
            {{"accept", "application/json"}, {"content-type", "application/x-www-form-urlencoded"}},
        .ca_pem = provider.ca_pem};
    std::string secret(provider.client_secret.reveal());
    if (basic) {
        // Section 2.3.1: each half encoded as in a form, which form_encode does to a value.
        auto half = [](const std::string& text) { return form_encode({{"", text}}).substr(1); };
        auto pair = half(provider.client_id) + ":" + half(secret);
        ask.headers.emplace_back("authorization", "Basic " + crypto::base64_encode(pair));
        wipe(pair);
    } else {
        form.emplace_back("client_id", provider.client_id);
        form.emplace_back("client_secret", secret);
    }
    ask.body = form_encode(form);
    auto fetched = fetch(ask);
    wipe(secret);
    wipe(ask.body);
    if (!fetched) return fail(fetched.error());
    auto value = json::parse(fetched->body, most_answer);
    bool object = value && value->is_object();
    // GitHub says 200 to what it refuses.
    if (fetched->status != 200 || (object && value->get_object().contains("error")))
        return refused(
            provider, object ? value->get_object() : boost::json::object(), fetched->status
        );
    if (!object) return odd(provider, "no JSON object where a token should be");
    const auto& answer = value->get_object();
    auto access = text_member(answer, "access_token", most_member);
    auto type = text_member(answer, "token_type").value_or("");
    if (!access || access->empty()) return odd(provider, "no token");
    if (type != "bearer" && type != "Bearer" && type != "BEARER")
        return odd(provider, "a token that is no bearer token");
    wipe(fetched->body);
    return Tokens{
        Secret(std::move(*access)), text_member(answer, "id_token", most_member).value_or("")};
}

Result<boost::json::value> ask_as(
    const Provider& provider, const Fetch& fetch, const std::string& url, const Secret& access,
    std::string_view accept
) {
    Ask ask{
        .url = url,
        .headers =
            {{"accept", std::string(accept)},
             {"authorization", "Bearer " + std::string(access.reveal())}},
        .ca_pem = provider.ca_pem};
    if (access.reveal().find_first_of("\r\n") != std::string_view::npos)
        return odd(provider, "a token with a line break");
    FAIRLEAD_TRY(answer, fetch(ask));
    if (answer.status >= 500)
        return fail(
            Errc::unavailable,
            fmt::format("{} answered with status {}.", provider.name, answer.status)
        );
    if (answer.status != 200)
        return fail(
            Errc::unauthenticated,
            fmt::format("{} does not say who it was (status {}).", provider.name, answer.status)
        );
    auto value = json::parse(answer.body, most_answer);
    if (!value) return odd(provider, "no JSON");
    return std::move(*value);
}

} // namespace fairlead::sso
