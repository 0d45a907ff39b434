/// An organization with webhooks, a played outside, and a courier that goes when it is told to.
#pragma once

#include "../backups/fixture.hpp"

namespace fairlead::test {

struct HookWorld : BackupWorld {
    struct Made {
        std::string id, secret;
    };
    Made make(object body = {}) {
        if (!body.contains("url")) body["url"] = "https://hooks.example.org/a?token=t0p-secret";
        auto reply = world.in_org("POST", "/webhooks", std::move(body));
        REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
        return {str(reply.json.at("webhook").at("id")), reply.text("secret")};
    }
    static std::string path(const std::string& id, std::string below = "") {
        return "/webhooks/" + id + below;
    }
    Reply get(const std::string& id) { return world.in_org("GET", path(id)); }
    Reply test(const std::string& id) { return world.in_org("POST", path(id, "/test")); }
    array deliveries(const std::string& id, std::string query = "") {
        auto reply = world.in_org("GET", path(id, "/deliveries?limit=200" + query));
        REQUIRE(reply.status == 200);
        return reply.json.at("data").as_array();
    }
    boost::json::value delivery(const std::string& id, const std::string& delivery) {
        return world.in_org("GET", path(id, "/deliveries/" + delivery)).json;
    }
    /// Everything that is due.
    int carry() {
        int count = 0;
        while (world.core->courier.step()) ++count;
        return count;
    }
    static std::string header(const outbound::Request& request, std::string_view name) {
        return std::string(request.headers.get(name).value_or(""));
    }
    void announce(std::string type, std::string about = "srv_1") {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return world.core->queue.announce(
                unit, world.org, {std::move(type), std::move(about), {{"name", "x"}}}
            );
        }));
    }
    std::vector<std::string> sent_types() {
        std::vector<std::string> types;
        for (const auto& request : world.outbound.take())
            types.push_back(str(boost::json::parse(request.body).at("type")));
        return types;
    }
};

} // namespace fairlead::test
