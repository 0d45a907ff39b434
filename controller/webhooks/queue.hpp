/// What waits to be sent to webhooks: put there in the transaction of what it tells of, and kept
/// until its last attempt is written down.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/store.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"
#include "controller/webhooks/job.hpp"
#include "controller/webhooks/turns.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::webhooks {

/// One delivery that is due, ready to be sent.
struct Job {
    Delivery delivery;
    outbound::Request request;
};

/// Thread-safe; everything it knows is in the store. A delivery that was sent and not written down
/// before the program ended is sent again, with the same id: at least once.
class Queue final : public api::Announcer {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const crypto::Keystore& keys;
        const Clock& clock;
    };
    explicit Queue(const Parts& parts) : parts_(parts) {}

    /// Told after each commit that put something here; must not block. Set once, as are the others.
    void on_due(std::function<void(const Turn&, Timestamp)> due) { due_ = std::move(due); }
    /// Told in the transaction that disables a webhook after failures, to write to whoever looks
    /// after it.
    using Notice =
        std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const Webhook&)>;
    void on_failing(Notice notice) { notice_ = std::move(notice); }

    // ---- in the caller's transaction ----

    Result<> announce(
        store::UnitOfWork& unit, const api::OrgScope& scope, api::Occurrence occurrence
    ) override;
    /// Where max_waiting wait for the webhook, the oldest is given up (webhook_queue_full).
    Result<Delivery>
    put(store::UnitOfWork& unit, const api::OrgScope& scope, const Webhook& webhook,
        const api::Occurrence& occurrence, Timestamp at, bool by_hand);
    /// Sends it once more from now on, with its whole schedule.
    Result<> again(store::UnitOfWork& unit, const api::OrgScope& scope, Delivery& delivery);
    void publish(store::UnitOfWork& unit, const api::OrgScope& scope, const Delivery& delivery);
    Result<> publish(store::UnitOfWork& unit, const api::OrgScope& scope, const WebhookId& webhook);

    // ---- what the courier asks ----

    /// Everybody for whom something waits.
    Result<std::vector<std::pair<Turn, Timestamp>>> waiting() const;
    Result<std::optional<Job>> job(const Turn& turn) const;
    Result<std::optional<Timestamp>> next_due(const Turn& turn) const;
    struct Attempted {
        Outcome outcome;
        Timestamp began;
        std::chrono::milliseconds took{};
        double chance = 0.5; ///< for the pause before the next one, 0 … 1
    };
    /// Writes down what came of it; when the webhook has more to send.
    Result<std::optional<Timestamp>>
    record(const Turn& turn, const DeliveryId& id, const Attempted& attempted);

    /// Forgets what is old, some of it at a time, and secrets whose grace is over.
    Result<> tidy(Timestamp now);

    /// While the controller's own way out is shut.
    static constexpr auto own_pause = std::chrono::seconds(30);

private:
    Result<> fail_webhook(
        store::UnitOfWork& unit, const api::OrgScope& scope, Webhook webhook,
        const Delivery& delivery, std::string code, std::string message
    );
    /// Changes the row by what came of it; true when its webhook is to be disabled.
    bool settle(Delivery& delivery, const Attempted& attempted) const;

    Parts parts_;
    std::function<void(const Turn&, Timestamp)> due_ = [](const Turn&, Timestamp) {};
    Notice notice_;
};

} // namespace fairlead::webhooks
