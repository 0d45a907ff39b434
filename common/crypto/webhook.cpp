#include "common/crypto/webhook.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

namespace fairlead::crypto {
namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t secret_bytes = 32;

} // namespace

Secret make_webhook_secret() {
    return Secret(std::string(prefix) + base64_encode(random_bytes(secret_bytes)));
}

Result<std::string> sign_webhook(
    const Secret& secret, std::string_view id, std::string_view timestamp, std::string_view body
) {
    auto text = secret.reveal();
    auto wrong = [] { return fail(Errc::invalid, "This is no secret of Standard Webhooks."); };
    if (!text.starts_with(prefix)) return wrong();
    auto bytes = base64_decode(text.substr(prefix.size()));
    if (!bytes || bytes->empty()) return wrong();
    Secret key(*std::move(bytes));
    std::string content(id);
    content.append(".").append(timestamp).append(".").append(body);
    return "v1," + base64_encode(hmac_sha256(key.reveal(), content).view());
}

} // namespace fairlead::crypto
