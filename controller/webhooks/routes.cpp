#include "controller/webhooks/routes.hpp"

#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/webhooks/catalogue.hpp"
#include "controller/webhooks/view.hpp"

#include <algorithm>
#include <set>

namespace fairlead::webhooks {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::size_t longest_url = 2048;

struct CreateBody {
    std::string url;
    std::optional<std::string> description;
    std::optional<std::vector<std::string>> events;
    std::optional<bool> enabled;
};
BOOST_DESCRIBE_STRUCT(CreateBody, (), (url, description, events, enabled))

struct EditBody {
    std::optional<std::string> url, description;
    std::optional<std::vector<std::string>> events;
    std::optional<bool> enabled;
};
BOOST_DESCRIBE_STRUCT(EditBody, (), (url, description, events, enabled))

struct RotateBody {
    std::optional<std::uint64_t> grace_s;
};
BOOST_DESCRIBE_STRUCT(RotateBody, (), (grace_s))

/// In the catalogue's order, each once.
std::string read_events(const std::vector<std::string>& given, api::Checks& checks) {
    std::set<std::string, std::less<>> chosen(given.begin(), given.end());
    checks.that(chosen.size() == given.size(), "events", "names one of them twice");
    for (const auto& type : chosen)
        checks.that(is_event_type(type), "events", "has \"" + type + "\", which is no event");
    std::vector<std::string_view> ordered;
    for (auto type : event_types())
        if (chosen.contains(type)) ordered.push_back(type);
    return json::encode(ordered);
}

Result<Wanted> read(const EditBody& body, const Webhooks& webhooks) {
    api::Checks checks;
    Wanted wanted{body.url, body.description, {}, body.enabled};
    checks.length("description", body.description.value_or(""), 0, 200);
    if (body.events) wanted.events = read_events(*body.events, checks);
    if (body.url) {
        checks.length("url", *body.url, 1, longest_url);
        auto fine = webhooks.parts().outbound.check(*body.url);
        if (!fine) checks.wrong("url", fine.error().message());
    }
    FAIRLEAD_CHECK(checks.result());
    return wanted;
}

Response with_secret(const WithSecret& made, int status) {
    return api::answer(
        boost::json::object{{"webhook", to_json(made.webhook)}, {"secret", made.secret.reveal()}},
        status
    );
}

Result<Response> list(const Call& call, Webhooks& webhooks) {
    return api::list_page(call, webhooks.parts().store, [&](Connection& db, const api::Page& page) {
        return WebhookRepo(db, call.scope()).list(page.after, page.limit + 1);
    });
}

Result<Response> create(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(body, call.body<CreateBody>());
    FAIRLEAD_TRY(
        wanted, read(EditBody{body.url, body.description, body.events, body.enabled}, webhooks)
    );
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(made, webhooks.create(change, wanted, call.principal(), call.now()));
        return with_secret(made, 201);
    });
}

Result<Response> get(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    return webhooks.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(db, call.scope()).get(id));
        return api::answer(to_json(webhook));
    });
}

Result<Response> edit(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    FAIRLEAD_TRY(body, call.body<EditBody>());
    FAIRLEAD_TRY(wanted, read(body, webhooks));
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(now, webhooks.edit(change, std::move(webhook), wanted, call.now()));
        return api::answer(to_json(now));
    });
}

Result<Response> remove(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(webhooks.remove(change, webhook));
        return api::no_content();
    });
}

Result<Response> rotate(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    RotateBody body;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(given, call.body<RotateBody>());
        body = given;
    }
    using std::chrono::seconds;
    auto grace = body.grace_s.value_or(seconds(default_grace).count());
    api::Checks checks;
    checks.range("grace_s", grace, 0, seconds(longest_grace).count());
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(made, webhooks.rotate(change, std::move(webhook), seconds(grace), call.now()));
        return with_secret(made, 200);
    });
}

Result<Response> test(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(delivery, webhooks.test(change, webhook, call.now()));
        return api::answer(to_json(delivery), 202);
    });
}

Result<Response> list_deliveries(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    FAIRLEAD_TRY(state, api::query_enum<DeliveryState>(call, "state"));
    std::string event(call.query("event").value_or(""));
    if (!event.empty() && !is_event_type(event) && event != test_event)
        return api::bad_query("event", event, "must be an event of webhooks");
    FAIRLEAD_TRY(page, api::Page::of(call));
    return webhooks.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(WebhookRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(
            rows,
            DeliveryRepo(db, call.scope()).list(id, {state, event}, page.after, page.limit + 1)
        );
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row));
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get_delivery(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(webhook, call.path_id<WebhookId>("webhook"));
    FAIRLEAD_TRY(id, call.path_id<DeliveryId>("delivery"));
    return webhooks.parts().store.read([&](Connection& db) -> Result<Response> {
        DeliveryRepo deliveries(db, call.scope());
        FAIRLEAD_TRY(delivery, deliveries.get(webhook, id));
        FAIRLEAD_TRY(payload, deliveries.payload(id));
        FAIRLEAD_TRY(attempts, deliveries.attempts(id));
        boost::json::array tries;
        for (const auto& attempt : attempts) tries.push_back(to_json(attempt));
        return api::answer(boost::json::object{
            {"delivery", to_json(delivery)}, {"payload", payload}, {"tries", std::move(tries)}});
    });
}

Result<Response> replay(const Call& call, Webhooks& webhooks) {
    FAIRLEAD_TRY(id, call.path_id<WebhookId>("webhook"));
    FAIRLEAD_TRY(delivery_id, call.path_id<DeliveryId>("delivery"));
    return api::change(call, webhooks.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(webhook, WebhookRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(delivery, DeliveryRepo(change.db(), change.scope()).get(id, delivery_id));
        FAIRLEAD_TRY(again, webhooks.replay(change, webhook, std::move(delivery)));
        return api::answer(to_json(again), 202);
    });
}

} // namespace

void add_routes(api::RouteTable& table, Webhooks& webhooks) {
    api::Routes own(table, webhooks, "/api/v1/orgs/{org}/webhooks");
    own.get("", "webhooks.view", &list);
    own.post("", "webhooks.create", &create);
    own.get("/{webhook}", "webhooks.view", &get);
    own.patch("/{webhook}", "webhooks.edit", &edit);
    own.remove("/{webhook}", "webhooks.delete", &remove);
    own.post("/{webhook}/rotate-secret", "webhooks.rotate", &rotate);
    own.post("/{webhook}/test", "webhooks.send", &test);
    own.get("/{webhook}/deliveries", "webhooks.view", &list_deliveries);
    own.get("/{webhook}/deliveries/{delivery}", "webhooks.view", &get_delivery);
    own.post("/{webhook}/deliveries/{delivery}/replay", "webhooks.send", &replay);
}

} // namespace fairlead::webhooks
