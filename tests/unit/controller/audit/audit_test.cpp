#include "common/store/memory_db.hpp"
#include "controller/audit/lasting.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/routes.hpp"
#include "controller/audit/schema.hpp"
#include "controller/orgs/schema.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

struct NoEvents final : api::EventSink {
    void publish(api::Event) override {}
    std::uint64_t position() const override { return 0; }
    bool can_resume(std::uint64_t) const override { return true; }
    void end_streams(std::string) override {}
};

struct Fixture {
    store::Migration steps[4] = {
        {1, "orgs", orgs::first_tables},
        {2, "audit", audit::first_tables},
        {3, "lasting", audit::lasting_table},
        {4, "signed horizons", audit::signed_horizons}};
    store::TemporaryStore store{steps};
    FakeClock clock;
    audit::Log log{clock};
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    audit::Notary notary{store.store(), keys, "fairlead.example"};
    NoEvents events;
    orgs::Plans plans;
    audit::RouteParts parts{{store.store(), log, events}, notary, plans};
    api::RouteTable table;
    api::OrgScope org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    api::OrgScope other = api::ScopeIssuer::scope(OrgId::make(clock.now()));

    Fixture() { audit::add_audit_routes(table, parts); }

    void record(
        const api::OrgScope& scope, std::string action, std::string target = "env_1",
        std::string actor = "usr_1"
    ) {
        auto done = store->write([&](store::UnitOfWork& unit) -> Result<> {
            api::Actor who{
                api::Actor::Kind::user, actor, "ann@example.org", "192.0.2.1", "curl", "req-1"};
            api::Act act{action, "environment", target, "shop"};
            act.before = boost::json::object{{"branch", "17.0"}};
            act.after = boost::json::object{{"branch", "18.0"}};
            log.record(unit, scope, who, std::move(act));
            return {};
        });
        REQUIRE(done);
        clock.advance(1s);
    }

    Result<boost::json::object> get(std::string query) {
        api::Request request;
        request.path = "/api/v1/orgs/" + org.org().str() + "/audit";
        request.query = query;
        auto match = table.find(api::Method::get, request.path).value();
        FAIRLEAD_TRY(parameters, api::parse_query(query));
        api::Principal principal;
        principal.user = UserId::make(clock.now());
        principal.email = "ann@example.org";
        principal.scope = org;
        principal.owner = true;
        api::Call call(request, match.parameters, parameters, principal);
        FAIRLEAD_TRY(response, match.route->handler(call));
        return boost::json::parse(response.body).as_object();
    }

    std::vector<std::string> actions(std::string query) {
        std::vector<std::string> found;
        auto body = get(query).value();
        for (const auto& entry : body.at("data").as_array())
            found.emplace_back(entry.at("action").as_string());
        return found;
    }
};

} // namespace

