/// What happened, for everybody who watches: the console's live pages now, webhooks later.
#pragma once

#include "common/runtime/id.hpp"

#include <optional>
#include <string>

namespace fairlead::api {

/// One event of an organization. `data` is the JSON that the contract names for `type`.
struct Event {
    OrgId org;
    std::string type;  ///< "server.updated", "operation.step", …
    std::string data;
    std::optional<OperationId> operation;  ///< set for events that /operations/{id}/events carries too
};

/// Publish from UnitOfWork::after_commit only: nobody hears of what is not durable. Thread-safe, does not block.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void publish(Event event) = 0;
};

}  // namespace fairlead::api
