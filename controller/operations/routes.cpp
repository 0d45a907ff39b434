#include "controller/operations/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/operations/view.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>

namespace fairlead::operations {
namespace {

using api::Call;
using api::Response;

constexpr std::string_view base = "/api/v1/orgs/{org}/operations";

Result<std::optional<std::uint64_t>> number(
    std::string_view name, std::optional<std::string_view> text, std::uint64_t least,
    std::uint64_t most
) {
    if (!text) return std::optional<std::uint64_t>();
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size() || value < least || value > most)
        return fail(Error(
                        Errc::invalid, fmt::format(
                                           "{} is \"{}\"; it must be a number from {} to {}.", name,
                                           *text, least, most
                                       )
        )
                        .with_fields(
                            {{std::string(name),
                              fmt::format("must be a number from {} to {}", least, most)}}
                        ));
    return std::optional(value);
}

Result<std::string> word(const Call& call, std::string_view name, auto known) {
    auto text = call.query(name);
    if (!text) return std::string();
    if (!known(*text))
        return fail(
            Error(Errc::invalid, fmt::format("{} is \"{}\", which is not known.", name, *text))
                .with_fields({{std::string(name), "is not known"}})
        );
    return std::string(*text);
}

bool known_kind(std::string_view kind) {
    constexpr std::array kinds{proto::kind::ping,     proto::kind::preflight, proto::kind::deploy,
                               proto::kind::rollback, proto::kind::start,     proto::kind::stop,
                               proto::kind::restart,  proto::kind::remove};
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Result<Response> list(const Call& call, store::Store& store) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    OperationFilter filter;
    FAIRLEAD_TRY(environment, query_id<EnvironmentId>(call, "environment"));
    FAIRLEAD_TRY(server, query_id<ServerId>(call, "server"));
    FAIRLEAD_TRY(state, word(call, "state", [](auto text) {
                     return json::enum_from<State>(text).has_value();
                 }));
    FAIRLEAD_TRY(kind, word(call, "kind", known_kind));
    filter = {environment, server, state, kind, page.after, page.limit + 1};
    return store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(operations, repo.list(filter));
        boost::json::array items;
        for (const auto& operation : operations) {
            FAIRLEAD_TRY(steps, repo.steps(operation.id));
            items.push_back(to_json(operation, steps));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, store::Store& store) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    return store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(operation, repo.get(id));
        FAIRLEAD_TRY(steps, repo.steps(id));
        return api::answer(to_json(operation, steps));
    });
}

Result<Response> get_log(const Call& call, store::Store& store) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    FAIRLEAD_TRY(after, number("after", call.query("after"), 0, 9007199254740991));
    FAIRLEAD_TRY(limit, number("limit", call.query("limit"), 1, 1000));
    auto most = static_cast<std::int64_t>(limit.value_or(500));
    return store.read([&](store::Connection& db) -> Result<Response> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_CHECK(repo.get(id));
        FAIRLEAD_TRY(lines, repo.log(id, static_cast<std::int64_t>(after.value_or(0)), most + 1));
        boost::json::value next = nullptr;
        if (static_cast<std::int64_t>(lines.size()) > most) {
            lines.pop_back();
            next = lines.back().seq;
        }
        boost::json::array data;
        for (const auto& line : lines) data.push_back(to_json(line));
        return api::answer(boost::json::object{
            {"data", std::move(data)}, {"next_after", std::move(next)}});
    });
}

Result<Response> stream(const Call& call, store::Store& store, api::EventSink& events) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    auto header = call.request().header("last-event-id");
    auto last = header.empty() ? call.query("last_event_id") : std::optional(header);
    FAIRLEAD_TRY(seen, number("Last-Event-ID", last, 0, 9007199254740991));

    api::EventStream stream;
    // Before the read: what happens between the two is sent twice rather than never.
    stream.after = events.position();
    bool resumes = seen && events.can_resume(*seen);
    if (resumes) stream.after = seen;
    stream.org = call.scope().org();
    stream.operation = id;
    stream.session = call.principal().session;
    stream.permissions = call.principal().permissions;
    auto read = store.read([&](store::Connection& db) -> Result<> {
        OperationRepo repo(db, call.scope());
        FAIRLEAD_TRY(operation, repo.get(id));
        FAIRLEAD_TRY(steps, repo.steps(id));
        stream.ends = is_final(operation.state);
        if (!resumes || stream.ends) {
            FAIRLEAD_TRY(lines, repo.log(id, 0, max_log_lines));
            for (const auto& line : lines) stream.first += event_text("log", to_json(line));
        }
        stream.first += event_text("operation", to_json(operation, steps));
        return {};
    });
    FAIRLEAD_CHECK(std::move(read));
    Response response;
    response.content_type = "text/event-stream";
    response.events = std::move(stream);
    return response;
}

Result<Response> cancel(const Call& call, store::Store& store, Operations& operations) {
    FAIRLEAD_TRY(id, call.path_id<OperationId>("operation"));
    return store.write([&](store::UnitOfWork& unit) -> Result<Response> {
        FAIRLEAD_TRY(operation, operations.cancel(unit, call.scope(), call.actor(), id));
        FAIRLEAD_TRY(steps, OperationRepo(unit.db(), call.scope()).steps(id));
        return api::accepted(
            to_json(operation, steps), call.request().path.substr(0, call.request().path.rfind('/'))
        );
    });
}

} // namespace

Response accepted(const api::OrgScope& scope, const Operation& operation) {
    return api::accepted(
        to_json(operation, {}),
        fmt::format("/api/v1/orgs/{}/operations/{}", scope.org().str(), operation.id.str())
    );
}

void add_operation_routes(
    api::RouteTable& table, store::Store& store, api::EventSink& events, Operations& operations
) {
    std::string all(base);
    auto one = all + "/{operation}";
    table.add(api::Method::get, all, "operations.view", [&store](const Call& call) {
        return list(call, store);
    });
    table.add(api::Method::get, one, "operations.view", [&store](const Call& call) {
        return get(call, store);
    });
    table.add(api::Method::get, one + "/log", "operations.view", [&store](const Call& call) {
        return get_log(call, store);
    });
    table.add(
        api::Method::get, one + "/events", "operations.view",
        [&store, &events](const Call& call) { return stream(call, store, events); }
    );
    table.add(
        api::Method::post, one + "/cancel", "operations.cancel",
        [&store, &operations](const Call& call) { return cancel(call, store, operations); }
    );
}

} // namespace fairlead::operations
