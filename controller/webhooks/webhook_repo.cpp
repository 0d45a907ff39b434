#include "controller/webhooks/webhook_repo.hpp"

#include "common/json/json.hpp"

#include <algorithm>

namespace fairlead::webhooks {
namespace {

#define FAIRLEAD_WEBHOOK                                                                           \
    "SELECT w.id, w.url, w.description, w.events, w.state, w.disabled_ms, w.disabled_code, "       \
    "w.disabled_message, w.disabled_delivery, w.old_until_ms, w.rotated_ms, "                      \
    "w.last_delivered_ms, w.last_failed_ms, w.created_ms, w.created_by, w.created_by_email, "      \
    "(SELECT count(*) FROM webhook_delivery d WHERE d.org_id = $1 AND d.webhook_id = w.id AND "    \
    "d.state = 'waiting') AS waiting FROM webhook w WHERE w.org_id = $1"

} // namespace

std::string secret_context(const WebhookId& id) {
    return "webhook/" + id.str();
}

std::string old_secret_context(const WebhookId& id) {
    return "webhook_old/" + id.str();
}

std::string Webhook::origin() const {
    auto host = url.find("://");
    host = host == std::string::npos ? 0 : host + 3;
    return url.substr(0, url.find_first_of("/?#", host));
}

bool Webhook::wants(std::string_view type) const {
    auto chosen = json::decode<std::vector<std::string>>(events, json::Strictness::exact);
    return chosen && (chosen->empty() || std::ranges::find(*chosen, type) != chosen->end());
}

Result<> WebhookRepo::insert(const Webhook& w, const store::Blob& sealed_secret) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO webhook (id, org_id, url, description, events, state, disabled_ms, "
        "disabled_code, disabled_message, sealed_secret, created_ms, created_by, "
        "created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        org_, w.id, w.url, w.description, w.events, w.state, w.disabled_ms, w.disabled_code,
        w.disabled_message, sealed_secret, w.created_ms, w.created_by, w.created_by_email
    ));
    return {};
}

Result<std::optional<Webhook>> WebhookRepo::find(const WebhookId& id) {
    return db_.one<Webhook>(FAIRLEAD_WEBHOOK " AND w.id = $2", org_, id);
}

Result<Webhook> WebhookRepo::get(const WebhookId& id) {
    return store::present(find(id), "There is no such webhook.");
}

Result<std::vector<Webhook>> WebhookRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Webhook>(
        FAIRLEAD_WEBHOOK " AND ($2 = '' OR w.id < $2) ORDER BY w.id DESC LIMIT $3", org_, below,
        limit
    );
}

Result<std::vector<Webhook>> WebhookRepo::active() {
    return db_.all<Webhook>(FAIRLEAD_WEBHOOK " AND w.state = 'active' ORDER BY w.id", org_);
}

Result<std::int64_t> WebhookRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM webhook WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> WebhookRepo::update(const Webhook& w) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE webhook SET url = $3, description = $4, events = $5, state = $6, disabled_ms = $7, "
        "disabled_code = $8, disabled_message = $9, disabled_delivery = $10 WHERE org_id = $1 AND "
        "id = $2",
        org_, w.id, w.url, w.description, w.events, w.state, w.disabled_ms, w.disabled_code,
        w.disabled_message, w.disabled_delivery
    ));
    return {};
}

Result<> WebhookRepo::attempted(const WebhookId& id, bool delivered, Timestamp at) {
    if (delivered)
        FAIRLEAD_CHECK(db_.run(
            "UPDATE webhook SET last_delivered_ms = $3 WHERE org_id = $1 AND id = $2", org_, id, at
        ));
    else
        FAIRLEAD_CHECK(db_.run(
            "UPDATE webhook SET last_failed_ms = $3 WHERE org_id = $1 AND id = $2", org_, id, at
        ));
    return {};
}

Result<> WebhookRepo::remove(const WebhookId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM webhook WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<SealedSecrets> WebhookRepo::secrets(const WebhookId& id) {
    return store::present(
        db_.one<SealedSecrets>(
            "SELECT sealed_secret, sealed_old FROM webhook WHERE org_id = $1 AND id = $2", org_, id
        ),
        "There is no such webhook."
    );
}

Result<> WebhookRepo::rotate(const Webhook& w, const SealedSecrets& secrets) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE webhook SET sealed_secret = $3, sealed_old = $4, old_until_ms = $5, rotated_ms = "
        "$6 WHERE org_id = $1 AND id = $2",
        org_, w.id, secrets.sealed_secret, secrets.sealed_old, w.old_until_ms, w.rotated_ms
    ));
    return {};
}

Result<> WebhookRepo::drop_old_secrets(Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE webhook SET sealed_old = NULL, old_until_ms = NULL WHERE org_id = $1 AND "
        "old_until_ms <= $2",
        org_, now
    ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_webhooks(store::Connection& db) {
    return db.all<OrgId>("SELECT DISTINCT org_id FROM webhook ORDER BY org_id LIMIT 10000");
}

} // namespace fairlead::webhooks
