/// What names a webhook and a delivery.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead {

FAIRLEAD_ID(WebhookId, "whk_", "webhook");
/// Also the `webhook-id` of all its attempts.
FAIRLEAD_ID(DeliveryId, "msg_", "delivery");

} // namespace fairlead
