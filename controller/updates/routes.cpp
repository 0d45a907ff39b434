#include "controller/updates/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/page.hpp"
#include "controller/api/routes.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/operations/routes.hpp"
#include "controller/updates/view.hpp"

#include <fmt/core.h>

namespace fairlead::updates {
namespace {

using api::Call;
using api::Change;
using api::Response;
using fleet::ServerRepo;

constexpr std::int64_t most_soak_s = 7 * 24 * 60 * 60;

struct StageBody {
    Labels labels;
};
BOOST_DESCRIBE_STRUCT(StageBody, (), (labels))

struct BeginBody {
    std::optional<std::string> version;
    std::vector<StageBody> stages;
    std::int64_t soak_s = 0;
};
BOOST_DESCRIBE_STRUCT(BeginBody, (), (version, stages, soak_s))

struct UpdateBody {
    std::optional<std::string> version;
};
BOOST_DESCRIBE_STRUCT(UpdateBody, (), (version))

/// What is handed out now, if it is what the caller has seen.
Result<install::Offer> offered(const Updates& updates, const std::optional<std::string>& version) {
    FAIRLEAD_TRY(offer, updates.parts().packages.offer());
    if (version && *version != offer.version)
        return api::conflict(
            "version_changed",
            fmt::format(
                "This controller hands out the agent {} now, not {}. Look at it again.",
                offer.version, version->substr(0, 60)
            )
        );
    return offer;
}

Result<Response> package(const Call&, Updates& updates) {
    FAIRLEAD_TRY(there, updates.parts().packages.offer());
    return api::answer(to_json(there));
}

Result<Response> update(const Call& call, Updates& updates) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    UpdateBody wanted;
    if (!call.request().body.empty()) {
        FAIRLEAD_TRY(body, call.body<UpdateBody>());
        wanted = std::move(body);
    }
    FAIRLEAD_TRY(there, offered(updates, wanted.version));
    return api::change(call, updates.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(operation, updates.update(change, server, there));
        return operations::accepted(change.scope(), operation);
    });
}

Result<Response> list(const Call& call, Updates& updates) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return updates.parts().store.read([&](store::Connection& db) -> Result<Response> {
        RolloutRepo repo(db, call.scope());
        FAIRLEAD_TRY(rows, repo.list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) {
            FAIRLEAD_TRY(counts, repo.counts(row.id));
            items.push_back(to_json(row, counts));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<boost::json::object> whole(store::Connection& db, const Call& call, const Rollout& rollout) {
    RolloutRepo repo(db, call.scope());
    FAIRLEAD_TRY(counts, repo.counts(rollout.id));
    return to_json(rollout, counts);
}

Result<Response> get(const Call& call, Updates& updates) {
    FAIRLEAD_TRY(id, call.path_id<RolloutId>("rollout"));
    return updates.parts().store.read([&](store::Connection& db) -> Result<Response> {
        RolloutRepo repo(db, call.scope());
        FAIRLEAD_TRY(rollout, repo.get(id));
        FAIRLEAD_TRY(body, whole(db, call, rollout));
        FAIRLEAD_TRY(members, repo.members(id));
        boost::json::array servers;
        for (const auto& member : members) servers.push_back(to_json(member));
        body["servers"] = std::move(servers);
        return api::answer(std::move(body));
    });
}

Result<Response> begin(const Call& call, Updates& updates) {
    FAIRLEAD_TRY(body, call.body<BeginBody>());
    api::Checks checks;
    checks.that(
        static_cast<std::int64_t>(body.stages.size()) <= max_stages, "stages",
        fmt::format("must be at most {}", max_stages)
    );
    Wanted wanted;
    for (std::size_t i = 0; i < body.stages.size() && i < max_stages; ++i) {
        auto field = fmt::format("stages[{}].labels", i);
        checks.that(!body.stages[i].labels.empty(), field, "must name a label");
        fleet::check_labels(checks, field, body.stages[i].labels);
        wanted.stages.push_back(body.stages[i].labels);
    }
    checks.that(
        body.soak_s >= 0 && body.soak_s <= most_soak_s, "soak_s",
        fmt::format("must be from 0 to {}", most_soak_s)
    );
    wanted.soak_s = body.soak_s;
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_TRY(there, offered(updates, body.version));
    return api::change(call, updates.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(rollout, updates.begin(change, there, wanted));
        FAIRLEAD_TRY(answer, whole(change.db(), call, rollout));
        return api::answer(std::move(answer), 201);
    });
}

template <Result<Rollout> (Updates::*act)(Change&, const RolloutId&)>
Result<Response> acted(const Call& call, Updates& updates) {
    FAIRLEAD_TRY(id, call.path_id<RolloutId>("rollout"));
    return api::change(call, updates.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(rollout, (updates.*act)(change, id));
        FAIRLEAD_TRY(answer, whole(change.db(), call, rollout));
        return api::answer(std::move(answer));
    });
}

} // namespace

void add_routes(api::RouteTable& table, Updates& updates) {
    api::Routes servers(table, updates, "/api/v1/orgs/{org}/servers");
    servers.post("/{server}/update-agent", "servers.update_agent", &update);
    api::Routes package_routes(table, updates, "/api/v1/orgs/{org}/agent-package");
    package_routes.get("", "servers.view", &package);
    api::Routes rollouts(table, updates, "/api/v1/orgs/{org}/agent-rollouts");
    rollouts.get("", "servers.view", &list);
    rollouts.post("", "servers.update_agent", &begin);
    rollouts.get("/{rollout}", "servers.view", &get);
    rollouts.post("/{rollout}/pause", "servers.update_agent", &acted<&Updates::pause>);
    rollouts.post("/{rollout}/resume", "servers.update_agent", &acted<&Updates::resume>);
    rollouts.post("/{rollout}/cancel", "servers.update_agent", &acted<&Updates::cancel>);
}

} // namespace fairlead::updates
