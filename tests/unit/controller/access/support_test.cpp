#include "../support/site.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// Ann owns an organization; Otto runs the installation.
struct Desk {
    Desk() {
        site.add_user("ann@example.org");
        site.add_user("otto@operator.example");
        REQUIRE(site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE app_user SET operator = 1 WHERE email = 'otto@operator.example'"
            );
        }));
        org = site.org_of("ann@example.org");
        sign_in(ann, "ann@example.org");
        sign_in(otto, "otto@operator.example");
    }
    void sign_in(Browser& browser, const std::string& email) {
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", email}, {"password", Site::password}}
            ).status == 200
        );
    }
    Reply grant(std::int64_t seconds = 3600) {
        return site.send(
            ann, "POST", path("/support-access"),
            {{"reason", "deploys hang"}, {"ticket", "T-1042"}, {"expires_in_s", seconds}}
        );
    }
    Reply look(Browser& browser) {
        return site.send(browser, "GET", "/api/v1/installation/orgs/" + org.str());
    }
    std::string path(const std::string& below) { return "/api/v1/orgs/" + org.str() + below; }
    boost::json::array looks() {
        return site.send(ann, "GET", path("/audit?action=support.look")).json.at("data").as_array();
    }

    Site site;
    Browser ann, otto;
    OrgId org;
};

} // namespace

