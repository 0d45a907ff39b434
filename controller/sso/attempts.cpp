#include "controller/sso/attempts.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/json/json.hpp"

#include <algorithm>

namespace fairlead::sso {
namespace {

constexpr std::string_view context = "sso/attempt";
constexpr std::size_t most_cookie = 3500;

/// What is sealed.
struct Kept {
    std::string provider, state, nonce, verifier, back;
    std::int64_t expires_ms = 0;
    std::optional<std::string> session;
};
BOOST_DESCRIBE_STRUCT(Kept, (), (provider, state, nonce, verifier, back, expires_ms, session))

std::string fresh() {
    return crypto::base64url_encode(crypto::random_bytes(32));
}

tl::unexpected<Error> expired(std::string detail) {
    return fail(Error(
                    Errc::unauthenticated,
                    "This attempt to sign in is over, or was begun in another browser.",
                    std::move(detail)
    )
                    .with_code("sso_expired"));
}

} // namespace

Begun begin_attempt(
    std::string provider, std::string back, std::optional<SessionId> session, Timestamp now
) {
    return {std::move(provider), fresh(),           fresh(), fresh(), std::move(back),
            now + attempt_lasts, std::move(session)};
}

std::string seal_attempt(const crypto::Keystore& keys, const Begun& begun) {
    Kept kept{
        begun.provider,
        begun.state,
        begun.nonce,
        begun.verifier,
        begun.back,
        to_ms(begun.expires),
        begun.session ? std::optional(begun.session->str()) : std::nullopt};
    return crypto::base64url_encode(keys.seal(Secret(json::encode(kept)), context));
}

Result<Begun> read_attempt(const crypto::Keystore& keys, std::string_view cookie) {
    if (cookie.empty()) return expired("no cookie");
    if (cookie.size() > most_cookie) return expired("no such cookie");
    auto sealed = crypto::base64url_decode(cookie);
    if (!sealed) return expired("no such cookie");
    auto text = keys.open(*sealed, context);
    if (!text) return expired("an altered cookie");
    FAIRLEAD_TRY(kept, json::decode<Kept>(text->reveal(), json::Strictness::exact));
    Begun begun{std::move(kept.provider), std::move(kept.state), std::move(kept.nonce),
                std::move(kept.verifier), std::move(kept.back),  from_ms(kept.expires_ms)};
    if (kept.session) begun.session = SessionId::trusted(*std::move(kept.session));
    return begun;
}

Result<Begun> open_attempt(
    const crypto::Keystore& keys, std::string_view cookie, std::string_view provider,
    std::string_view state, Timestamp now
) {
    FAIRLEAD_TRY(begun, read_attempt(keys, cookie));
    if (!crypto::same(begun.state, state)) return expired("another state");
    if (begun.provider != provider) return expired("another provider");
    if (now >= begun.expires) return expired("too late");
    return std::move(begun);
}

bool is_own_path(std::string_view path) {
    if (path.empty() || path.size() > 500 || path.front() != '/') return false;
    if (path.size() > 1 && path[1] == '/') return false;
    return std::ranges::all_of(path, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~/?&=%:+,").find(c) != std::string_view::npos;
    });
}

} // namespace fairlead::sso
