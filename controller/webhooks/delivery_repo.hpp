/// The SQL of deliveries and their attempts.
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

BOOST_DEFINE_ENUM_CLASS(DeliveryState, waiting, delivered, failed)

struct Delivery {
    DeliveryId id; ///< its webhook-id
    WebhookId webhook_id;
    std::string event;
    std::string about; ///< the id of what it tells of
    DeliveryState state = DeliveryState::waiting;
    bool by_hand = false;      ///< a test, or sent again
    std::int64_t attempts = 0; ///< all of them
    std::int64_t tries = 0;    ///< since its schedule began
    Timestamp created_ms;
    std::optional<Timestamp> next_ms;
    std::optional<Timestamp> delivered_ms;
    std::optional<int> status; ///< of the newest attempt, as is the error
    std::string error_code;
    std::string error_message;
};
BOOST_DESCRIBE_STRUCT(
    Delivery, (),
    (id, webhook_id, event, about, state, by_hand, attempts, tries, created_ms, next_ms,
     delivered_ms, status, error_code, error_message)
)

struct Attempt {
    std::int64_t number = 0;
    Timestamp at_ms;
    std::int64_t duration_ms = 0;
    std::optional<int> status; ///< none: there was no answer
    std::string error_code;    ///< "": it was taken
    std::string error_message;
    std::optional<std::string> response; ///< its first max_response bytes
};
BOOST_DESCRIBE_STRUCT(
    Attempt, (), (number, at_ms, duration_ms, status, error_code, error_message, response)
)

/// One that was taken back before it was tried.
struct Held {
    std::string event;
    Timestamp next_ms;
};
BOOST_DESCRIBE_STRUCT(Held, (), (event, next_ms))

/// Bounds of one webhook, and of one delivery.
inline constexpr std::int64_t max_waiting = 1000, max_kept = 10'000, max_tests = 10;
inline constexpr auto deliveries_kept = std::chrono::hours(24 * 30);
inline constexpr std::int64_t max_attempts_kept = 20;
inline constexpr std::size_t max_response = 1024;

class DeliveryRepo {
public:
    DeliveryRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const Delivery& delivery, std::string_view payload);
    Result<std::optional<Delivery>> find(const WebhookId& webhook, const DeliveryId& id);
    /// Errc::not_found also where it is another webhook's.
    Result<Delivery> get(const WebhookId& webhook, const DeliveryId& id);
    Result<std::string> payload(const DeliveryId& id);
    struct Filter {
        std::string state, event; ///< "": any
    };
    Result<std::vector<Delivery>> list(
        const WebhookId& webhook, const Filter& filter, std::string_view below, std::int64_t limit
    );
    /// State, attempts, times, status and error.
    Result<> update(const Delivery& delivery);
    Result<bool>
    told_already(const WebhookId& webhook, std::string_view about, std::string_view event);

    Result<std::int64_t> count_waiting(const WebhookId& webhook);
    Result<std::int64_t> count_waiting_tests(const WebhookId& webhook);
    /// What somebody asked for first, then what is due for longest.
    Result<std::optional<Delivery>> due(const WebhookId& webhook, Timestamp now);
    Result<std::optional<Timestamp>> next_due(const WebhookId& webhook);
    /// Takes back what tells of the same thing, was never tried and is not due yet.
    Result<std::vector<Held>> take_back(
        const WebhookId& webhook, std::string_view about, std::string_view event, Timestamp now
    );
    /// No attempt follows for the `most` oldest that wait: such as all of them, before their
    /// webhook is disabled.
    Result<> give_up_oldest(
        const WebhookId& webhook, std::int64_t most, std::string_view code, std::string_view why
    );

    /// Keeps the newest max_attempts_kept.
    Result<> insert(const DeliveryId& delivery, const Attempt& attempt);
    /// Newest first.
    Result<std::vector<Attempt>> attempts(const DeliveryId& delivery);

    Result<> remove_all(const WebhookId& webhook);
    /// Drops up to `at_once` that are older than `before` or beyond max_kept and do not wait; how
    /// many that were.
    Result<std::int64_t>
    forget_old(const WebhookId& webhook, Timestamp before, std::int64_t at_once);

private:
    store::Connection& db_;
    OrgId org_;
};

/// A webhook with something to send, and from when on.
struct Awaited {
    OrgId org_id;
    WebhookId webhook_id;
    Timestamp next_ms;
};
BOOST_DESCRIBE_STRUCT(Awaited, (), (org_id, webhook_id, next_ms))

/// Of all organizations.
Result<std::vector<Awaited>>
awaited(store::Connection& db, const WebhookId& after, std::int64_t limit);

} // namespace fairlead::webhooks
