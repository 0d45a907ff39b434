/// The SQL of webhooks themselves.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/webhooks/ids.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::webhooks {

BOOST_DEFINE_ENUM_CLASS(
    WebhookState, active,
    disabled, ///< by somebody
    failing   ///< by the controller: no delivery got through, or the receiver said that it is gone
)

struct Webhook {
    WebhookId id;
    std::string url;
    std::string description;
    std::string events = "[]"; ///< JSON, in the catalogue's order; empty: all
    WebhookState state = WebhookState::active;
    std::optional<Timestamp> disabled_ms;
    std::string disabled_code;
    std::string disabled_message;
    std::string disabled_delivery;
    std::optional<Timestamp> old_until_ms;
    std::optional<Timestamp> rotated_ms;
    std::optional<Timestamp> last_delivered_ms;
    std::optional<Timestamp> last_failed_ms;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    std::int64_t waiting = 0; ///< deliveries

    /// scheme://host, which is all of the address that a log may have: the rest can be a secret.
    std::string origin() const;
    bool wants(std::string_view type) const;
};
BOOST_DESCRIBE_STRUCT(
    Webhook, (),
    (id, url, description, events, state, disabled_ms, disabled_code, disabled_message,
     disabled_delivery, old_until_ms, rotated_ms, last_delivered_ms, last_failed_ms, created_ms,
     created_by, created_by_email, waiting)
)

struct SealedSecrets {
    store::Blob sealed_secret;
    std::optional<store::Blob> sealed_old;
};
BOOST_DESCRIBE_STRUCT(SealedSecrets, (), (sealed_secret, sealed_old))

/// Of one organization.
inline constexpr std::int64_t max_webhooks = 20;

/// What the secrets of a webhook are sealed for.
std::string secret_context(const WebhookId& id);
std::string old_secret_context(const WebhookId& id);

class WebhookRepo {
public:
    WebhookRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const Webhook& webhook, const store::Blob& sealed_secret);
    Result<std::optional<Webhook>> find(const WebhookId& id);
    /// Errc::not_found.
    Result<Webhook> get(const WebhookId& id);
    Result<std::vector<Webhook>> list(std::string_view below, std::int64_t limit);
    Result<std::vector<Webhook>> active();
    Result<std::int64_t> count();
    /// Address, description, events and state with its reason.
    Result<> update(const Webhook& webhook);
    Result<> attempted(const WebhookId& id, bool delivered, Timestamp at);
    Result<> remove(const WebhookId& id);

    Result<SealedSecrets> secrets(const WebhookId& id);
    Result<> rotate(const Webhook& webhook, const SealedSecrets& secrets);
    /// Secrets whose grace is over.
    Result<> drop_old_secrets(Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

/// The organizations that have webhooks.
Result<std::vector<OrgId>> orgs_with_webhooks(store::Connection& db);

} // namespace fairlead::webhooks
