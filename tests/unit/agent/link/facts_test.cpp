#include "agent/link/facts.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::link;

TEST_SUITE("agent/link/facts") {

    TEST_CASE("a connector that runs is asked, and one that does not is disconnected") {
        const std::string shown =
            "Id=fairlead-odoo@shop.service\nActiveState=active\nEnvironment=HOME=/x\n\n"
            "Id=fairlead-odoo@wiki.service\nActiveState=failed\nEnvironment=\n\n"
            "Id=fairlead-odoo@plain.service\nActiveState=active\n\n"
            "Id=fairlead-cloudflared@shop.service\nActiveState=active\n"
            "Environment=CONNECTOR_PORT=18069\n\n"
            "Id=fairlead-cloudflared@wiki.service\nActiveState=activating\n\n"
            "Id=fairlead-cloudflared@nobody.service\nActiveState=active\n\n"
            "Id=postgresql@15-main.service\nActiveState=active\n";
        proto::Facts facts;
        std::vector<std::string> asked;
        take_units(facts, shown, [&](const std::string& environment) {
            asked.push_back(environment);
            return "connected";
        });
        REQUIRE(facts.environments.size() == 3);
        CHECK(facts.environments[0].slug == "shop");
        CHECK(facts.environments[0].state == "running");
        CHECK(facts.environments[0].connector == "connected");
        CHECK(facts.environments[1].state == "failed");
        CHECK(facts.environments[1].connector == "disconnected");
        CHECK(facts.environments[2].connector.empty());
        CHECK(asked == std::vector<std::string>{"CONNECTOR_PORT=18069", ""});
        CHECK(facts.postgresql.running);
    }
}
