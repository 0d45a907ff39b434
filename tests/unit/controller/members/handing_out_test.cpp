#include "controller/access/permissions.hpp"
#include "controller/members/handing_out.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/members") {
    TEST_CASE(
        "nobody hands out more than they hold: by a role, a grant, a limit that is lifted, an "
        "invitation, or a role that is made or changed"
    ) {
        Office office;
        auto chief = office.role(
            "Chief", {"members.view", "members.edit", "members.adjust", "members.limit",
                      "members.remove", "invitations.create", "roles.view", "roles.create",
                      "roles.edit", "projects.view", "environments.view"}
        );
        auto eva = office.member("eva@example.org", chief);
        auto bob = office.member("bob@example.org", "none");
        auto refused = [&](const Reply& reply) {
            CHECK(reply.status == 403);
            CHECK(reply.code() == "permission_not_held");
        };
        refused(office.in(eva, "PATCH", office.path(bob), {{"role", "viewer"}}));
        refused(office.in(eva, "PATCH", office.path(eva), {{"role", "admin"}}));
        CHECK(office.in(eva, "PATCH", office.path(bob), {{"role", chief}}).status == 200);
        auto adjust = [&](const Person& whom, boost::json::array granted) {
            return office.in(
                eva, "PUT", office.path(whom, "/adjustments"),
                {{"granted", std::move(granted)}, {"withdrawn", boost::json::array()}}
            );
        };
        refused(adjust(bob, {"servers.revoke"}));
        refused(adjust(eva, {"servers.revoke"}));
        CHECK(adjust(bob, {"environments.view"}).status == 200);

        refused(office.in(eva, "POST", "/invitations", {{"role", "developer"}}));
        CHECK(office.in(eva, "POST", "/invitations", {{"role", chief}}).status == 201);
        refused(
            office.in(eva, "POST", "/roles", {{"name", "Big"}, {"permissions", {"servers.revoke"}}})
        );
        auto made =
            office.in(eva, "POST", "/roles", {{"name", "Small"}, {"permissions", {"roles.view"}}});
        REQUIRE(made.status == 201);
        refused(office.in(
            eva, "PATCH", "/roles/" + made.id(), {{"permissions", {"roles.view", "audit.view"}}}
        ));
        refused(office.in(
            eva, "PATCH", "/roles/" + chief, {{"permissions", {"members.edit", "audit.view"}}}
        ));

        // Dan is an admin for one project; without the limit he would be one for all.
        auto dan = office.member("dan@example.org", "admin");
        auto project = office.project("Shop");
        office.in(office.ann, "PUT", office.path(dan, "/projects"), {{"projects", {project}}});
        refused(office.in(eva, "PUT", office.path(dan, "/projects"), {{"projects", nullptr}}));
        // A role that the limit hides is handed out all the same.
        office.in(office.ann, "PUT", office.path(bob, "/projects"), {{"projects", {project}}});
        refused(office.in(eva, "PATCH", office.path(bob), {{"role", "admin"}}));
        // Taking away is no handing out.
        CHECK(office.in(eva, "PATCH", office.path(dan), {{"role", "none"}}).status == 200);
    }

    TEST_CASE("giving back what was withdrawn is handing it out") {
        orgs::Standing before;
        before.role = "viewer";
        before.withdrawn = R"(["servers.view"])";
        auto after = before;
        after.withdrawn = "[]";
        CHECK(members::gained(before, after) == access::Rights{"servers.view"});
        CHECK(members::gained(after, before).empty());
        auto owner = before;
        owner.owner = true;
        CHECK(members::gained(before, owner).contains("servers.revoke"));
    }

    TEST_CASE("only owners touch owners") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        for (const auto& reply :
             {office.in(adam, "PATCH", office.path(office.ann), {{"role", "viewer"}}),
              office.in(adam, "DELETE", office.path(office.ann)),
              office.in(
                  adam, "PUT", office.path(office.ann, "/adjustments"),
                  {{"granted", boost::json::array()}, {"withdrawn", {"org.edit"}}}
              ),
              office.in(
                  adam, "PUT", office.path(office.ann, "/connect-as"), {{"allowed", false}}
              )}) {
            CHECK(reply.status == 403);
            CHECK(reply.code() == "owner_required");
        }
        CHECK(
            office.in(office.ann, "PATCH", office.path(office.ann), {{"role", "viewer"}}).status ==
            200
        );
    }

    TEST_CASE("ownership is a flag: it survives a role change, and all permissions are not it "
              "[S-RBAC-10]") {
        Office office;
        office.in(office.ann, "PATCH", office.path(office.ann), {{"role", "none"}});
        auto self = office.in(office.ann, "GET", office.path(office.ann));
        CHECK(self.json.at("owner") == true);
        CHECK(self.json.at("role") == "none");
        CHECK(office.in(office.ann, "PUT", "/plan", {{"plan", "pro"}}).status == 200);
        office.set_plan(orgs::Plan::agency);

        std::vector<std::string> all;
        for (const auto& one : access::permissions()) all.emplace_back(one.code);
        auto max = office.member("max@example.org", office.role("Everything", all));
        CHECK(office.in(max, "GET", office.path(max)).json.at("owner") == false);
        auto refused = office.in(max, "PUT", "/plan", {{"plan", "pro"}});
        CHECK(refused.status == 403);
        CHECK(refused.code() == "owner_required");
    }

    TEST_CASE("only owners hand ownership over, and it is in the log [S-RBAC-11]") {
        Office office;
        std::vector<std::string> all;
        for (const auto& one : access::permissions()) all.emplace_back(one.code);
        auto max = office.member("max@example.org", office.role("Everything", all));
        auto adam = office.member("adam@example.org", "admin");
        for (const auto& who : {max, adam}) {
            CHECK(office.in(who, "POST", office.path(who, "/owner")).code() == "owner_required");
            CHECK(
                office.in(who, "DELETE", office.path(office.ann, "/owner")).code() ==
                "owner_required"
            );
        }
        CHECK(office.in(office.ann, "POST", office.path(adam, "/owner")).status == 200);
        CHECK(office.acts().back() == "owner.add by ann@example.org");
        CHECK(office.in(office.ann, "DELETE", office.path(office.ann, "/owner")).status == 200);
        CHECK(office.acts().back() == "owner.remove by ann@example.org");
        CHECK(office.in(office.ann, "POST", office.path(max, "/owner")).code() == "owner_required");
        // The last one stays.
        CHECK(office.in(adam, "DELETE", office.path(adam, "/owner")).code() == "last_owner");
        CHECK(office.in(adam, "DELETE", office.path(adam)).code() == "last_owner");
    }

    TEST_CASE("handing ownership over asks for a fresh proof") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        office.clock.advance(std::chrono::minutes(16));
        auto refused = office.in(office.ann, "POST", office.path(adam, "/owner"));
        CHECK(refused.code() == "step_up_required");
    }
}
