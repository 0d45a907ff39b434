#include "../support/site.hpp"
#include "controller/audit/check.hpp"
#include "controller/audit/retention.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using std::chrono::days;

namespace {

/// Somebody of an organization who reads its log.
struct Reader {
    explicit Reader(const std::string& role = "admin", bool owner = true) {
        site.add_user("ann@example.org", role, owner);
        org = site.org_of("ann@example.org");
        enter();
    }
    void enter() {
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", "ann@example.org"}, {"password", Site::password}}
            ).status == 200
        );
    }
    void choose(orgs::Plan plan) {
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE org SET plan = $2 WHERE id = $1", org, plan);
        }));
    }
    /// As the owner does it.
    void change(const std::string& plan) {
        auto reply =
            site.send(browser, "PUT", "/api/v1/orgs/" + org.str() + "/plan", {{"plan", plan}});
        REQUIRE_MESSAGE(reply.status == 200, boost::json::serialize(reply.json));
    }
    Reply log(std::string more = "") {
        return site.send(browser, "GET", "/api/v1/orgs/" + org.str() + "/audit" + more);
    }
    /// Goes on in time and drops what is over, as the program does; signed in again, since the
    /// session is over as well.
    void later(days time) {
        site.clock.advance(time);
        REQUIRE(audit::Retention(site.store.store(), site.plans, site.notary).tidy(site.clock.now())
        );
        enter();
    }
    std::size_t shown() { return log().json.at("data").as_array().size(); }
    bool verifies() {
        REQUIRE(site.notary.sign_news(site.clock.now()));
        auto verdicts = site.store->read([&](store::Connection& db) {
            return audit::check_database(db, site.notary.verifier());
        });
        return std::all_of(verdicts->begin(), verdicts->end(), [](const auto& verdict) {
            return verdict.bad.empty();
        });
    }
    Site site;
    Browser browser;
    OrgId org;
};

} // namespace

TEST_SUITE("controller/audit/plan") {

    TEST_CASE("free and starter have no audit log, and say which plan has [S-AUD-01] [S-AUD-02]") {
        Reader reader;
        for (auto plan : {orgs::Plan::free, orgs::Plan::starter}) {
            reader.choose(plan);
            for (auto path : {"", "/checkpoint", "/witnesses"}) {
                auto reply = reader.log(path);
                CHECK(reply.status == 403);
                CHECK(reply.code() == "plan_required");
                CHECK(reply.json.at("required_plan") == "pro");
            }
        }
        // What happened meanwhile was kept: a lower plan hides.
        reader.choose(orgs::Plan::pro);
        CHECK(reader.shown() == 1);
    }

    TEST_CASE("pro reads the log and takes no export; agency does [S-AUD-05]") {
        Reader reader;
        reader.choose(orgs::Plan::pro);
        CHECK(reader.log().status == 200);
        auto refused = reader.log("/export?format=csv");
        CHECK(refused.code() == "plan_required");
        CHECK(refused.json.at("required_plan") == "agency");
        reader.choose(orgs::Plan::agency);
        CHECK(reader.log("/export?format=csv").status == 200);
    }

    TEST_CASE("pro keeps entries for 30 days, and the log still verifies [S-AUD-04]") {
        Reader reader;
        reader.choose(orgs::Plan::pro);
        reader.later(days(29));
        CHECK(reader.shown() == 2);
        reader.later(days(2));
        CHECK(reader.shown() == 2); // the first is 31 days old
        CHECK(reader.verifies());
    }

    TEST_CASE("agency keeps entries for a year [S-AUD-07]") {
        Reader reader;
        reader.later(days(364));
        CHECK(reader.shown() == 2);
        reader.later(days(2));
        CHECK(reader.shown() == 2);
        CHECK(reader.verifies());
    }

    TEST_CASE("a lower plan hides what a higher one keeps, and deletes none of it") {
        Reader reader;
        auto first = "/" + std::string(reader.log().json.at("data").at(0).at("id").as_string());
        reader.change("pro");
        reader.later(days(31));
        CHECK(reader.shown() == 1);
        CHECK(reader.log("?after=2000-01-01T00:00:00Z").json.at("data").as_array().size() == 1);
        for (const auto& path : {first, first + "/proof"}) CHECK(reader.log(path).status == 404);
        reader.change("agency");
        CHECK(reader.shown() == 4);
        CHECK(reader.log(first + "/proof").status == 200);
        // Its time is over in the end, by whichever plan it was written.
        reader.change("pro");
        reader.later(days(366));
        reader.change("agency");
        CHECK(reader.log(first).status == 404);
        CHECK(reader.shown() == 2);
        CHECK(reader.verifies());
    }

    TEST_CASE("owners and administrators see it, others do not unless it was granted [S-AUD-23] "
              "[S-AUD-24] [S-AUD-25]") {
        CHECK(Reader("viewer", true).log().status == 200);
        CHECK(Reader("admin", false).log().status == 200);
        for (auto role : {"developer", "viewer"}) {
            Reader reader(role, false);
            auto refused = reader.log();
            CHECK(refused.code() == "permission_denied");
            REQUIRE(reader.site.store->write([&](store::UnitOfWork& unit) {
                return unit.db().run(
                    "UPDATE membership SET granted = '[\"audit.view\"]' WHERE org_id = $1",
                    reader.org
                );
            }));
            CHECK(reader.log().status == 200);
        }
    }
}
