#include "connect_fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

TEST_SUITE("controller/access/connect_log") {

    TEST_CASE("the agency's log says who worked where and when [S-CONN-06]") {
        Agency a;
        auto id = a.enter();
        a.site.clock.advance(5min);
        a.site.send(a.gina, "DELETE", "/api/v1/connect");
        auto entries = a.log(a.agency, "?connect_session=" + id);
        REQUIRE(entries.size() == 2);
        const auto &end = entries.at(0), &start = entries.at(1);
        CHECK(start.at("action") == "connect.start");
        CHECK(start.at("actor").at("label") == "gina@agency.example");
        CHECK(start.at("target").at("id").as_string() == a.client.str());
        CHECK(start.at("target").at("name") == "Org of cleo@client.example");
        CHECK(end.at("action") == "connect.end");
        CHECK(end.at("actor").at("label") == "gina@agency.example");
        CHECK(end.at("at").as_string() > start.at("at").as_string());
    }

    TEST_CASE("the client's log says which agency's member did what, from start to end "
              "[S-CONN-07] [S-CONN-08] [S-CONN-10] [S-AUD-15]") {
        Agency a;
        auto id = a.enter();
        REQUIRE(a.deploy().status == 204);
        REQUIRE(a.deploy().status == 204);
        a.site.send(a.cleo, "POST", a.in(a.client, "/connect/sessions/" + id + "/end"));
        auto entries = a.log(a.client, "?connect_session=" + id);
        REQUIRE(entries.size() == 4);
        const char* actions[] = {
            "connect.end", "environment.deploy", "environment.deploy", "connect.start"};
        for (std::size_t i = 0; i < 4; ++i) {
            CAPTURE(i);
            const auto& entry = entries.at(i);
            CHECK(entry.at("action") == actions[i]);
            CHECK(entry.at("connect_session").as_string() == id);
            if (i == 0) continue;
            CHECK(entry.at("actor").at("type") == "user");
            CHECK(entry.at("actor").at("id").as_string() == a.gina_id.str());
            CHECK(entry.at("actor").at("label") == "gina@agency.example");
            CHECK(entry.at("on_behalf_of") == "Org of gus@agency.example");
        }
        // It was Cleo who ended it, in her own name.
        CHECK(entries.at(0).at("actor").at("label") == "cleo@client.example");
        CHECK(entries.at(0).at("on_behalf_of").is_null());
        // The same in the agency's log, without where Cleo sits.
        auto abroad = a.log(a.agency, "?connect_session=" + id);
        REQUIRE(abroad.size() == 2);
        CHECK(abroad.at(0).at("actor").at("label") == "cleo@client.example");
        CHECK(abroad.at(0).at("address").is_null());
        CHECK(abroad.at(1).at("address") == "192.0.2.1");
        // Others' acts are not among them.
        CHECK(a.log(a.client).size() > 4);
    }

    TEST_CASE("where either log cannot be written, no session begins, and none is unlogged "
              "[S-CONN-09]") {
        for (bool at_agency : {true, false}) {
            CAPTURE(at_agency);
            Agency a;
            auto grant = a.grant();
            a.change("CREATE TABLE log_down (org_id TEXT)");
            a.change("CREATE TRIGGER log_down BEFORE INSERT ON audit_entry WHEN NEW.org_id IN "
                     "(SELECT org_id FROM log_down) BEGIN SELECT RAISE(ABORT, 'the disk'); END");
            a.change("INSERT INTO log_down VALUES ($1)", at_agency ? a.agency : a.client);
            auto reply = a.redeem(grant);
            CHECK(reply.status == 500);
            CHECK(reply.connect.empty());
            CHECK(a.count("SELECT count(*) FROM connect_session") == 0);
            CHECK(a.look().status == 404);
            a.change("DELETE FROM log_down");
            CHECK(a.log(a.client, "?action=connect.start").empty());
            CHECK(a.log(a.agency, "?action=connect.start").empty());
            CHECK(a.redeem(grant).status == 201);
            // Nor does anything happen in an open one while the client's log is down.
            a.change("INSERT INTO log_down VALUES ($1)", a.client);
            CHECK(a.deploy().status == 500);
            a.change("DELETE FROM log_down");
        }
    }

    TEST_CASE("a token without a session in the store opens nothing [S-CONN-09]") {
        // Somebody who holds the signing key, such as the operator, still needs the logged row.
        Agency a;
        auto session = a.site.send(a.gina, "GET", "/api/v1/session").json.at("id").as_string();
        auto grant = a.grant();
        auto token = a.site.connect_tokens.sign(
            {ConnectId::make(a.site.clock.now()), a.gina_id,
             SessionId::trusted(std::string(session)), a.agency, a.client, GrantId::trusted(grant),
             a.site.clock.now() + 1h}
        );
        a.gina.connect = token.reveal();
        auto reply = a.look();
        CHECK(reply.status == 401);
        CHECK(reply.code() == "connect_ended");
    }

    TEST_CASE("a session whose time is over gets its end in both logs") {
        Agency a;
        auto id = a.enter();
        REQUIRE(a.site.connect.tidy(a.site.clock.now() + 59min));
        CHECK(a.log(a.client, "?action=connect.end").empty());
        REQUIRE(a.site.connect.tidy(a.site.clock.now() + 60min));
        REQUIRE(a.site.connect.tidy(a.site.clock.now() + 61min));
        for (const auto& org : {a.client, a.agency}) {
            auto ends = a.log(org, "?action=connect.end");
            REQUIRE(ends.size() == 1);
            CHECK(ends.at(0).at("connect_session").as_string() == id);
            CHECK(ends.at(0).at("actor").at("type") == "system");
            CHECK(ends.at(0).at("after").at("because") == "expired");
        }
        CHECK(a.streams_ended(id));
        auto list = a.site.send(a.cleo, "GET", a.in(a.client, "/connect/sessions"));
        CHECK(list.json.at("data").at(0).at("ended_because") == "expired");
        CHECK(a.site.send(a.cleo, "GET", a.in(a.client, "/connect/sessions?state=open"))
                  .json.at("data")
                  .as_array()
                  .empty());
    }

    TEST_CASE("grants and their ends are in the log of who gave them") {
        Agency a;
        auto grant = a.grant();
        a.site.send(a.gus, "DELETE", a.in(a.agency, "/connect/grants/" + grant));
        auto entries = a.log(a.client);
        CHECK(entries.at(0).at("action") == "connect.revoke");
        CHECK(entries.at(0).at("on_behalf_of") == "Org of gus@agency.example");
        CHECK(entries.at(1).at("action") == "connect.grant");
        CHECK(entries.at(1).at("after").at("agency").at("id").as_string() == a.agency.str());
        CHECK(a.log(a.agency).at(0).at("action") == "connect.revoke");
    }
}