TEST_SUITE("controller/access/support") {

    TEST_CASE("the operator sees metadata while an owner lets them, each look is logged "
              "[S-PRIV-07]") {
        Desk desk;
        CHECK(desk.look(desk.otto).code() == "support_not_granted");
        auto granted = desk.grant();
        REQUIRE(granted.status == 201);
        auto id = granted.json.at("id").as_string();

        auto seen = desk.look(desk.otto);
        REQUIRE(seen.status == 200);
        CHECK(seen.json.at("plan") == "agency");
        CHECK(seen.json.at("members") == 1);
        CHECK(seen.json.at("support_access").at("ticket") == "T-1042");
        CHECK(desk.look(desk.otto).status == 200);
        auto looks = desk.looks();
        REQUIRE(looks.size() == 2);
        CHECK(looks.at(0).at("actor").at("label") == "otto@operator.example");
        CHECK(looks.at(0).at("connect_session").as_string() == id);
        CHECK(looks.at(0).at("after").at("ticket") == "T-1042");
        auto list = desk.site.send(desk.otto, "GET", "/api/v1/installation/orgs");
        REQUIRE(list.json.at("data").as_array().size() == 1);

        desk.site.clock.advance(29min);
        CHECK(desk.look(desk.otto).status == 200);
        desk.site.clock.advance(29min);
        CHECK(desk.look(desk.otto).status == 200);
        desk.site.clock.advance(2min);
        CHECK(desk.look(desk.otto).code() == "support_not_granted");
        CHECK(desk.site.send(desk.otto, "GET", "/api/v1/installation/orgs")
                  .json.at("data")
                  .as_array()
                  .empty());
    }

    TEST_CASE("an owner ends it at once") {
        Desk desk;
        desk.grant(7 * 24 * 3600);
        CHECK(desk.look(desk.otto).status == 200);
        CHECK(desk.site.send(desk.ann, "DELETE", desk.path("/support-access")).status == 204);
        CHECK(desk.look(desk.otto).code() == "support_not_granted");
        CHECK(desk.site.send(desk.ann, "DELETE", desk.path("/support-access")).status == 204);
        auto list = desk.site.send(desk.ann, "GET", desk.path("/support-access"));
        CHECK(list.json.at("data").at(0).at("status") == "ended");
        CHECK(list.json.at("data").at(0).at("used_at").is_string());
        auto entries = desk.site.audited(desk.org);
        CHECK(std::count(entries.begin(), entries.end(), "support.end ok") == 1);
        CHECK(std::count(entries.begin(), entries.end(), "support.grant ok") == 1);
    }

    TEST_CASE("nobody but an operator looks, and nobody but an owner lets them") {
        Desk desk;
        desk.grant();
        CHECK(desk.look(desk.ann).code() == "operator_required");
        CHECK(
            desk.site.send(desk.ann, "GET", "/api/v1/installation/orgs").code() ==
            "operator_required"
        );
        CHECK(desk.looks().empty());
        REQUIRE(desk.site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE membership SET owner = 0 WHERE org_id = $1", desk.org);
        }));
        CHECK(desk.grant().code() == "owner_required");
        CHECK(
            desk.site.send(desk.ann, "DELETE", desk.path("/support-access")).code() ==
            "owner_required"
        );
        CHECK(desk.grant(8 * 24 * 3600).code() == "owner_required");
    }

    TEST_CASE("the installation's own log has what operators do, and what people do who are in no "
              "organization; operators alone read it") {
        Desk desk;
        const auto log = api::ScopeIssuer::installation().org();
        desk.grant();
        REQUIRE(desk.look(desk.otto).status == 200);
        CHECK(desk.site.audited(log).back() == "support.look ok");
        REQUIRE(desk.site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("DELETE FROM membership WHERE user_id = (SELECT id FROM app_user"
                                 " WHERE email = 'ann@example.org')");
        }));
        REQUIRE(
            desk.site.send(desk.ann, "PATCH", "/api/v1/account", {{"name", "Anna"}}).status == 200
        );
        const std::string path = "/api/v1/installation/audit";
        auto list = desk.site.send(desk.otto, "GET", path);
        REQUIRE(list.status == 200);
        const auto& newest = list.json.at("data").at(0);
        CHECK(newest.at("action") == "user.rename");
        CHECK(newest.at("actor").at("label") == "ann@example.org");
        auto entry = path + "/" + std::string(newest.at("id").as_string());
        CHECK(desk.site.send(desk.otto, "GET", entry + "/proof").status == 200);
        CHECK(desk.site.send(desk.otto, "GET", path + "/checkpoint").status == 200);
        CHECK(desk.site.send(desk.otto, "GET", path + "/export").status == 200);
        for (const auto& one : {path, path + "/checkpoint", path + "/export", entry})
            CHECK(desk.site.send(desk.ann, "GET", one).code() == "operator_required");
        // No organization can have its id.
        CHECK(
            desk.site.send(desk.otto, "GET", "/api/v1/orgs/" + log.str() + "/audit").status == 404
        );
    }

    TEST_CASE("it lasts seven days at most, and a new one takes the place of the old") {
        Desk desk;
        CHECK(desk.grant(7 * 24 * 3600 + 1).status == 400);
        CHECK(desk.grant().status == 201);
        CHECK(desk.grant(7 * 24 * 3600).status == 201);
        auto list = desk.site.send(desk.ann, "GET", desk.path("/support-access"));
        CHECK(list.json.at("data").at(0).at("status") == "open");
        CHECK(list.json.at("data").at(1).at("status") == "ended");
    }

    TEST_CASE("an operator has no other way in: without membership nothing is there "
              "[S-PRIV-06]") {
        Desk desk;
        desk.grant();
        for (auto below : {"", "/audit", "/events", "/api-keys", "/support-access"}) {
            CAPTURE(std::string(below));
            CHECK(desk.site.send(desk.otto, "GET", desk.path(below)).status == 404);
        }
        // What is seen holds names and states, and nothing of what runs.
        auto seen = desk.look(desk.otto);
        for (const auto& [name, value] : seen.json.as_object()) {
            CAPTURE(std::string(name));
            const std::set<std::string> known{"id",           "name",          "slug",   "plan",
                                              "created_at",   "members",       "counts", "servers",
                                              "environments", "support_access"};
            CHECK(known.contains(std::string(name)));
        }
    }

    TEST_CASE("where the log cannot be written, nothing is shown") {
        Desk desk;
        desk.grant();
        REQUIRE(desk.site.store->write([](store::UnitOfWork& unit) {
            return unit.db().run("CREATE TRIGGER log_down BEFORE INSERT ON audit_entry BEGIN "
                                 "SELECT RAISE(ABORT, 'the disk'); END");
        }));
        CHECK(desk.look(desk.otto).status == 500);
    }
}
