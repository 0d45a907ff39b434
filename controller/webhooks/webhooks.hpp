/// What people may do with webhooks.
#pragma once

#include "controller/api/change.hpp"
#include "controller/api/sealed.hpp"
#include "controller/webhooks/queue.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace fairlead::webhooks {

inline constexpr auto default_grace = std::chrono::hours(24),
                      longest_grace = std::chrono::hours(24 * 7);

/// What may be chosen, checked for shape; what is unset stays.
struct Wanted {
    std::optional<std::string> url, description;
    std::optional<std::string> events; ///< as Webhook::events
    std::optional<bool> enabled;
};

/// A secret leaves the controller here, once, and in signatures alone after that.
struct WithSecret {
    Webhook webhook;
    Secret secret;
};

/// Thread-safe; everything it knows is in the store. Functions with a Change run inside its
/// transaction.
class Webhooks {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        const crypto::Keystore& keys;
        outbound::Outbound& outbound;
        Queue& queue;
    };
    explicit Webhooks(const Parts& parts) : parts_(parts) {}
    const Parts& parts() const { return parts_; }
    api::Desk desk() const { return {parts_.store, parts_.audit, parts_.events}; }
    /// Told after the commit that removes one.
    void on_gone(std::function<void(const WebhookId&)> gone) { gone_ = std::move(gone); }

    /// Errc::conflict (too_many_webhooks).
    Result<WithSecret>
    create(api::Change& change, const Wanted& wanted, const api::Principal& by, Timestamp now);
    Result<Webhook> edit(api::Change& change, Webhook webhook, const Wanted& wanted, Timestamp now);
    Result<> remove(api::Change& change, const Webhook& webhook);
    /// The secret before goes on signing for `grace`, 0 to longest_grace.
    Result<WithSecret>
    rotate(api::Change& change, Webhook webhook, std::chrono::seconds grace, Timestamp now);
    /// Errc::conflict (too_many_tests).
    Result<Delivery> test(api::Change& change, const Webhook& webhook, Timestamp now);
    /// Errc::conflict (webhook_disabled, webhook_queue_full).
    Result<Delivery> replay(api::Change& change, const Webhook& webhook, Delivery delivery);

private:
    Parts parts_;
    std::function<void(const WebhookId&)> gone_ = [](const WebhookId&) {};
};

/// The secrets of webhooks, for a new master key.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::webhooks
