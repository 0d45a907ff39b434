/// One attempt: the request that is sent, and what its answer means.
#pragma once

#include "common/runtime/secret.hpp"
#include "controller/outbound/outbound.hpp"
#include "controller/webhooks/delivery_repo.hpp"
#include "controller/webhooks/webhook_repo.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace fairlead::webhooks {

/// How long a receiver has for everything together.
inline constexpr auto attempt_limit = std::chrono::seconds(15);

/// Signed with each of the secrets. Errc::internal for a secret that is none.
Result<outbound::Request> make_request(
    const Webhook& webhook, const DeliveryId& id, std::string payload,
    std::span<const Secret> secrets, Timestamp at
);

enum class Verdict {
    taken,
    again, ///< later, if any retry is left
    gone,  ///< 410: the receiver wants nothing any more
    ours,  ///< nothing was tried: the controller's own way out is shut, or full
    cut    ///< the controller stopped meanwhile: the receiver may have it, or not
};

struct Outcome {
    Verdict verdict = Verdict::taken;
    std::optional<int> status;
    std::string code, message; ///< "" when it was taken
    std::optional<std::string> response;
    std::optional<std::chrono::milliseconds> not_before; ///< from now on, as the receiver asks
};

Outcome judge(const Result<outbound::Answer>& answer, Timestamp now);

} // namespace fairlead::webhooks
