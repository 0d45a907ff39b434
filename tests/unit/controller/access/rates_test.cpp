#include "../support/site.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

using Who = access::RateLimiter::Who;
using Kind = access::RateLimiter::Kind;

std::int64_t rows(store::Store& store) {
    return store
        .read([](store::Connection& db) {
            return db.one<std::int64_t>("SELECT count(*) FROM rate_bucket");
        })
        .value()
        .value();
}

/// How many more it lets through at this moment.
int left(access::RateLimiter& rates, const std::string& caller, Kind kind, Timestamp now) {
    std::optional<api::Rate> rate;
    int count = 0;
    while (rates.take(Who::key, caller, kind, now, rate)) ++count;
    return count;
}

struct TwoKeys {
    TwoKeys() {
        site.add_user("ann@example.org");
        org = "/api/v1/orgs/" + site.org_of("ann@example.org").str();
        REQUIRE(
            site.send(
                    ann, "POST", "/api/v1/session",
                    {{"email", "ann@example.org"}, {"password", Site::password}}
            ).status == 200
        );
        for (auto& key : keys) {
            auto made = site.send(
                ann, "POST", org + "/api-keys",
                {{"name", "k"},
                 {"kind", "read_write"},
                 {"permissions", {"org.view", "api_keys.revoke"}}}
            );
            key = made.json.at("key").as_string();
        }
    }
    Reply send(const std::string& key, api::Method method) {
        api::Request request;
        request.method = method;
        request.path = method == api::Method::get
                           ? org
                           : org + "/api-keys/" + KeyId::make(site.clock.now()).str();
        request.headers = {{"authorization", "Bearer " + key}};
        request.address = "198.51.100.7";
        return site.send_raw(std::move(request));
    }
    Reply read(const std::string& key) { return send(key, api::Method::get); }
    Reply write(const std::string& key) { return send(key, api::Method::remove); }

    Site site;
    Browser ann;
    std::string org;
    std::string keys[2];
};

} // namespace

TEST_SUITE("controller/access/rates") {

    TEST_CASE("two keys of one organization have counts of their own [S-RATE-01]") {
        TwoKeys fixture;
        for (int i = 0; i < 120; ++i) REQUIRE(fixture.read(fixture.keys[0]).status == 200);
        auto refused = fixture.read(fixture.keys[0]);
        CHECK(refused.status == 429);
        CHECK(refused.code() == "rate_limited");
        CHECK(refused.rate == "120 0 60");
        CHECK(refused.retry_after == "1");
        CHECK(fixture.read(fixture.keys[1]).rate == "120 119 1");
        CHECK(fixture.site.send(fixture.ann, "GET", fixture.org).status == 200);
    }

    TEST_CASE("a key's reads pass when its writes are used up, and the reverse [S-RATE-02]") {
        TwoKeys fixture;
        for (int i = 0; i < 20; ++i) REQUIRE(fixture.write(fixture.keys[0]).status == 404);
        CHECK(fixture.write(fixture.keys[0]).status == 429);
        CHECK(fixture.read(fixture.keys[0]).status == 200);

        for (int i = 0; i < 120; ++i) REQUIRE(fixture.read(fixture.keys[1]).status == 200);
        CHECK(fixture.read(fixture.keys[1]).status == 429);
        CHECK(fixture.write(fixture.keys[1]).status == 404);
    }

    TEST_CASE("a restart gives nothing back") {
        store::TemporaryStore store{std::vector<store::Migration>{
            {1, "orgs", orgs::first_tables},
            {2, "access", access::first_tables},
            {3, "keys", access::keys_and_rates}}};
        Timestamp now{1'000'000s};
        access::RateLimiter before({}, {60, 6});
        CHECK(left(before, "key_a", Kind::read, now) == 60);
        CHECK(left(before, "key_b", Kind::write, now) == 6);
        REQUIRE(before.save(store.store(), now));
        CHECK(rows(store.store()) == 2);

        access::RateLimiter after({}, {60, 6});
        REQUIRE(after.load(store.store(), now + 10s));
        CHECK(left(after, "key_a", Kind::read, now + 10s) == 10);
        CHECK(left(after, "key_b", Kind::write, now + 10s) == 1);
        CHECK(left(after, "key_b", Kind::read, now + 10s) == 60);
        CHECK(left(after, "key_c", Kind::read, now + 10s) == 60);
    }

    TEST_CASE("a clock that was put back does not freeze who was saved") {
        store::TemporaryStore store{std::vector<store::Migration>{
            {1, "orgs", orgs::first_tables},
            {2, "access", access::first_tables},
            {3, "keys", access::keys_and_rates}}};
        Timestamp now{1'000'000s};
        access::RateLimiter before({}, {60, 6});
        left(before, "key_a", Kind::read, now);
        REQUIRE(before.save(store.store(), now));
        access::RateLimiter after({}, {60, 6});
        REQUIRE(after.load(store.store(), now - 3600s));
        CHECK(left(after, "key_a", Kind::read, now - 3590s) == 10);
    }

    TEST_CASE("only who asked is saved, and who was quiet for a minute is dropped") {
        store::TemporaryStore store{std::vector<store::Migration>{
            {1, "orgs", orgs::first_tables},
            {2, "access", access::first_tables},
            {3, "keys", access::keys_and_rates}}};
        Timestamp now{1'000'000s};
        access::RateLimiter rates({}, {60, 6});
        auto commits = store->commits();
        REQUIRE(rates.save(store.store(), now));
        CHECK(store->commits() == commits);
        std::optional<api::Rate> rate;
        for (int i = 0; i < 1'200; ++i) {
            auto caller = "key_" + std::to_string(i);
            REQUIRE(rates.take(Who::key, caller, Kind::read, now, rate));
        }
        REQUIRE(rates.save(store.store(), now));
        CHECK(rows(store.store()) == 1'200);
        commits = store->commits();
        REQUIRE(rates.save(store.store(), now + 5s));
        CHECK(store->commits() == commits);
        REQUIRE(rates.take(Who::key, "key_1", Kind::read, now + 30s, rate));
        REQUIRE(rates.save(store.store(), now + 61s));
        CHECK(rows(store.store()) == 1);
        REQUIRE(rates.save(store.store(), now + 200s));
        CHECK(rows(store.store()) == 0);
        commits = store->commits();
        REQUIRE(rates.save(store.store(), now + 300s));
        CHECK(store->commits() == commits);
    }
}
