#include "controller/webhooks/signature.hpp"

#include "common/crypto/webhook.hpp"

namespace fairlead::webhooks {

std::string timestamp_of(Timestamp at) {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()
    );
}

Result<std::string>
sign(std::span<const Secret> secrets, std::string_view id, Timestamp at, std::string_view body) {
    std::string signatures;
    for (const auto& secret : secrets) {
        auto signature = crypto::sign_webhook(secret, id, timestamp_of(at), body);
        if (!signature)
            return fail(Errc::internal, "The secret of this webhook is none. Rotate it.");
        if (!signatures.empty()) signatures += ' ';
        signatures += *signature;
    }
    return signatures;
}

} // namespace fairlead::webhooks
