#include "controller/webhooks/queue.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/webhooks/catalogue.hpp"
#include "controller/webhooks/schedule.hpp"
#include "controller/webhooks/view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::webhooks {
namespace {

constexpr std::string_view queue_full =
    "A thousand newer deliveries wait for this webhook. Once its receiver answers, send this one "
    "again.";
constexpr std::string_view was_disabled =
    "The webhook was disabled before this was sent. Enable it and send this again.";

std::string body_of(const api::Occurrence& occurrence, const OrgId& org, Timestamp at) {
    auto data = occurrence.data;
    data["organization_id"] = org.str();
    return boost::json::serialize(boost::json::object{
        {"type", occurrence.type}, {"timestamp", to_rfc3339(at)}, {"data", std::move(data)}});
}

bool is_test(const Delivery& delivery) {
    return delivery.event == test_event;
}

} // namespace

Result<>
Queue::announce(store::UnitOfWork& unit, const api::OrgScope& scope, api::Occurrence occurrence) {
    FAIRLEAD_TRY(webhooks, WebhookRepo(unit.db(), scope).active());
    if (webhooks.empty()) return {};
    DeliveryRepo deliveries(unit.db(), scope);
    auto now = parts_.clock.now();
    for (const auto& webhook : webhooks) {
        auto at = settles(occurrence.type) ? now + settling_time : now;
        bool cancelled = false;
        for (auto earlier : event_types()) {
            auto rule = settling(earlier, occurrence.type);
            if (rule == Settling::none) continue;
            FAIRLEAD_TRY(held, deliveries.take_back(webhook.id, occurrence.about, earlier, now));
            if (held.empty()) continue;
            if (rule == Settling::cancel)
                cancelled = true;
            else
                at = held.front().next_ms;
        }
        if (cancelled || !webhook.wants(occurrence.type)) continue;
        if (told_once(occurrence.type)) {
            FAIRLEAD_TRY(
                told, deliveries.told_already(webhook.id, occurrence.about, occurrence.type)
            );
            if (told) continue;
        }
        FAIRLEAD_CHECK(put(unit, scope, webhook, occurrence, at, false));
    }
    return {};
}

Result<Delivery> Queue::put(
    store::UnitOfWork& unit, const api::OrgScope& scope, const Webhook& webhook,
    const api::Occurrence& occurrence, Timestamp at, bool by_hand
) {
    DeliveryRepo deliveries(unit.db(), scope);
    FAIRLEAD_TRY(waiting, deliveries.count_waiting(webhook.id));
    if (waiting >= max_waiting)
        FAIRLEAD_CHECK(deliveries.give_up_oldest(
            webhook.id, waiting - max_waiting + 1, "webhook_queue_full", queue_full
        ));
    auto now = parts_.clock.now();
    Delivery delivery;
    delivery.id = DeliveryId::make(now);
    delivery.webhook_id = webhook.id;
    delivery.event = occurrence.type;
    delivery.about = occurrence.about;
    delivery.by_hand = by_hand;
    delivery.created_ms = now;
    delivery.next_ms = at;
    FAIRLEAD_CHECK(deliveries.insert(delivery, body_of(occurrence, scope.org(), now)));
    unit.after_commit([this, turn = Turn{scope.org(), webhook.id}, at] { due_(turn, at); });
    return delivery;
}

Result<> Queue::again(store::UnitOfWork& unit, const api::OrgScope& scope, Delivery& delivery) {
    auto now = parts_.clock.now();
    delivery.state = DeliveryState::waiting;
    delivery.by_hand = true;
    delivery.tries = 0;
    delivery.next_ms = now;
    delivery.delivered_ms.reset();
    FAIRLEAD_CHECK(DeliveryRepo(unit.db(), scope).update(delivery));
    unit.after_commit([this, turn = Turn{scope.org(), delivery.webhook_id}, now] {
        due_(turn, now);
    });
    return {};
}

void Queue::publish(store::UnitOfWork& unit, const api::OrgScope& scope, const Delivery& delivery) {
    api::publish(unit, parts_.events, {event(scope.org(), "webhook.delivery", to_json(delivery))});
}

