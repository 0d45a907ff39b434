#include "controller/environments/counts.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/members") {
    TEST_CASE("single permissions come with pro and roles of one's own with agency; a lower plan "
              "refuses more and keeps what is there [S-RBAC-15]") {
        Office office;
        auto id = office.role("Ops", {"servers.view"});
        auto bob = office.member("bob@example.org", id);
        auto eva = office.member("eva@example.org", "none");
        auto grant = [&] {
            return office.in(
                office.ann, "PUT", office.path(eva, "/adjustments"),
                {{"granted", {"servers.view"}}, {"withdrawn", boost::json::array()}}
            );
        };
        auto make = [&] {
            return office.in(
                office.ann, "POST", "/roles", {{"name", "More"}, {"permissions", {"servers.view"}}}
            );
        };
        CHECK(grant().status == 200);
        CHECK(office.in(eva, "GET", "/servers").status == 200);

        CHECK(office.in(office.ann, "PUT", "/plan", {{"plan", "pro"}}).status == 200);
        CHECK(grant().status == 200);
        for (const auto& refused :
             {make(), office.in(office.ann, "PATCH", "/roles/" + id, {{"name", "X"}}),
              office.in(office.ann, "PATCH", office.path(eva), {{"role", id}})}) {
            CHECK(refused.status == 403);
            CHECK(refused.code() == "plan_required");
            CHECK(refused.text("required_plan") == "agency");
        }
        CHECK(office.in(bob, "GET", "/servers").status == 200);

        CHECK(office.in(office.ann, "PUT", "/plan", {{"plan", "starter"}}).status == 200);
        auto refused = grant();
        CHECK(refused.code() == "plan_required");
        CHECK(refused.text("required_plan") == "pro");
        CHECK(office.in(eva, "GET", "/servers").status == 403);
        CHECK(office.in(bob, "GET", "/servers").status == 200);

        CHECK(office.in(office.ann, "PUT", "/plan", {{"plan", "agency"}}).status == 200);
        CHECK(office.in(eva, "GET", "/servers").status == 200);
        CHECK(make().status == 201);
    }

    TEST_CASE("only owners change the plan, and it is in the log [S-RBAC-13]") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        CHECK(office.in(adam, "GET", "/plan").status == 200);
        CHECK(office.in(adam, "PUT", "/plan", {{"plan", "free"}}).code() == "owner_required");
        auto changed = office.in(office.ann, "PUT", "/plan", {{"plan", "starter"}});
        CHECK(changed.status == 200);
        CHECK(changed.json.at("plan") == "starter");
        CHECK(office.acts().back() == "plan.change by ann@example.org");
        auto again = office.acts().size();
        CHECK(office.in(office.ann, "PUT", "/plan", {{"plan", "starter"}}).status == 200);
        CHECK(office.acts().size() == again);
        office.clock.advance(std::chrono::minutes(16));
        CHECK(
            office.in(office.ann, "PUT", "/plan", {{"plan", "free"}}).code() == "step_up_required"
        );
    }

    TEST_CASE("a plan that is full refuses one more, says which plan holds it, and deletes nothing"
    ) {
        Office office;
        auto server = office.add_server();
        auto project = office.project("One");
        office.project("Two");
        office.project("Three");
        for (int i = 0; i < 4; ++i) office.environment(project, server);
        office.set_plan(orgs::Plan::free);

        auto full = [&](const Reply& reply, std::string_view plan) {
            CHECK(reply.status == 403);
            CHECK(reply.code() == "plan_required");
            CHECK(reply.text("required_plan") == plan);
        };
        full(
            office.in(
                office.ann, "POST", "/projects",
                {{"name", "Four"},
                 {"odoo_version", "17.0"},
                 {"odoo_source", {{"url", "https://github.com/odoo/odoo"}, {"branch", "17.0"}}}}
            ),
            "starter"
        );
        full(
            office.in(
                office.ann, "POST", "/environments",
                {{"name", "five"},
                 {"project_id", project},
                 {"server_id", server.str()},
                 {"type", "staging"}}
            ),
            "starter"
        );
        auto token = office.in(office.ann, "POST", "/registration-tokens", {{"name", "token"}});
        auto second = office.call(
            "POST", "/api/v1/agent/enroll",
            {{"token", token.text("token")},
             {"csr", crypto::make_csr(crypto::P256Key::generate(), "agent")},
             {"name", "odoo-2"},
             {"facts", boost::json::object()}}
        );
        full(second, "starter");
        // The token's use went back, so it works when there is room.
        CHECK(
            office.in(office.ann, "GET", "/registration-tokens").json.at("data").at(0).at("uses") ==
            0
        );

        CHECK(office.in(office.ann, "GET", "/projects").json.at("data").as_array().size() == 3);
        auto plan = office.in(office.ann, "GET", "/plan");
        CHECK(plan.json.at("use").at("projects") == 3);
        CHECK(plan.json.at("use").at("environments") == 4);
        CHECK(plan.json.at("use").at("servers") == 1);
        CHECK(plan.json.at("plans").as_array().size() == 4);
        CHECK(plan.json.at("plans").at(0).at("limits").at("projects") == 2);
        CHECK(plan.json.at("plans").at(3).at("limits").at("projects").is_null());
    }

    TEST_CASE("open invitations take members' places") {
        Office office;
        office.set_plan(orgs::Plan::starter);
        auto link =
            office.in(office.ann, "POST", "/invitations", {{"role", "viewer"}, {"uses", 4}});
        CHECK(link.status == 201);
        CHECK(office.in(office.ann, "GET", "/plan").json.at("use").at("members") == 5);
        auto one_more = office.in(office.ann, "POST", "/invitations", {{"role", "viewer"}});
        CHECK(one_more.code() == "plan_required");
        CHECK(one_more.text("required_plan") == "pro");
        // The plan may be lower when it is accepted.
        office.set_plan(orgs::Plan::free);
        auto accept = [&](const Person& who) {
            return office.as(
                who, "POST", "/api/v1/invitations/accept", {{"token", link.text("token")}}
            );
        };
        CHECK(accept(office.person("bob@example.org")).status == 200);
        CHECK(accept(office.person("eva@example.org")).code() == "plan_required");
    }
}
