/// What happened, for everybody who watches: the console's live pages now, webhooks later.
#pragma once

#include "common/runtime/id.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::store {
class UnitOfWork;
}

namespace fairlead::api {

/// One event of an organization. `data` is the JSON that the contract names for `type`.
struct Event {
    OrgId org;
    std::string type; ///< "server.updated", "operation.step", …
    std::string data;
    std::string permission; ///< what a reader must hold, "servers.view"; it is not sent to others
    /// Set: an event of /operations/{id}/events alone ("operation", "step", "log"). Unset: of
    /// /orgs/{org}/events.
    std::optional<OperationId> operation;
    bool final = false; ///< with `operation`: its stream ends after this event
    /// The project that it tells of: readers who are limited to others do not get it. "": of none,
    /// and for readers without a limit alone. Unset: for everybody.
    std::optional<std::string> project{};
};

/// Numbers the events of all organizations, keeps the newest ones, and hands them to who watches.
/// Thread-safe.
class EventSink {
public:
    virtual ~EventSink() = default;
    /// From UnitOfWork::after_commit only: nobody hears of what is not durable. Does not block.
    virtual void publish(Event event) = 0;
    /// The id of the newest event. A handler takes it before it reads the store: with
    /// EventStream::after set to it, nothing falls between what was read and what follows.
    virtual std::uint64_t position() const = 0;
    /// True while every event after `id` is still kept.
    virtual bool can_resume(std::uint64_t id) const = 0;
    /// Ends every open stream with this bond (Principal::bonds) at once: what its reader may see
    /// has changed. Thread-safe; after the commit.
    virtual void end_streams(std::string bond) = 0;
};

/// Publishes them in this order once the unit is durable.
void publish(store::UnitOfWork& unit, EventSink& sink, std::vector<Event> events);

} // namespace fairlead::api