TEST_SUITE("controller/audit") {

    TEST_CASE_FIXTURE(Fixture, "an entry says who did what to what, from where, and what changed") {
        record(org, "environment.edit");
        auto entry = get("").value().at("data").as_array().at(0);
        CHECK(
            entry.at("actor") ==
            boost::json::value{{"type", "user"}, {"id", "usr_1"}, {"label", "ann@example.org"}}
        );
        CHECK(
            entry.at("target") ==
            boost::json::value{{"type", "environment"}, {"id", "env_1"}, {"name", "shop"}}
        );
        CHECK(entry.at("before") == boost::json::value{{"branch", "17.0"}});
        CHECK(entry.at("after") == boost::json::value{{"branch", "18.0"}});
        CHECK(entry.at("address") == "192.0.2.1");
        CHECK(entry.at("request_id") == "req-1");
        CHECK(entry.at("result") == "ok");
    }

    TEST_CASE_FIXTURE(Fixture, "entries are filtered by actor, action, target and time") {
        auto start = clock.now();
        record(org, "environment.edit");
        record(org, "environment.deploy", "env_2");
        record(org, "environmental.edit");
        record(org, "server.revoke", "srv_1", "usr_2");
        CHECK(
            actions("action=environment") ==
            std::vector<std::string>{"environment.deploy", "environment.edit"}
        );
        CHECK(actions("action=environment.edit") == std::vector<std::string>{"environment.edit"});
        CHECK(actions("actor=usr_2") == std::vector<std::string>{"server.revoke"});
        CHECK(actions("target=env_2") == std::vector<std::string>{"environment.deploy"});
        CHECK(
            actions("after=" + to_rfc3339(start + 1500ms)) ==
            std::vector<std::string>{"server.revoke", "environmental.edit"}
        );
        CHECK(
            actions("before=" + to_rfc3339(start + 500ms)) ==
            std::vector<std::string>{"environment.edit"}
        );
        CHECK(actions("actor=usr_2&action=environment").empty());

        for (auto query :
             {"action=A", "action=.", "action=a..b", "actor=", "after=yesterday", "before=2026",
              "limit=0"}) {
            CAPTURE(std::string(query));
            CHECK(get(query).error().kind() == Errc::invalid);
        }
    }

    TEST_CASE_FIXTURE(Fixture, "pages follow each other, newest first, without gap or double") {
        for (int i = 0; i < 5; ++i) record(org, "environment.edit", "env_" + std::to_string(i));
        std::string seen, cursor;
        for (int page = 0; page < 3; ++page) {
            auto body = get("limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)).value();
            for (const auto& entry : body.at("data").as_array())
                seen += entry.at("target").at("id").as_string().back();
            cursor = body.at("next_cursor").is_null()
                         ? ""
                         : std::string(body.at("next_cursor").as_string());
        }
        CHECK(seen == "43210");
        CHECK(cursor.empty());
    }

    TEST_CASE_FIXTURE(Fixture, "the entries of another organization are never seen") {
        record(other, "environment.edit");
        CHECK(actions("").empty());
        CHECK(actions("target=env_1").empty());
    }

    TEST_CASE_FIXTURE(Fixture, "no statement changes or deletes an entry") {
        record(org, "environment.edit");
        auto attempt = [&](const char* sql) {
            (void)store->write([&](store::UnitOfWork& unit) -> Result<> {
                unit.db().script(sql);
                return {};
            });
        };
        CHECK_THROWS_AS(attempt("UPDATE audit_entry SET action = 'x.y'"), store::StoreError);
        CHECK_THROWS_AS(attempt("DELETE FROM audit_entry"), store::StoreError);
        CHECK(actions("") == std::vector<std::string>{"environment.edit"});
    }

    TEST_CASE_FIXTURE(Fixture, "an entry goes with its change: undone together") {
        auto undone = store->write([&](store::UnitOfWork& unit) -> Result<> {
            log.record(unit, org, {}, {"environment.edit", "environment", "env_1", "shop"});
            return fail(Errc::conflict, "no");
        });
        CHECK(!undone);
        CHECK(actions("").empty());
    }

    TEST_CASE_FIXTURE(Fixture, "what changed is kept up to a size, beyond it by name") {
        auto done = store->write([&](store::UnitOfWork& unit) -> Result<> {
            api::Act act{"environment.edit", "environment", "env_1", "shop"};
            act.after = boost::json::object{{"note", std::string(20'000, 'x')}};
            log.record(unit, org, {}, std::move(act));
            return {};
        });
        REQUIRE(done);
        CHECK(
            get("").value().at("data").at(0).at("after") ==
            boost::json::value{{"note", "(too large to keep)"}}
        );
    }

    TEST_CASE("what a process left open ends in the log when the next one starts, once") {
        Fixture fixture;
        api::Actor ann{
            api::Actor::Kind::user, "usr_1", "ann@example.org", "192.0.2.1", "curl", "req-1"};
        ann.on_behalf_of = "Agency";
        auto begin = [&](const std::string& id) {
            REQUIRE(fixture.store->write([&](store::UnitOfWork& unit) {
                api::Act end{"terminal.close", "server", "srv_1", "odoo-1"};
                end.after = boost::json::object{{"terminal", id}};
                fixture.log.record(
                    unit, fixture.org, ann, {"terminal.open", "server", "srv_1", "odoo-1"}
                );
                return audit::begin_lasting(unit, fixture.org, id, ann, end);
            }));
        };
        begin("term_1");
        begin("term_2");
        REQUIRE(fixture.store->write([&](store::UnitOfWork& unit) {
            return audit::end_lasting(unit, fixture.org, "term_1");
        }));
        REQUIRE(fixture.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO audit_lasting (org_id, id, due) VALUES ($1, 'term_3', '{')",
                fixture.org.org()
            );
        }));
        for (int i = 0; i < 2; ++i)
            REQUIRE(audit::end_what_was_left(fixture.store.store(), fixture.log));
        auto found = fixture.get("action=terminal.close").value().at("data").as_array();
        REQUIRE(found.size() == 1);
        const auto& entry = found.front().as_object();
        CHECK(entry.at("actor").at("label") == "ann@example.org");
        CHECK(entry.at("on_behalf_of") == "Agency");
        CHECK(entry.at("target").at("name") == "odoo-1");
        CHECK(entry.at("after").at("terminal") == "term_2");
        CHECK(entry.at("after").at("reason") == "controller_died");
    }

    TEST_CASE("everything that was left ends, however much it is") {
        Fixture fixture;
        constexpr int many = 450;
        REQUIRE(fixture.store->write([&](store::UnitOfWork& unit) -> Result<> {
            for (int i = 0; i < many; ++i)
                FAIRLEAD_CHECK(audit::begin_lasting(
                    unit, i % 2 ? fixture.org : fixture.other, "term_" + std::to_string(i), {},
                    {"terminal.close", "server", "srv_1", "odoo-1"}
                ));
            return {};
        }));
        REQUIRE(audit::end_what_was_left(fixture.store.store(), fixture.log));
        auto left = fixture.store->read([](store::Connection& db) {
            return db.one<int>("SELECT (SELECT count(*) FROM audit_entry) * 1000 + (SELECT "
                               "count(*) FROM audit_lasting)");
        });
        CHECK(left.value().value() == many * 1000);
    }
}
