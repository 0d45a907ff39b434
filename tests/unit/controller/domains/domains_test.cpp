#include "../backups/fixture.hpp"
#include "controller/domains/domains.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;
using domains::Finding;
using domains::News;

namespace {

struct DomainWorld : BackupWorld {
    Reply claim(const std::string& name) {
        return world.in_org("POST", "/domains", {{"name", name}});
    }
    std::string claimed(const std::string& name) {
        auto reply = claim(name);
        REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
        return reply.id();
    }
    Reply get(const std::string& id) { return world.in_org("GET", "/domains/" + id); }
    Reply check(const std::string& id) { return world.in_org("POST", "/domains/" + id + "/check"); }
    Reply remove(const std::string& id) { return world.in_org("DELETE", "/domains/" + id); }
    /// Everything that is due.
    int look() {
        int count = 0;
        while (world.core->checker.step()) ++count;
        return count;
    }
    std::string proved(const std::string& name) {
        auto id = claimed(name);
        world.looker.sees(get(id).text("name"), Finding::found);
        REQUIRE(check(id).status == 202);
        look();
        REQUIRE(get(id).text("state") == "verified");
        return id;
    }
    void pass(std::chrono::milliseconds time) { world.clock.advance(time); }
    std::string state(const std::string& id) { return get(id).text("state"); }
    static bool holds(const boost::json::value& value, std::string_view text) {
        return boost::json::serialize(value).find(text) != std::string::npos;
    }
};

} // namespace

