#include "controller/webhooks/signature.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <fmt/core.h>

namespace fairlead::webhooks {
namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t secret_bytes = 32;

} // namespace

Secret make_secret() {
    return Secret(std::string(prefix) + crypto::base64_encode(crypto::random_bytes(secret_bytes)));
}

std::string timestamp_of(Timestamp at) {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()
    );
}

Result<std::string>
sign(std::span<const Secret> secrets, std::string_view id, Timestamp at, std::string_view body) {
    auto signed_text = fmt::format("{}.{}.{}", id, timestamp_of(at), body);
    std::string signatures;
    for (const auto& secret : secrets) {
        auto text = secret.reveal();
        if (!text.starts_with(prefix))
            return fail(Errc::internal, "The secret of this webhook is none. Rotate it.");
        auto bytes = crypto::base64_decode(text.substr(prefix.size()));
        if (!bytes) return fail(Errc::internal, "The secret of this webhook is none. Rotate it.");
        Secret key(*std::move(bytes));
        auto mac = crypto::hmac_sha256(key.reveal(), signed_text);
        if (!signatures.empty()) signatures += ' ';
        signatures += "v1," + crypto::base64_encode(mac.view());
    }
    return signatures;
}

} // namespace fairlead::webhooks
