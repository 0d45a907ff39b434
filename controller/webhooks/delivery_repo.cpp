#include "controller/webhooks/delivery_repo.hpp"

namespace fairlead::webhooks {
namespace {

#define FAIRLEAD_DELIVERY                                                                          \
    "SELECT id, webhook_id, event, about, state, by_hand, attempts, tries, created_ms, next_ms, "  \
    "delivered_ms, status, error_code, error_message FROM webhook_delivery WHERE org_id = $1 AND " \
    "webhook_id = $2"

} // namespace

Result<> DeliveryRepo::insert(const Delivery& d, std::string_view payload) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO webhook_delivery (id, org_id, webhook_id, event, about, payload, state, "
        "by_hand, created_ms, next_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10)",
        org_, d.id, d.webhook_id, d.event, d.about, payload, d.state, d.by_hand, d.created_ms,
        d.next_ms
    ));
    return {};
}

Result<std::optional<Delivery>> DeliveryRepo::find(const WebhookId& webhook, const DeliveryId& id) {
    return db_.one<Delivery>(FAIRLEAD_DELIVERY " AND id = $3", org_, webhook, id);
}

Result<Delivery> DeliveryRepo::get(const WebhookId& webhook, const DeliveryId& id) {
    return store::present(find(webhook, id), "There is no such delivery.");
}

Result<std::string> DeliveryRepo::payload(const DeliveryId& id) {
    return store::present(
        db_.one<std::string>(
            "SELECT payload FROM webhook_delivery WHERE org_id = $1 AND id = $2", org_, id
        ),
        "There is no such delivery."
    );
}

Result<std::vector<Delivery>> DeliveryRepo::list(
    const WebhookId& webhook, const Filter& filter, std::string_view below, std::int64_t limit
) {
    return db_.all<Delivery>(
        FAIRLEAD_DELIVERY " AND ($3 = '' OR state = $3) AND ($4 = '' OR event = $4) AND ($5 = '' "
                          "OR id < $5) ORDER BY id DESC LIMIT $6",
        org_, webhook, filter.state, filter.event, below, limit
    );
}

Result<> DeliveryRepo::update(const Delivery& d) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE webhook_delivery SET state = $3, by_hand = $4, attempts = $5, tries = $6, next_ms "
        "= $7, delivered_ms = $8, status = $9, error_code = $10, error_message = $11 WHERE org_id "
        "= $1 AND id = $2",
        org_, d.id, d.state, d.by_hand, d.attempts, d.tries, d.next_ms, d.delivered_ms, d.status,
        d.error_code, d.error_message
    ));
    return {};
}

Result<bool> DeliveryRepo::told_already(
    const WebhookId& webhook, std::string_view about, std::string_view event
) {
    FAIRLEAD_TRY(
        found, db_.one<int>(
                   "SELECT 1 FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 AND about "
                   "= $3 AND event = $4 LIMIT 1",
                   org_, webhook, about, event
               )
    );
    return found.has_value();
}

Result<std::int64_t> DeliveryRepo::count_waiting(const WebhookId& webhook) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 "
                   "AND state = 'waiting'",
                   org_, webhook
               )
    );
    return count.value_or(0);
}

Result<std::int64_t> DeliveryRepo::count_waiting_tests(const WebhookId& webhook) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 "
                   "AND state = 'waiting' AND event = 'webhook.test'",
                   org_, webhook
               )
    );
    return count.value_or(0);
}

Result<std::optional<Delivery>> DeliveryRepo::due(const WebhookId& webhook, Timestamp now) {
    return db_.one<Delivery>(
        FAIRLEAD_DELIVERY " AND state = 'waiting' AND next_ms <= $3 ORDER BY by_hand DESC, "
                          "next_ms, id LIMIT 1",
        org_, webhook, now
    );
}

Result<std::optional<Timestamp>> DeliveryRepo::next_due(const WebhookId& webhook) {
    return db_.one<Timestamp>(
        "SELECT next_ms FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 AND state = "
        "'waiting' ORDER BY next_ms LIMIT 1",
        org_, webhook
    );
}