Result<>
Queue::publish(store::UnitOfWork& unit, const api::OrgScope& scope, const WebhookId& webhook) {
    FAIRLEAD_TRY(row, WebhookRepo(unit.db(), scope).get(webhook));
    api::publish(unit, parts_.events, {event(scope.org(), "webhook.updated", to_json(row))});
    return {};
}

Result<std::vector<std::pair<Turn, Timestamp>>> Queue::waiting() const {
    constexpr std::int64_t at_once = 1000;
    std::vector<std::pair<Turn, Timestamp>> all;
    WebhookId after;
    for (;;) {
        FAIRLEAD_TRY(rows, parts_.store.read([&](store::Connection& db) {
            return awaited(db, after, at_once);
        }));
        for (const auto& row : rows)
            all.emplace_back(Turn{row.org_id, row.webhook_id}, row.next_ms);
        if (rows.size() < static_cast<std::size_t>(at_once)) return all;
        after = rows.back().webhook_id;
    }
}

Result<std::optional<Job>> Queue::job(const Turn& turn) const {
    auto scope = api::ScopeIssuer::scope(turn.org);
    auto now = parts_.clock.now();
    return parts_.store.read([&](store::Connection& db) -> Result<std::optional<Job>> {
        WebhookRepo webhooks(db, scope);
        DeliveryRepo deliveries(db, scope);
        FAIRLEAD_TRY(webhook, webhooks.find(turn.webhook));
        if (!webhook) return std::optional<Job>();
        FAIRLEAD_TRY(delivery, deliveries.due(webhook->id, now));
        if (!delivery) return std::optional<Job>();
        FAIRLEAD_TRY(sealed, webhooks.secrets(webhook->id));
        std::vector<Secret> secrets;
        FAIRLEAD_TRY(
            secret, parts_.keys.open(sealed.sealed_secret.bytes, secret_context(webhook->id))
        );
        secrets.push_back(std::move(secret));
        if (sealed.sealed_old && webhook->old_until_ms && now < *webhook->old_until_ms) {
            FAIRLEAD_TRY(
                old, parts_.keys.open(sealed.sealed_old->bytes, old_secret_context(webhook->id))
            );
            secrets.push_back(std::move(old));
        }
        FAIRLEAD_TRY(payload, deliveries.payload(delivery->id));
        FAIRLEAD_TRY(
            request, make_request(*webhook, delivery->id, std::move(payload), secrets, now)
        );
        return std::optional(Job{*std::move(delivery), std::move(request)});
    });
}

Result<std::optional<Timestamp>> Queue::next_due(const Turn& turn) const {
    return parts_.store.read([&](store::Connection& db) {
        return DeliveryRepo(db, api::ScopeIssuer::scope(turn.org)).next_due(turn.webhook);
    });
}

bool Queue::settle(Delivery& delivery, const Attempted& attempted) const {
    const auto& outcome = attempted.outcome;
    auto ended = attempted.began + attempted.took;
    delivery.status = outcome.status;
    delivery.error_code = outcome.code;
    delivery.error_message = outcome.message;
    if (outcome.verdict == Verdict::ours && !is_test(delivery)) {
        if (delivery.state == DeliveryState::waiting) delivery.next_ms = ended + own_pause;
        return false;
    }
    ++delivery.attempts;
    // Not one of its retries: it is still due, and made again as soon as the controller runs.
    if (outcome.verdict == Verdict::cut) return false;
    ++delivery.tries;
    if (outcome.verdict == Verdict::taken) {
        delivery.state = DeliveryState::delivered;
        delivery.delivered_ms = ended;
        delivery.next_ms.reset();
        return false;
    }
    // Somebody disabled the webhook meanwhile.
    if (delivery.state != DeliveryState::waiting) return false;
    auto pause = is_test(delivery) || outcome.verdict == Verdict::gone
                     ? std::nullopt
                     : pause_after(delivery.tries, attempted.chance);
    if (pause) {
        if (outcome.not_before) pause = std::max(*pause, *outcome.not_before);
        delivery.next_ms = ended + *pause;
        return false;
    }
    delivery.state = DeliveryState::failed;
    delivery.next_ms.reset();
    return outcome.verdict == Verdict::gone || !is_test(delivery);
}

