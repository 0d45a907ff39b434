#include "controller/sso/issuer.hpp"

#include "controller/sso/members.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::sso {
namespace {

using boost::json::object;

constexpr std::size_t most_description = 64 * 1024;
constexpr std::string_view tenant_mark = "{tenantid}";

bool lists(const object& from, std::string_view name, std::string_view word) {
    const auto* list = from.if_contains(name);
    return list && list->is_array() &&
           std::ranges::find(list->get_array(), boost::json::value(word)) !=
               list->get_array().end();
}

/// Described by its own name; a tenant of Microsoft's by its id, whatever it was asked by.
bool describes(std::string_view wanted, std::string_view issuer) {
    auto mark = wanted.find(tenant_mark);
    if (wanted == issuer || mark == std::string_view::npos) return wanted == issuer;
    auto tenant = issuer.size() > mark ? issuer.substr(mark, 36) : std::string_view();
    return issuer_fits(wanted, issuer, tenant);
}

} // namespace

Result<Metadata> read_metadata(std::string_view text, std::string_view issuer) {
    FAIRLEAD_TRY(root, json::parse(text, most_description));
    if (!root.is_object()) return fail(Errc::invalid, "The issuer's description is no object.");
    const auto& from = root.get_object();
    Metadata metadata;
    metadata.issuer = text_member(from, "issuer").value_or("");
    if (!describes(issuer, metadata.issuer))
        return fail(
            Errc::invalid, fmt::format(
                               "The description is of the issuer \"{}\", but \"{}\" was asked for.",
                               metadata.issuer.substr(0, 200), issuer
                           )
        );
    auto address = [&](const char* name, std::string& into, bool needed) -> Result<> {
        into = text_member(from, name).value_or("");
        bool fine = into.empty() ? !needed
                                 : into.starts_with("https://") &&
                                       into.find_first_of("# \r\n\t") == std::string::npos;
        if (fine) return {};
        return fail(
            Errc::invalid,
            fmt::format(
                "The issuer's {} is \"{}\", which is no https address.", name, into.substr(0, 200)
            )
        );
    };
    FAIRLEAD_CHECK(address("authorization_endpoint", metadata.authorize, true));
    FAIRLEAD_CHECK(address("token_endpoint", metadata.token, true));
    FAIRLEAD_CHECK(address("jwks_uri", metadata.jwks, true));
    FAIRLEAD_CHECK(address("userinfo_endpoint", metadata.userinfo, false));
    constexpr auto methods = "token_endpoint_auth_methods_supported";
    metadata.basic_secret =
        lists(from, methods, "client_secret_basic") || !lists(from, methods, "client_secret_post");
    metadata.says_issuer = true_member(from, "authorization_response_iss_parameter_supported");
    return metadata;
}

template <class T, class Read>
Result<std::shared_ptr<const T>>
Issuer::get(Kept<T>& kept, std::string url, std::chrono::seconds age, Timestamp now, Read read) {
    std::shared_ptr<const T> old;
    {
        std::lock_guard held(lock_);
        if (kept.value && now - kept.read < age) return kept.value;
        if (kept.value && now - kept.read < usable) old = kept.value;
        // Not more often than that, or whoever waits for an issuer that is away keeps all waiting.
        if (old && now - kept.asked < ask_again) return old;
        if (!old && now - kept.failed < pause)
            return fail(Errc::unavailable, provider_.name + " was away a moment ago.");
        kept.asked = now;
    }
    auto fetched = [&]() -> Result<T> {
        FAIRLEAD_TRY(
            answer, fetch_({
                        .url = std::move(url),
                        .headers = {{"accept", "application/json"}},
                        .ca_pem = provider_.ca_pem,
                    })
        );
        if (answer.status != 200)
            return fail(
                Errc::unavailable,
                fmt::format("{} answered with status {}.", provider_.name, answer.status)
            );
        return read(answer.body);
    }();
    if (!fetched) {
        std::lock_guard held(lock_);
        kept.failed = now;
        if (old) return old;
        return fail(fetched.error());
    }
    std::lock_guard held(lock_);
    kept.value = std::make_shared<const T>(*std::move(fetched));
    kept.read = now;
    return kept.value;
}

Result<std::shared_ptr<const Metadata>> Issuer::metadata(Timestamp now) {
    return get(metadata_, provider_.discovery, fresh, now, [this](std::string_view text) {
        return read_metadata(text, provider_.issuer);
    });
}

Result<std::shared_ptr<const Jwks>>
Issuer::keys(const Metadata& metadata, std::chrono::seconds age, Timestamp now) {
    return get(keys_, metadata.jwks, age, now, &Jwks::parse);
}

Result<IdToken> Issuer::check(std::string_view token, std::string_view nonce, Timestamp now) {
    FAIRLEAD_TRY(metadata, this->metadata(now));
    Expected expected{metadata->issuer, provider_.client_id, std::string(nonce), now};
    FAIRLEAD_TRY(keys, this->keys(*metadata, fresh, now));
    auto checked = check_id_token(token, *keys, expected);
    if (checked || checked.error().code() != "unknown_key") return checked;
    FAIRLEAD_TRY(newer, this->keys(*metadata, std::chrono::seconds(0), now));
    if (newer == keys) return checked;
    return check_id_token(token, *newer, expected);
}

} // namespace fairlead::sso
