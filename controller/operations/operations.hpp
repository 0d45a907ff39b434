/// The durable state machine of operations (SPEC section 5).
#pragma once

#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/operations/effects.hpp"
#include "controller/operations/links.hpp"
#include "controller/operations/model.hpp"
#include "controller/operations/repo.hpp"

#include <string>
#include <vector>

namespace fairlead::operations {

/// What a hello brought about.
struct Attached {
    std::uint64_t acknowledged = 0;       ///< for the welcome
    std::vector<proto::ToAgent> messages; ///< after it: deliveries again, cancels, queries
};

/// Cuts to `limit` bytes at a character's border.
std::string cut(std::string text, std::size_t limit);

/// Thread-safe: everything it knows is in the store. Functions with a UnitOfWork run inside the
/// caller's transaction; those without open their own and are for worker threads.
class Operations {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        Links& links;
        const Clock& clock;
    };
    explicit Operations(const Parts& parts) : parts_(parts) {}
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }

    /// The subjects whose operations these are, in the order in which they hear of them. Before
    /// anything else is called.
    void use(Effects& effects) { effects_.push_back(&effects); }

    // ---- what people ask ----

    /// Stores a queued operation with its audit entry; when the server's link is there it is handed
    /// out in the same commit, after the caller's unit. Errc::conflict (operation_in_progress, fact
    /// operation_id), Errc::rate_limited (too_many_operations).
    Result<Operation> create(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        NewOperation wanted
    );
    /// Queued ones end at once, others when the agent has undone them. Errc::conflict:
    /// operation_finished, not_cancellable.
    Result<Operation> cancel(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const OperationId& id
    );
    /// The server is revoked: what it does not have expires, what it has becomes unknown.
    Result<> abandon(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server);

    /// Something became known of one that is over: stores its result and outcome as they are now,
    /// and tells of them.
    Result<> amend(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation);

    // ---- what links bring; for one server, one call at a time ----

    /// A hello: the link named in `link` speaks for the server from now on.
    Result<Attached>
    attach(store::UnitOfWork& unit, const AgentLink& link, const proto::Hello& hello);
    /// Hands out what waits: fences are given here, in the transaction that says delivered, and
    /// after its commit Links::send gets the messages. All go that way, so fences leave in order.
    /// True: ask again when these are sent. Errc::conflict: replaced.
    Result<bool> due(store::UnitOfWork& unit, const AgentLink& link);
    /// Stores reports in order and says up to which one. Known ones are skipped; Errc::conflict:
    /// report_gap, replaced.
    Result<std::uint64_t> accept(
        store::UnitOfWork& unit, const AgentLink& link, const std::vector<proto::Report>& reports
    );
    /// The link is gone: what the server holds becomes unknown. False, and nothing done, when
    /// another one took its place.
    Result<bool> detach(store::UnitOfWork& unit, const AgentLink& link);

    // ---- time ----

    /// At start, before links: nobody is connected, so what servers hold is unknown.
    Result<> start();
    /// Every few seconds: expires what was not delivered in time, forgets old logs and
    /// sealed results. For two minutes
    /// after the start nothing expires: servers that took an operation before the controller was
    /// restored from a copy first get to say so.
    Result<> tick();

    static constexpr auto grace = std::chrono::minutes(2);
    /// How far back a restored controller asks for operations that it ended as never delivered.
    static constexpr auto doubt = std::chrono::hours(24 * 7);
    static constexpr auto logs_kept = std::chrono::hours(24 * 90);
    /// What a server sealed for whoever asked: nobody else can read it, and they have by then.
    static constexpr auto sealed_kept = std::chrono::minutes(10);

private:
    class Intake;

    Result<> forget_sealed(Timestamp now);

    /// Stores it, tells the effects and the events.
    Result<> move(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation);
    Result<> finish(
        store::UnitOfWork& unit, const api::OrgScope& scope, Operation& operation,
        const proto::Finished& finished, Timestamp at
    );
    Result<proto::Deliver>
    delivery(store::Connection& db, const api::OrgScope& scope, const Operation& operation);
    void record(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor,
        const Operation& operation, boost::json::object facts
    );
    /// What waits for the server goes out with this unit's commit. Without a link it waits for the
    /// next hello.
    void hand_out(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server);
    Result<JournalPosition> position_of(OperationRepo& repo, const AgentLink& link);

    Parts parts_;
    std::vector<Effects*> effects_;
    std::atomic<std::int64_t> started_ms_ = 0;
};

} // namespace fairlead::operations