Result<std::optional<Timestamp>>
Queue::record(const Turn& turn, const DeliveryId& id, const Attempted& attempted) {
    auto scope = api::ScopeIssuer::scope(turn.org);
    using Next = Result<std::optional<Timestamp>>;
    return parts_.store.write([&](store::UnitOfWork& unit) -> Next {
        WebhookRepo webhooks(unit.db(), scope);
        DeliveryRepo deliveries(unit.db(), scope);
        FAIRLEAD_TRY(webhook, webhooks.find(turn.webhook));
        if (!webhook) return std::optional<Timestamp>();
        FAIRLEAD_TRY(delivery, deliveries.find(turn.webhook, id));
        if (!delivery) return deliveries.next_due(turn.webhook);
        auto before = delivery->attempts;
        bool failing = settle(*delivery, attempted);
        FAIRLEAD_CHECK(deliveries.update(*delivery));
        if (delivery->attempts > before) {
            const auto& outcome = attempted.outcome;
            FAIRLEAD_CHECK(deliveries.insert(
                id,
                Attempt{
                    delivery->attempts, attempted.began, attempted.took.count(), outcome.status,
                    outcome.code, outcome.message, outcome.response}
            ));
            if (outcome.verdict != Verdict::cut)
                FAIRLEAD_CHECK(webhooks.attempted(
                    turn.webhook, outcome.verdict == Verdict::taken,
                    attempted.began + attempted.took
                ));
        }
        if (delivery->by_hand) publish(unit, scope, *delivery);
        if (failing && webhook->state == WebhookState::active) {
            bool gone = attempted.outcome.verdict == Verdict::gone;
            FAIRLEAD_CHECK(fail_webhook(
                unit, scope, *std::move(webhook), *delivery, gone ? "gone" : "retries_exhausted",
                gone ? attempted.outcome.message
                     : fmt::format(
                           "{} attempts within more than a day failed; the last one: {}",
                           delivery->tries, attempted.outcome.message
                       )
            ));
        }
        return deliveries.next_due(turn.webhook);
    });
}

Result<> Queue::fail_webhook(
    store::UnitOfWork& unit, const api::OrgScope& scope, Webhook webhook, const Delivery& delivery,
    std::string code, std::string message
) {
    webhook.state = WebhookState::failing;
    webhook.disabled_ms = parts_.clock.now();
    webhook.disabled_code = std::move(code);
    webhook.disabled_message = std::move(message);
    webhook.disabled_delivery = delivery.id.str();
    FAIRLEAD_CHECK(WebhookRepo(unit.db(), scope).update(webhook));
    FAIRLEAD_CHECK(DeliveryRepo(unit.db(), scope)
                       .give_up_oldest(webhook.id, max_waiting, "webhook_disabled", was_disabled));
    auto act = act_on(webhook, "webhook.disabled");
    act.after = boost::json::object{
        {"code", webhook.disabled_code}, {"delivery_id", webhook.disabled_delivery}};
    parts_.audit.record(unit, scope, api::Actor(), std::move(act));
    if (notice_) FAIRLEAD_CHECK(notice_(unit, scope, webhook));
    return publish(unit, scope, webhook.id);
}

Result<> Queue::tidy(Timestamp now) {
    constexpr std::int64_t at_once = 500;
    FAIRLEAD_TRY(orgs, parts_.store.read(&orgs_with_webhooks));
    for (const auto& org : orgs) {
        auto scope = api::ScopeIssuer::scope(org);
        FAIRLEAD_TRY(webhooks, parts_.store.read([&](store::Connection& db) {
            return WebhookRepo(db, scope).list("", max_webhooks);
        }));
        for (const auto& webhook : webhooks) {
            for (auto dropped = at_once; dropped == at_once;) {
                FAIRLEAD_TRY(count, parts_.store.write([&](store::UnitOfWork& unit) {
                    return DeliveryRepo(unit.db(), scope)
                        .forget_old(webhook.id, now - deliveries_kept, at_once);
                }));
                dropped = count;
            }
        }
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
            return WebhookRepo(unit.db(), scope).drop_old_secrets(now);
        }));
    }
    return {};
}

} // namespace fairlead::webhooks
