#include "../support/site.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// A member of an organization with routes that ask for this and that.
struct Fixture {
    explicit Fixture(const std::string& role = "admin", bool owner = false) {
        auto fine = [](const api::Call&) -> Result<api::Response> { return api::no_content(); };
        using enum api::Method;
        site.table.add(post, "/api/v1/orgs/{org}/t/open", "org.view", fine);
        site.table.add(post, "/api/v1/orgs/{org}/t/owner", "owner", fine);
        site.table.add(post, "/api/v1/orgs/{org}/t/key", "org.view", fine, {.feature = "api"});
        site.table.add(post, "/api/v1/orgs/{org}/t/step", "org.view", fine, {.step_up = true});
        site.add_user("ann@example.org", role, owner);
        org = site.org_of("ann@example.org");
        sign_in();
    }
    void sign_in() {
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", "ann@example.org"}, {"password", Site::password}}
            ).status == 200
        );
    }
    void change(store::Sql sql) {
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) { return unit.db().run(sql, org); })
        );
    }
    Reply send(std::string what) {
        return site.send(browser, "POST", "/api/v1/orgs/" + org.str() + "/t/" + what);
    }
    Site site;
    Browser browser;
    OrgId org;
};

} // namespace

TEST_SUITE("controller/access/rules") {

    TEST_CASE("what belongs to owners is in no role [S-RBAC-10]") {
        CHECK(Fixture("admin", true).send("owner").status == 204);
        CHECK(Fixture("viewer", true).send("owner").status == 204);
        Fixture admin;
        CHECK(admin.send("open").status == 204);
        CHECK(admin.send("owner").code() == "owner_required");
    }

    TEST_CASE("a plan that lacks a feature is told, with the one that has it") {
        Fixture fixture;
        CHECK(fixture.send("key").status == 204);
        fixture.change("UPDATE org SET plan = 'free' WHERE id = $1");
        auto reply = fixture.send("key");
        CHECK(reply.status == 403);
        CHECK(reply.code() == "plan_required");
        CHECK(reply.json.at("required_plan") == "starter");
    }

    TEST_CASE("the proof of a sign-in counts for fifteen minutes") {
        Fixture fixture;
        CHECK(fixture.send("step").status == 204);
        fixture.site.clock.advance(15min);
        CHECK(fixture.send("step").code() == "step_up_required");
        CHECK(fixture.send("open").status == 204);
        auto session = fixture.site.sessions.use(fixture.browser.cookie, fixture.site.clock.now());
        auto token = fixture.site.store->write([&](store::UnitOfWork& unit) {
            return fixture.site.sessions.elevate(
                unit, session->user_id, session->id, false, fixture.site.clock.now()
            );
        });
        CHECK(fixture.send("open").status == 401); // the token from before
        fixture.browser.cookie = token->reveal();
        CHECK(fixture.send("step").status == 204);
    }

    TEST_CASE("an organization that asks for a second factor or a provider lets no other session "
              "in, and says which") {
        Fixture fixture;
        fixture.change("INSERT INTO org_setting (org_id, two_factor_required) VALUES ($1, 1)");
        CHECK(fixture.send("open").code() == "second_factor_required_here");
        fixture.change("UPDATE org_setting SET two_factor_required = 0, sso_required = 'corp'"
                       " WHERE org_id = $1");
        auto reply = fixture.send("open");
        CHECK(reply.code() == "sso_required");
        CHECK(reply.json.at("provider") == "corp");
        fixture.change("UPDATE org_setting SET sso_required = '' WHERE org_id = $1");
        CHECK(fixture.send("open").status == 204);
    }

    TEST_CASE("an organization that names addresses is entered from nowhere else") {
        Fixture fixture;
        fixture.change("INSERT INTO org_setting (org_id, addresses) VALUES ($1, "
                       "'[\"192.0.2.0/28\"]')");
        CHECK(fixture.send("open").status == 204);
        fixture.browser.address = "192.0.2.16";
        CHECK(fixture.send("open").code() == "address_not_allowed");
    }

    TEST_CASE("a custom role is read by its id, and one of another organization is none") {
        Fixture fixture("rol_01J00000000000000000000000");
        CHECK(fixture.send("open").status == 403);
        fixture.change("INSERT INTO role (id, org_id, name, permissions, created_ms) VALUES "
                       "('rol_01J00000000000000000000000', $1, 'Guests', '[\"org.view\"]', 0)");
        CHECK(fixture.send("open").status == 204);
        fixture.site.add_user("bob@example.org");
        auto other = fixture.site.org_of("bob@example.org");
        REQUIRE(fixture.site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE role SET org_id = $1", other);
        }));
        CHECK(fixture.send("open").status == 403);
    }
}
