#include "controller/webhooks/webhooks.hpp"

#include "common/crypto/webhook.hpp"
#include "controller/webhooks/catalogue.hpp"
#include "controller/webhooks/signature.hpp"
#include "controller/webhooks/view.hpp"

namespace fairlead::webhooks {
namespace {

constexpr std::string_view by_user_message = "Somebody disabled it.";
constexpr std::string_view was_disabled =
    "The webhook was disabled before this was sent. Enable it and send this again.";

void enable(Webhook& webhook) {
    webhook.state = WebhookState::active;
    webhook.disabled_ms.reset();
    webhook.disabled_code.clear();
    webhook.disabled_message.clear();
    webhook.disabled_delivery.clear();
}

void disable(Webhook& webhook, Timestamp now) {
    enable(webhook);
    webhook.state = WebhookState::disabled;
    webhook.disabled_ms = now;
    webhook.disabled_code = "by_user";
    webhook.disabled_message = by_user_message;
}

/// The members in which two differ.
std::pair<boost::json::object, boost::json::object>
differences(const boost::json::object& before, const boost::json::object& after) {
    boost::json::object old_ones, new_ones;
    for (const auto& [name, value] : after) {
        if (before.at(name) == value) continue;
        old_ones[name] = before.at(name);
        new_ones[name] = value;
    }
    return {std::move(old_ones), std::move(new_ones)};
}

} // namespace

Result<WithSecret> Webhooks::create(
    api::Change& change, const Wanted& wanted, const api::Principal& by, Timestamp now
) {
    WebhookRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(count, repo.count());
    FAIRLEAD_CHECK(api::check_room(count, max_webhooks, "too_many_webhooks", "webhooks"));
    Webhook webhook;
    webhook.id = WebhookId::make(now);
    webhook.url = wanted.url.value_or("");
    webhook.description = wanted.description.value_or("");
    webhook.events = wanted.events.value_or("[]");
    if (!wanted.enabled.value_or(true)) disable(webhook, now);
    webhook.created_ms = now;
    webhook.created_by = by.user;
    webhook.created_by_email = by.email;
    auto secret = crypto::make_webhook_secret();
    FAIRLEAD_CHECK(
        repo.insert(webhook, store::Blob{parts_.keys.seal(secret, secret_context(webhook.id))})
    );
    auto act = act_on(webhook, "webhook.create");
    act.after = audit_facts(webhook);
    change.record(std::move(act));
    FAIRLEAD_CHECK(parts_.queue.publish(change.unit(), change.scope(), webhook.id));
    return WithSecret{std::move(webhook), std::move(secret)};
}

Result<Webhook>
Webhooks::edit(api::Change& change, Webhook webhook, const Wanted& wanted, Timestamp now) {
    auto before = webhook;
    if (wanted.url) webhook.url = *wanted.url;
    if (wanted.description) webhook.description = *wanted.description;
    if (wanted.events) webhook.events = *wanted.events;
    bool active = webhook.state == WebhookState::active;
    if (wanted.enabled && *wanted.enabled && !active) enable(webhook);
    if (wanted.enabled && !*wanted.enabled && webhook.state != WebhookState::disabled) {
        disable(webhook, now);
        FAIRLEAD_CHECK(
            DeliveryRepo(change.db(), change.scope())
                .give_up_oldest(webhook.id, max_waiting, "webhook_disabled", was_disabled)
        );
    }
    auto [old_facts, new_facts] = differences(audit_facts(before), audit_facts(webhook));
    // The address itself may be a secret: that it is another one now is all that the log has of it.
    if (webhook.url != before.url) new_facts["url_changed"] = true;
    if (new_facts.empty() && webhook.state == before.state) {
        change.nothing_changed();
        return webhook;
    }
    WebhookRepo repo(change.db(), change.scope());
    FAIRLEAD_CHECK(repo.update(webhook));
    auto act = act_on(webhook, "webhook.edit");
    act.before = std::move(old_facts);
    act.after = std::move(new_facts);
    change.record(std::move(act));
    FAIRLEAD_CHECK(parts_.queue.publish(change.unit(), change.scope(), webhook.id));
    return repo.get(webhook.id);
}

Result<> Webhooks::remove(api::Change& change, const Webhook& webhook) {
    FAIRLEAD_CHECK(DeliveryRepo(change.db(), change.scope()).remove_all(webhook.id));
    FAIRLEAD_CHECK(WebhookRepo(change.db(), change.scope()).remove(webhook.id));
    auto act = act_on(webhook, "webhook.delete");
    act.before = audit_facts(webhook);
    change.record(std::move(act));
    change.publish(event(
        change.scope().org(), "webhook.deleted", boost::json::object{{"id", webhook.id.str()}}
    ));
    change.unit().after_commit([this, id = webhook.id] { gone_(id); });
    return {};
}

Result<WithSecret>
Webhooks::rotate(api::Change& change, Webhook webhook, std::chrono::seconds grace, Timestamp now) {
    WebhookRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(sealed, repo.secrets(webhook.id));
    SealedSecrets next;
    webhook.old_until_ms.reset();
    if (grace > std::chrono::seconds(0)) {
        FAIRLEAD_TRY(
            before, parts_.keys.open(sealed.sealed_secret.bytes, secret_context(webhook.id))
        );
        next.sealed_old = store::Blob{parts_.keys.seal(before, old_secret_context(webhook.id))};
        webhook.old_until_ms = now + grace;
    }
    auto secret = crypto::make_webhook_secret();
    next.sealed_secret = store::Blob{parts_.keys.seal(secret, secret_context(webhook.id))};
    webhook.rotated_ms = now;
    FAIRLEAD_CHECK(repo.rotate(webhook, next));
    auto act = act_on(webhook, "webhook.rotate");
    act.after = boost::json::object{{"grace_s", grace.count()}};
    change.record(std::move(act));
    FAIRLEAD_CHECK(parts_.queue.publish(change.unit(), change.scope(), webhook.id));
    return WithSecret{std::move(webhook), std::move(secret)};
}

Result<Delivery> Webhooks::test(api::Change& change, const Webhook& webhook, Timestamp now) {
    FAIRLEAD_TRY(
        waiting, DeliveryRepo(change.db(), change.scope()).count_waiting_tests(webhook.id)
    );
    FAIRLEAD_CHECK(api::check_room(waiting, max_tests, "too_many_tests", "waiting tests"));
    FAIRLEAD_TRY(
        delivery,
        parts_.queue.put(
            change.unit(), change.scope(), webhook,
            {std::string(test_event), webhook.id.str(), {{"webhook_id", webhook.id.str()}}}, now,
            true
        )
    );
    auto act = act_on(webhook, "webhook.test");
    act.after = boost::json::object{{"delivery_id", delivery.id.str()}};
    change.record(std::move(act));
    parts_.queue.publish(change.unit(), change.scope(), delivery);
    return delivery;
}

Result<Delivery> Webhooks::replay(api::Change& change, const Webhook& webhook, Delivery delivery) {
    if (webhook.state != WebhookState::active)
        return api::conflict(
            "webhook_disabled", "The webhook is disabled. Enable it, then send this again."
        );
    if (delivery.state != DeliveryState::waiting && webhook.waiting >= max_waiting)
        return api::conflict(
            "webhook_queue_full", "A thousand deliveries wait for this webhook, which is the most. "
                                  "Wait until its receiver has taken some."
        );
    FAIRLEAD_CHECK(parts_.queue.again(change.unit(), change.scope(), delivery));
    auto act = act_on(webhook, "webhook.replay");
    act.after = boost::json::object{{"delivery_id", delivery.id.str()}, {"event", delivery.event}};
    change.record(std::move(act));
    parts_.queue.publish(change.unit(), change.scope(), delivery);
    return delivery;
}

namespace {

struct Place {
    std::int64_t row = 0;
    OrgId org_id;
    WebhookId id;
    store::Blob sealed_secret;
    std::optional<store::Blob> sealed_old;
};
BOOST_DESCRIBE_STRUCT(Place, (), (row, org_id, id, sealed_secret, sealed_old))

} // namespace

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<Place>(
        db,
        "SELECT rowid AS row, org_id, id, sealed_secret, sealed_old FROM webhook WHERE rowid > $1 "
        "ORDER BY rowid LIMIT $2",
        [&](const Place& place) -> Result<> {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE webhook SET sealed_secret = $3 WHERE org_id = $1 AND id = $2",
                    place.org_id, place.id, now
                );
            };
            FAIRLEAD_CHECK(api::visit_one(visit, place.sealed_secret, secret_context(place.id), put)
            );
            if (!place.sealed_old) return {};
            auto put_old = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE webhook SET sealed_old = $3 WHERE org_id = $1 AND id = $2",
                    place.org_id, place.id, now
                );
            };
            return api::visit_one(visit, *place.sealed_old, old_secret_context(place.id), put_old);
        }
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM webhook_attempt WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM webhook_delivery WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM webhook WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::webhooks
