#include "common/crypto/encoding.hpp"
#include "connect_fixture.hpp"
#include "controller/access/permissions.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

TEST_SUITE("controller/access/connect") {

    TEST_CASE("an agency's member works in a client's organization by a redeemed grant") {
        Agency a;
        CHECK(a.look().status == 404);
        a.enter();
        CHECK(a.look().status == 200);
        CHECK(a.deploy().status == 204);
        CHECK(a.limit.empty());
        auto own = a.site.send(a.gina, "GET", "/api/v1/connect");
        REQUIRE(own.status == 200);
        CHECK(own.json.at("org").at("id").as_string() == a.client.str());
        CHECK(own.json.at("connect_session").at("reason") == "the invoices do not print");
        // By the header alone, too, and in no other browser.
        auto cookie = std::exchange(a.gina.connect, "");
        CHECK(a.look().status == 404);
        a.gina.headers = {{"x-fairlead-connect", cookie}};
        CHECK(a.look().status == 200);
        // At home she is who she was.
        a.gina.headers.clear();
        CHECK(a.site.send(a.gina, "GET", a.in(a.agency)).status == 200);
    }

    TEST_CASE("without a grant of the client there is no way in [S-CONN-02]") {
        Agency a;
        CHECK(a.redeem(GrantId::make(a.site.clock.now()).str()).status == 404);
        auto id = a.grant({{"note", "for the migration"}});
        auto given = a.site.send(a.cleo, "GET", a.in(a.client, "/connect/grants/" + id));
        CHECK(given.json.at("side") == "given");
        CHECK(given.json.at("agency").at("id").as_string() == a.agency.str());
        CHECK(given.json.at("role").at("name") == "developer");
        CHECK(given.json.at("projects").is_null());
        CHECK(given.json.at("expires_at").is_string());
        auto received = a.site.send(a.gina, "GET", a.in(a.agency, "/connect/received"));
        CHECK(received.json.at("data").at(0).at("side") == "received");
        CHECK(received.json.at("data").at(0).at("id").as_string() == id);

        // It is this agency's alone: another one, and the client itself, cannot redeem it.
        a.site.add_user("eve@other.example");
        Browser eve;
        a.sign_in(eve, "eve@other.example");
        auto other = a.site.org_of("eve@other.example");
        auto below = "/connect/grants/" + id + "/redeem";
        CHECK(a.site.send(eve, "POST", a.in(other, below), {{"reason", "x"}}).status == 404);
        CHECK(a.site.send(a.cleo, "POST", a.in(a.client, below), {{"reason", "x"}}).status == 404);
        CHECK(a.count("SELECT count(*) FROM connect_session") == 0);
        // Nor is it any more when its time is over.
        a.site.clock.advance(std::chrono::hours(30 * 24));
        for (auto* browser : {&a.gina, &a.cleo}) browser->cookie.clear();
        a.sign_in(a.gina, "gina@agency.example");
        CHECK(a.redeem(id).code() == "connect_grant_over");
    }

    TEST_CASE("a grant says whom, what and how long") {
        Agency a;
        auto day = 24 * 3600;
        struct {
            const char* field;
            boost::json::object body;
        } rows[] = {
            {"agency", {{"agency", "nobody-here"}}},
            {"agency", {{"agency", a.client.str()}}},
            {"role", {{"role", "boss"}}},
            {"role", {{"role", "admin"}, {"permissions", {"org.view"}}}},
            {"permissions", {{"permissions", {"members.edit"}}}},
            {"permissions", {{"permissions", {"made.up"}}}},
            {"projects", {{"projects", {ProjectId::make(a.site.clock.now()).str()}}}},
            {"expires_in_s", {{"expires_in_s", 10 * 366 * day}}},
        };
        for (const auto& row : rows) {
            CAPTURE(boost::json::serialize(row.body));
            auto reply = a.offer(row.body);
            CHECK(reply.status == 400);
            CHECK(reply.json.at("errors").at(0).at("field") == row.field);
        }
        CHECK(a.count("SELECT count(*) FROM connect_grant") == 0);
        CHECK(a.offer({{"agency", "org-of-gus-agency-example"}}).status == 201);

        a.change(
            "UPDATE membership SET owner = 0, withdrawn = '[\"deployments.create\"]' WHERE "
            "org_id = $1",
            a.client
        );
        auto above = a.offer();
        CHECK(above.code() == "permission_denied");
        CHECK(above.json.at("permission") == "deployments.create");
    }

    TEST_CASE("a grant gives what its role says, and nothing about who belongs where") {
        Agency a;
        a.enter({{"role", "admin"}});
        for (auto below :
             {"/api-keys", "/connect/grants", "/connect/sessions", "/support-access"}) {
            CAPTURE(std::string(below));
            CHECK(a.site.send(a.gina, "GET", a.in(a.client, below)).code() == "permission_denied");
        }
        CHECK(a.site.send(a.gina, "GET", a.in(a.client, "/audit")).status == 200);
        CHECK(
            a.site
                .send(
                    a.gina, "POST", a.in(a.client, "/support-access"),
                    {{"reason", "x"}, {"expires_in_s", 3600}}
                )
                .code() == "owner_required"
        );
        auto may = access::connect_permissions();
        for (auto area :
             {"members.", "invitations.", "roles.", "api_keys.", "security.", "connect.", "plan.",
              "support."})
            CHECK(std::none_of(may.begin(), may.end(), [&](const auto& code) {
                return code.starts_with(area);
            }));
        CHECK(may.contains("deployments.create"));
        // Who works for others logs in to their Odoo only where they say so.
        CHECK(may.contains("odoo.login"));
        CHECK(access::permissions_of("admin").contains("odoo.login"));
        CHECK_FALSE(access::granted("admin", std::nullopt, "[]", false).contains("odoo.login"));
        CHECK(access::granted("", std::nullopt, R"(["odoo.login"])", true).contains("odoo.login"));
        CHECK(access::granted("ours", R"(["odoo.login"])", "[]", false).contains("odoo.login"));

        Agency b;
        b.enter({{"permissions", {"org.view"}}});
        CHECK(b.look().status == 200);
        CHECK(b.deploy().code() == "permission_denied");
        Agency c;
        c.change(
            "INSERT INTO role (id, org_id, name, permissions, created_ms) VALUES ('rol_x', $1, "
            "'Helper', '[\"org.view\"]', 0)",
            c.client
        );
        c.enter({{"role", "rol_x"}});
        CHECK(c.look().status == 200);
        CHECK(c.deploy().code() == "permission_denied");
        c.change("DELETE FROM role WHERE id = 'rol_x'");
        CHECK(c.look().code() == "permission_denied");
    }

    TEST_CASE("a grant that names projects limits to them") {
        Agency a;
        auto project = ProjectId::make(a.site.clock.now());
        a.site.projects = {project};
        a.enter({{"role", "admin"}, {"projects", {project.str()}}});
        CHECK(a.deploy().status == 204);
        CHECK(a.limit == a.last_grant);
        CHECK(a.site.send(a.gina, "GET", a.in(a.client, "/audit")).code() == "permission_denied");
    }

    TEST_CASE("the token is signed, names both organizations and the user, and is no use altered "
              "[S-CONN-03]") {
        Agency a;
        a.enter();
        auto dot = a.token.rfind('.');
        auto claims = crypto::base64url_decode(a.token.substr(4, dot - 4)).value();
        auto stated = boost::json::parse(claims).as_object();
        CHECK(stated.at("user").as_string() == a.gina_id.str());
        CHECK(stated.at("source").as_string() == a.agency.str());
        CHECK(stated.at("target").as_string() == a.client.str());
        CHECK(stated.at("grant").as_string() == a.last_grant);

        auto show = [&](const std::string& token) {
            a.gina.connect.clear();
            a.gina.headers = {{"x-fairlead-connect", token}};
            return a.look();
        };
        CHECK(show(a.token).status == 200);
        stated["expires"] = stated.at("expires").as_int64() + 3'600'000;
        auto signature = a.token.substr(dot);
        auto longer = "flc_" + crypto::base64url_encode(boost::json::serialize(stated)) + signature;
        auto flipped = a.token;
        flipped[flipped.size() - 20] = flipped[flipped.size() - 20] == 'A' ? 'B' : 'A';
        auto forged =
            a.token.substr(0, dot + 1) +
            crypto::base64url_encode(crypto::SigningKey::generate().sign(a.token.substr(0, dot)));
        for (const auto& token :
             {longer, flipped, forged, a.token.substr(0, dot), a.token + "A", std::string("flc_."),
              std::string(2000, 'x')}) {
            auto reply = show(token);
            CHECK(reply.status == 401);
            CHECK(reply.code() == "connect_invalid");
        }
    }

    TEST_CASE("a token counts in the session that it was made in, and nowhere else") {
        Agency a;
        a.enter();
        a.gus.headers = {{"x-fairlead-connect", a.token}};
        CHECK(a.site.send(a.gus, "GET", a.in(a.client)).code() == "connect_invalid");
        Browser elsewhere;
        a.sign_in(elsewhere, "gina@agency.example");
        elsewhere.headers = {{"x-fairlead-connect", a.token}};
        CHECK(a.site.send(elsewhere, "GET", a.in(a.client)).code() == "connect_invalid");
        Browser nobody;
        nobody.headers = {{"x-fairlead-connect", a.token}};
        CHECK(a.site.send(nobody, "GET", a.in(a.client)).status == 401);
        // It opens no other client either.
        a.site.add_user("eve@other.example");
        CHECK(a.site.send(a.gina, "GET", a.in(a.site.org_of("eve@other.example"))).status == 404);
    }

    TEST_CASE("after an hour it is over, in the middle of the work [S-CONN-04]") {
        Agency a;
        auto id = a.enter();
        auto stream = a.site.send(a.gina, "GET", a.in(a.client, "/events"));
        REQUIRE(stream.events);
        CHECK(stream.events->lasts == 60min);
        a.site.clock.advance(29min);
        CHECK(a.deploy().status == 204);
        a.site.clock.advance(29min);
        CHECK(a.deploy().status == 204);
        a.site.clock.advance(2min);
        auto late = a.deploy();
        CHECK(late.status == 401);
        CHECK(late.code() == "connect_ended");
        CHECK(a.site.send(a.gina, "GET", a.in(a.agency)).status == 200);
        CHECK(a.site.send(a.gina, "GET", "/api/v1/connect").code() == "no_connect_session");
        // A grant that ends sooner ends it sooner.
        Agency b;
        auto grant = b.grant({{"expires_in_s", 3600}});
        b.site.clock.advance(29min);
        CHECK(b.look().status == 404);
        b.site.clock.advance(29min);
        b.sign_in(b.gina, "gina@agency.example");
        REQUIRE(b.redeem(grant).status == 201);
        CHECK(b.look().status == 200);
        b.site.clock.advance(2min);
        CHECK(b.look().code() == "connect_ended");
    }

    TEST_CASE("a revoked grant ends its sessions with the next request [S-CONN-05]") {
        Agency a;
        auto id = a.enter();
        auto stream = a.site.send(a.gina, "GET", a.in(a.client, "/events"));
        REQUIRE(stream.events);
        CHECK(std::count(stream.events->bonds.begin(), stream.events->bonds.end(), id) == 1);
        CHECK(
            a.site.send(a.cleo, "DELETE", a.in(a.client, "/connect/grants/" + a.last_grant))
                .status == 204
        );
        auto next = a.look();
        CHECK(next.status == 401);
        CHECK(next.code() == "connect_ended");
        CHECK(a.streams_ended(id));
        CHECK(a.redeem(a.last_grant).code() == "connect_grant_over");
        // The agency can let go as well.
        Agency b;
        b.enter();
        CHECK(
            b.site.send(b.gus, "DELETE", b.in(b.agency, "/connect/grants/" + b.last_grant))
                .status == 204
        );
        CHECK(b.look().code() == "connect_ended");
    }

    TEST_CASE("owners of both sides see every session and end any at any time [S-CONN-12]") {
        Agency a;
        auto id = a.enter();
        for (auto [browser, org, side] :
             {std::tuple(&a.cleo, a.client, "given"), std::tuple(&a.gus, a.agency, "received")}) {
            auto list =
                a.site.send(*browser, "GET", a.in(org, "/connect/sessions") + "?state=open");
            REQUIRE(list.json.at("data").as_array().size() == 1);
            CHECK(list.json.at("data").at(0).at("id").as_string() == id);
            CHECK(list.json.at("data").at(0).at("side") == side);
            CHECK(list.json.at("data").at(0).at("user").at("email") == "gina@agency.example");
        }
        auto end = [&](Browser& browser, const OrgId& org, const std::string& session) {
            return a.site.send(browser, "POST", a.in(org, "/connect/sessions/" + session + "/end"))
                .status;
        };
        CHECK(end(a.cleo, a.client, id) == 204);
        CHECK(a.look().code() == "connect_ended");
        CHECK(a.streams_ended(id));
        CHECK(end(a.cleo, a.client, id) == 204);
        auto again = a.redeem(a.last_grant);
        auto second = std::string(again.json.at("connect_session").at("id").as_string());
        CHECK(a.look().status == 200);
        CHECK(end(a.gus, a.agency, second) == 204);
        CHECK(a.look().code() == "connect_ended");
        // Not others'.
        a.site.add_user("eve@other.example");
        Browser eve;
        a.sign_in(eve, "eve@other.example");
        CHECK(end(eve, a.site.org_of("eve@other.example"), second) == 404);
    }

    TEST_CASE("either organization's switch ends what is open and lets nothing begin "
              "[S-CONN-11]") {
        for (bool at_agency : {true, false}) {
            CAPTURE(at_agency);
            Agency a;
            auto id = a.enter();
            const auto& org = at_agency ? a.agency : a.client;
            a.change("INSERT INTO org_setting (org_id, connect_as_enabled) VALUES ($1, 0)", org);
            CHECK(a.look().code() == "connect_ended");
            CHECK(a.redeem(a.last_grant).code() == "connect_switched_off");
            REQUIRE(a.site.connect.tidy(a.site.clock.now()));
            CHECK(a.streams_ended(id));
            CHECK(a.log(a.client).at(0).at("action") == "connect.end");
            // On again, the old session stays ended.
            a.change("UPDATE org_setting SET connect_as_enabled = 1 WHERE org_id = $1", org);
            CHECK(a.look().code() == "connect_ended");
            CHECK(a.redeem(a.last_grant).status == 201);
        }
    }

    TEST_CASE("a membership can be kept from Connect-As [S-CONN-13]") {
        Agency a;
        a.enter();
        a.change("UPDATE membership SET connect_as = 0 WHERE user_id = $1", a.gina_id);
        CHECK(a.look().code() == "connect_ended");
        CHECK(a.redeem(a.last_grant).code() == "connect_restricted");
        // And nobody from outside acts on members of the client.
        for (const auto& permission : access::permissions())
            if (permission.code.starts_with("members."))
                CHECK(!access::connect_permissions().contains(permission.code));
        a.change("UPDATE membership SET connect_as = 1 WHERE user_id = $1", a.gina_id);
        CHECK(a.redeem(a.last_grant).status == 201);
        CHECK(a.look().status == 200);
    }

    TEST_CASE("what somebody is at home counts for each request abroad") {
        Agency a;
        a.enter();
        a.change("UPDATE membership SET role = 'viewer' WHERE user_id = $1", a.gina_id);
        CHECK(a.look().code() == "connect_ended");
        a.change("UPDATE membership SET role = 'developer' WHERE user_id = $1", a.gina_id);
        CHECK(a.look().status == 200);
        a.change("UPDATE org SET plan = 'pro' WHERE id = $1", a.agency);
        CHECK(a.look().code() == "plan_required");
        CHECK(a.redeem(a.last_grant).code() == "plan_required");
        a.change("UPDATE org SET plan = 'agency' WHERE id = $1", a.agency);
        a.change(
            "INSERT INTO org_setting (org_id, addresses) VALUES ($1, '[\"203.0.113.0/24\"]')",
            a.client
        );
        CHECK(a.look().code() == "address_not_allowed");
        a.gina.address = "203.0.113.9";
        CHECK(a.look().status == 200);
        a.change("DELETE FROM membership WHERE user_id = $1", a.gina_id);
        CHECK(a.look().code() == "connect_ended");
    }

    TEST_CASE("signing out ends what was open, and leaving does") {
        Agency a;
        auto id = a.enter();
        CHECK(a.site.send(a.gina, "DELETE", "/api/v1/session").status == 204);
        CHECK(a.streams_ended(id));
        for (const auto& org : {a.client, a.agency})
            CHECK(
                a.log(org, "?connect_session=" + id).at(0).at("after").at("because") == "signed_out"
            );

        Agency b;
        b.enter();
        CHECK(b.site.send(b.gina, "DELETE", "/api/v1/connect").status == 204);
        CHECK(b.gina.connect.empty());
        b.gina.connect = b.token;
        CHECK(b.look().code() == "connect_ended");
        CHECK(b.site.send(b.gina, "DELETE", "/api/v1/connect").status == 204);
    }

    TEST_CASE("a key makes no grants and redeems none, and a member is not a visitor") {
        Agency a;
        a.enter();
        // Cleo's own session with somebody's token is refused rather than taken for a member's.
        a.cleo.headers = {{"x-fairlead-connect", a.token}};
        CHECK(a.site.send(a.cleo, "GET", a.in(a.client)).code() == "connect_invalid");
        a.cleo.headers.clear();
        // Gina becomes a member: the cookie is of no matter, the header is.
        a.change(
            "INSERT INTO membership (org_id, user_id, role, owner, created_ms) VALUES ($1, $2, "
            "'viewer', 0, 0)",
            a.client, a.gina_id
        );
        CHECK(a.deploy().code() == "permission_denied");
        a.gina.headers = {{"x-fairlead-connect", a.token}};
        CHECK(a.deploy().status == 204);
    }

    TEST_CASE("one person has 20 open sessions at most") {
        Agency a;
        auto grant = a.grant();
        for (int i = 0; i < 20; ++i) REQUIRE(a.redeem(grant).status == 201);
        CHECK(a.redeem(grant).code() == "too_many_connect_sessions");
    }
}