TEST_SUITE("controller/domains/domains") {

    TEST_CASE_FIXTURE(
        DomainWorld, "a claim says what proves it, and is verified when that is found"
    ) {
        auto reply = claim("Shop.Bücher.example.");
        REQUIRE(reply.status == 201);
        CHECK(reply.text("name") == "shop.xn--bcher-kva.example");
        CHECK(reply.text("state") == "pending");
        const auto& challenge = reply.json.at("challenge");
        CHECK(
            challenge.at("record").at("name") == "_fairlead-challenge.shop.xn--bcher-kva.example"
        );
        CHECK(str(challenge.at("record").at("value")).starts_with("fairlead-domain="));
        CHECK(str(challenge.at("file").at("path")).starts_with("/.well-known/fairlead-challenge/"));
        auto id = reply.id();
        CHECK(look() == 0);
        pass(1min);
        CHECK(look() == 1);
        CHECK(state(id) == "pending");
        CHECK(get(id).json.at("last_error").at("code") == "record_missing");

        world.looker.sees("shop.xn--bcher-kva.example", Finding::found);
        world.events.take();
        auto asked = check(id);
        CHECK(asked.status == 202);
        CHECK(asked.json.at("checking") == true);
        CHECK(look() == 1);
        auto now = get(id);
        CHECK(now.text("state") == "verified");
        CHECK(now.text("method") == "dns");
        CHECK(now.json.at("checking") == false);
        CHECK(now.json.at("last_error").is_null());
        CHECK(world.events.types() == std::vector<std::string>{"domain.updated", "domain.updated"});
        CHECK(world.audited().back() == "domain.verified ok");
    }

    TEST_CASE_FIXTURE(DomainWorld, "what is no name that can be claimed is refused") {
        for (const char* name :
             {"", "shop", "1.2.3.4", "https://shop.example.org", "shop.local", "a.*.example.org",
              "fairlead.example", "a.fairlead.example", "FAIRLEAD.example."}) {
            CAPTURE(name);
            auto reply = claim(name);
            CHECK(reply.code() == "validation_failed");
            CHECK(reply.blames("name"));
        }
        claimed("shop.example.org");
        CHECK(claim("SHOP.example.org.").code() == "domain_claimed");
    }

    TEST_CASE_FIXTURE(
        DomainWorld,
        "[S-DOM-02] what another organization has proved cannot be claimed, however it is written"
    ) {
        auto id = proved("shop.bücher.example");
        proved("*.wild.example");
        world.act_for(world.other);
        for (const char* name :
             {"shop.xn--bcher-kva.example", "SHOP.BÜCHER.EXAMPLE", "shop.bücher.example.",
              "shop.BU\xcc\x88"
              "cher.example",
              "shop。bücher。example", "*.shop.bücher.example", "a.shop.bücher.example",
              "*.a.shop.bücher.example", "bücher.example", "*.bücher.example", "wild.example",
              "*.wild.example", "a.wild.example", "a.b.wild.example"}) {
            CAPTURE(name);
            auto reply = claim(name);
            CHECK(reply.status == 409);
            CHECK(reply.code() == "domain_taken");
            // Whose it is, nobody is told.
            CHECK_FALSE(holds(reply.json, world.org.org().str()));
            CHECK_FALSE(holds(reply.json, id));
        }
        for (const char* name : {"www.bücher.example", "shop.bucher.example", "badwild.example"})
            CHECK(claim(name).status == 201);
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "a claim keeps nobody from proving: the first to prove has the name"
    ) {
        auto squatter = claimed("shop.example.org");
        claimed("example.org");
        world.act_for(world.other);
        auto owner = claimed("shop.example.org");
        world.looker.sees("shop.example.org", Finding::found);
        check(owner);
        look();
        CHECK(state(owner) == "verified");

        // Both have proofs; what was claimed earlier comes too late, above it too.
        world.looker.sees("example.org", Finding::found);
        world.act_for(world.org);
        pass(2min);
        check(squatter);
        CHECK(look() >= 2);
        CHECK(state(squatter) == "pending");
        CHECK(get(squatter).json.at("last_error").at("code") == "domain_taken");
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM domains WHERE state = 'verified'") == 1
        );

        // It is free once it was given up.
        world.act_for(world.other);
        CHECK(remove(owner).status == 204);
        world.act_for(world.org);
        check(squatter);
        look();
        CHECK(state(squatter) == "verified");
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "[S-DOM-01] [S-ISO-08] domains are seen by their organization alone"
    ) {
        auto id = proved("shop.example.org");
        world.act_for(world.other);
        CHECK(get(id).status == 404);
        CHECK(check(id).status == 404);
        CHECK(remove(id).status == 404);
        CHECK(world.in_org("GET", "/domains").json.at("data").as_array().empty());
        world.act_for(world.org);
        CHECK(
            world.in_org("GET", "/domains?state=verified").json.at("data").as_array().size() == 1
        );
        CHECK(world.in_org("GET", "/domains?state=pending").json.at("data").as_array().empty());
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "a proof that is missed is told at once, and ends the domain after three days"
    ) {
        auto id = proved("shop.example.org");
        world.core->domain_news.clear();
        world.looker.sees("shop.example.org", Finding::missing);
        pass(30h);
        CHECK(look() == 1);
        auto failing = get(id);
        CHECK(failing.text("state") == "verified");
        CHECK(failing.json.at("failing_since").is_string());
        CHECK(failing.json.at("fails_at").is_string());
        using Told = std::vector<std::pair<std::string, News>>;
        CHECK(world.core->domain_news == Told{{"shop.example.org", News::failing}});
        for (int hours = 0; hours < 80; hours += 2) {
            pass(2h);
            look();
        }
        auto over = get(id);
        CHECK(over.text("state") == "failed");
        CHECK(over.json.at("challenge").is_null());
        CHECK(world.core->domain_news.back() == Told::value_type{"shop.example.org", News::failed});
        CHECK(world.core->domain_news.size() == 2);
        CHECK(world.audited().back() == "domain.failed ok");
        CHECK(check(id).code() == "domain_failed");

        // The name is free; a new claim has a new proof.
        world.act_for(world.other);
        CHECK(claim("shop.example.org").status == 201);
        world.act_for(world.org);
        auto again = claim("shop.example.org");
        REQUIRE(again.status == 201);
        CHECK(again.id() != id);
        CHECK(get(id).status == 404);
    }

    TEST_CASE_FIXTURE(DomainWorld, "name servers that do not answer fail nothing") {
        auto id = proved("shop.example.org");
        world.looker.sees("shop.example.org", Finding::unknown);
        for (int day = 0; day < 10; ++day) {
            pass(24h);
            look();
        }
        auto now = get(id);
        CHECK(now.text("state") == "verified");
        CHECK(now.json.at("failing_since").is_null());
        CHECK(now.json.at("last_error").at("code") == "resolver_failed");
    }

    TEST_CASE_FIXTURE(DomainWorld, "what is due is looked at after a restart") {
        auto id = claimed("shop.example.org");
        world.looker.sees("shop.example.org", Finding::found);
        check(id);
        world.restart();
        CHECK(look() == 1);
        CHECK(state(id) == "verified");
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "what was deleted or claimed anew during a look stays as it is"
    ) {
        auto id = claimed("shop.example.org");
        world.looker.sees("shop.example.org", [&](const domains::Domain&) -> domains::Looked {
            REQUIRE(remove(id).status == 204);
            claimed("shop.example.org");
            return {Finding::found, domains::Method::dns, "", ""};
        });
        check(id);
        CHECK(world.core->checker.step());
        auto all = world.in_org("GET", "/domains").json.at("data").as_array();
        REQUIRE(all.size() == 1);
        CHECK(all[0].at("state") == "pending");
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "looks by hand are counted for each domain and for the organization"
    ) {
        auto id = claimed("shop.example.org");
        for (int i = 0; i < domains::most_checks_of_one; ++i) {
            CHECK(check(id).status == 202);
            CHECK(check(id).status == 202); // one that waits already is not another
            look();
        }
        auto refused = check(id);
        CHECK(refused.status == 429);
        CHECK(refused.code() == "too_many_checks");
        for (int domain = 0; domain < 4; ++domain) {
            auto other = claimed("shop" + std::to_string(domain) + ".example.org");
            for (int i = 0; i < domains::most_checks_of_one; ++i) {
                REQUIRE(check(other).status == 202);
                look();
            }
        }
        auto last = claimed("last.example.org");
        CHECK(check(last).code() == "too_many_checks");
        pass(1h);
        CHECK(check(last).status == 202);
        CHECK(check(id).status == 202);
    }

    TEST_CASE_FIXTURE(
        DomainWorld, "looks by hand are counted beyond the claims that they were made for"
    ) {
        auto again = [&](const std::string& id) {
            auto name = get(id).text("name");
            REQUIRE(remove(id).status == 204);
            return claimed(name);
        };
        for (int name = 0; name < 5; ++name) {
            auto id = claimed("shop" + std::to_string(name) + ".example.org");
            for (int i = 0; i < domains::most_checks_of_one; ++i) {
                REQUIRE(check(id).status == 202);
                look();
                if (i % 7 == 0) id = again(id);
            }
            CHECK(check(id).code() == "too_many_checks");
            CHECK(check(again(id)).code() == "too_many_checks");
            pass(10min);
        }
        auto all = world.in_org("GET", "/domains").json.at("data").as_array();
        for (const auto& one : all) REQUIRE(remove(str(one.at("id"))).status == 204);
        auto other = claimed("other.example.org");
        CHECK(check(other).code() == "too_many_checks");
        world.act_for(world.other);
        CHECK(check(claimed("other.example.org")).status == 202);

        // An hour after the first of them.
        world.act_for(world.org);
        pass(10min);
        CHECK(check(other).status == 202);
        look();
        CHECK(check(claimed("shop4.example.org")).code() == "too_many_checks");
    }

    TEST_CASE_FIXTURE(DomainWorld, "looks by hand are known for an hour") {
        check(claimed("shop.example.org"));
        world.act_for(world.other);
        check(claimed("shop.example.com"));
        auto counted = [&] { return world.one<std::int64_t>("SELECT count(*) FROM domain_look"); };
        CHECK(world.core->domains.tidy(world.clock.now()));
        CHECK(counted() == 2);
        CHECK(world.core->store.write([&](store::UnitOfWork& unit) {
            return domains::erase(unit.db(), world.other);
        }));
        CHECK(counted() == 1);
        pass(1h);
        CHECK(world.core->domains.tidy(world.clock.now()));
        CHECK(counted() == 0);
    }

    TEST_CASE_FIXTURE(DomainWorld, "an organization has a hundred domains at most") {
        for (int i = 0; i < domains::max_domains; ++i)
            claimed("shop" + std::to_string(i) + ".example.org");
        CHECK(claim("one-more.example.org").code() == "too_many_domains");
    }

    TEST_CASE_FIXTURE(DomainWorld, "one slow organization keeps no other waiting") {
        for (int i = 0; i < 20; ++i) {
            auto id = claimed("slow" + std::to_string(i) + ".example.org");
            check(id);
        }
        world.act_for(world.other);
        auto quick = claimed("quick.example.com");
        check(quick);
        std::mutex lock;
        std::condition_variable changed;
        bool over = false;
        int held = 0, most = 0;
        auto slow = [&](const domains::Domain&) -> domains::Looked {
            std::unique_lock guard(lock);
            most = std::max(most, ++held);
            changed.wait(guard, [&] { return over; });
            --held;
            return {Finding::missing, domains::Method::none, "record_missing", "None."};
        };
        for (int i = 0; i < 20; ++i)
            world.looker.sees("slow" + std::to_string(i) + ".example.org", slow);
        bool done = false;
        world.looker.sees("quick.example.com", [&](const domains::Domain&) -> domains::Looked {
            std::lock_guard guard(lock);
            done = true;
            changed.notify_all();
            return {Finding::found, domains::Method::dns, "", ""};
        });
        domains::Checker checker(world.core->domains, world.looker, world.clock, 2);
        checker.start();
        {
            std::unique_lock guard(lock);
            CHECK(changed.wait_for(guard, 60s, [&] { return done; }));
            over = true;
            changed.notify_all();
        }
        checker.stop();
        CHECK(most == 1);
    }

    TEST_CASE_FIXTURE(DomainWorld, "webhooks are told of what is verified and of what failed") {
        auto hook = world.in_org("POST", "/webhooks", {{"url", "https://hooks.example.org/a"}});
        REQUIRE(hook.status == 201);
        proved("shop.example.org");
        claimed("late.example.org");
        for (int hours = 0; hours < 24 * 7 + 2; hours += 2) {
            pass(2h);
            look();
        }
        while (world.core->courier.step()) {
        }
        std::vector<std::string> told;
        for (const auto& request : world.outbound.take()) {
            auto body = boost::json::parse(request.body);
            auto type = str(body.at("type"));
            if (!type.starts_with("domain.")) continue;
            told.push_back(type + " " + str(body.at("data").at("name")));
            if (type == "domain.failed") CHECK(body.at("data").at("reason") == "not_proved");
        }
        CHECK(
            told ==
            std::vector<std::string>{
                "domain.verified shop.example.org", "domain.failed late.example.org"}
        );
    }
}