Result<std::vector<Held>> DeliveryRepo::take_back(
    const WebhookId& webhook, std::string_view about, std::string_view event, Timestamp now
) {
    return db_.all<Held>(
        "DELETE FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 AND about = $3 AND "
        "event = $4 AND state = 'waiting' AND attempts = 0 AND next_ms > $5 RETURNING event, "
        "next_ms",
        org_, webhook, about, event, now
    );
}

Result<> DeliveryRepo::give_up_oldest(
    const WebhookId& webhook, std::int64_t most, std::string_view code, std::string_view why
) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE webhook_delivery SET state = 'failed', next_ms = NULL, error_code = $3, "
        "error_message = $4 WHERE org_id = $1 AND id IN (SELECT id FROM webhook_delivery WHERE "
        "org_id = $1 AND webhook_id = $2 AND state = 'waiting' ORDER BY id LIMIT $5)",
        org_, webhook, code, why, most
    ));
    return {};
}

Result<> DeliveryRepo::insert(const DeliveryId& delivery, const Attempt& a) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO webhook_attempt (delivery_id, number, org_id, at_ms, duration_ms, status, "
        "error_code, error_message, response) VALUES ($2, $3, $1, $4, $5, $6, $7, $8, $9)",
        org_, delivery, a.number, a.at_ms, a.duration_ms, a.status, a.error_code, a.error_message,
        a.response
    ));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM webhook_attempt WHERE org_id = $1 AND delivery_id = $2 AND number <= $3", org_,
        delivery, a.number - max_attempts_kept
    ));
    return {};
}

Result<std::vector<Attempt>> DeliveryRepo::attempts(const DeliveryId& delivery) {
    return db_.all<Attempt>(
        "SELECT number, at_ms, duration_ms, status, error_code, error_message, response FROM "
        "webhook_attempt WHERE org_id = $1 AND delivery_id = $2 ORDER BY number DESC LIMIT $3",
        org_, delivery, max_attempts_kept
    );
}

Result<> DeliveryRepo::remove_all(const WebhookId& webhook) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM webhook_attempt WHERE org_id = $1 AND delivery_id IN (SELECT id FROM "
        "webhook_delivery WHERE org_id = $1 AND webhook_id = $2)",
        org_, webhook
    ));
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2", org_, webhook)
    );
    return {};
}

Result<std::int64_t>
DeliveryRepo::forget_old(const WebhookId& webhook, Timestamp before, std::int64_t at_once) {
    FAIRLEAD_TRY(
        edge, db_.one<DeliveryId>(
                  "SELECT id FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 ORDER BY "
                  "id DESC LIMIT 1 OFFSET $3",
                  org_, webhook, max_kept
              )
    );
    auto beyond = edge ? edge->str() : std::string();
    FAIRLEAD_TRY(
        old, db_.all<DeliveryId>(
                 "SELECT id FROM webhook_delivery WHERE org_id = $1 AND webhook_id = $2 AND state "
                 "<> 'waiting' AND (created_ms < $3 OR id <= $4) ORDER BY id LIMIT $5",
                 org_, webhook, before, beyond, at_once
             )
    );
    for (const auto& id : old) {
        FAIRLEAD_CHECK(
            db_.run("DELETE FROM webhook_attempt WHERE org_id = $1 AND delivery_id = $2", org_, id)
        );
        FAIRLEAD_CHECK(
            db_.run("DELETE FROM webhook_delivery WHERE org_id = $1 AND id = $2", org_, id)
        );
    }
    return static_cast<std::int64_t>(old.size());
}

Result<std::vector<Awaited>>
awaited(store::Connection& db, const WebhookId& after, std::int64_t limit) {
    return db.all<Awaited>(
        "SELECT org_id, webhook_id, min(next_ms) AS next_ms FROM webhook_delivery WHERE state = "
        "'waiting' AND webhook_id > $1 GROUP BY org_id, webhook_id ORDER BY webhook_id LIMIT $2",
        after, limit
    );
}

} // namespace fairlead::webhooks
