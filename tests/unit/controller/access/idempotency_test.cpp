#include "../support/site.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// A site with a route that counts how often it was really done.
struct Counting {
    Counting() {
        site.add_user("ann@example.org");
        site.add_user("bob@example.org");
        site.table.add(
            api::Method::post, "/api/v1/count", std::string(api::signed_in),
            [this](const api::Call& call) { return count(call); }
        );
        site.router = std::make_unique<api::Router>(site.table, site.guard, &site.idempotency);
        for (auto [browser, email] :
             {std::pair(&ann, "ann@example.org"), std::pair(&bob, "bob@example.org")})
            REQUIRE(
                site.send(
                        *browser, "POST", "/api/v1/session",
                        {{"email", email}, {"password", Site::password}}
                ).status == 200
            );
    }
    Result<api::Response> count(const api::Call& call) {
        ++done;
        auto body = call.request().body;
        if (body == "\"refuse\"") return fail(Error(Errc::conflict, "no").with_code("taken"));
        if (body == "\"busy\"") return fail(Errc::unavailable, "later");
        if (body == "\"throw\"") throw std::runtime_error("broken");
        if (wait.valid()) wait.wait();
        auto response = api::accepted(
            {{"number", done.load()}, {"token", "flt_secret"}},
            "/api/v1/count/" + std::to_string(done)
        );
        return response;
    }
    Reply post(Browser& browser, std::string key, boost::json::value body = "x") {
        return site.repeat(browser, std::move(key), "/api/v1/count", std::move(body));
    }

    Site site;
    Browser ann, bob;
    std::atomic<int> done = 0;
    std::shared_future<void> wait;
};

} // namespace

TEST_SUITE("controller/access/idempotency") {

    TEST_CASE("what a key was answered is neither its maker's nor another key's") {
        Counting counting;
        auto& replays = counting.site.idempotency;
        api::Request request;
        request.method = api::Method::post;
        request.path = "/api/v1/count";
        request.at = counting.site.clock.now();
        api::Principal maker;
        maker.user = UserId::make(request.at);
        auto first = maker, second = maker;
        first.key = KeyId::make(request.at);
        second.key = KeyId::make(request.at);
        auto answer = api::answer({{"token", "flt_secret"}});
        for (const auto* who : {&first, &maker, &second}) {
            CHECK_FALSE(replays.begin(request, *who, "same").value());
            replays.finish(*who, "same", &answer);
            CHECK(replays.begin(request, *who, "same").value());
        }
    }

    TEST_CASE("the same key and body gives the first answer again, and the thing is done once") {
        Counting fixture;
        auto first = fixture.post(fixture.ann, "k1"), second = fixture.post(fixture.ann, "k1");
        CHECK(first.status == 202);
        CHECK(second.status == 202);
        CHECK(second.text == first.text);
        CHECK(fixture.done == 1);
        CHECK(fixture.post(fixture.ann, "k2").json.at("number") == 2);
        CHECK(fixture.post(fixture.bob, "k1").json.at("number") == 3);
        CHECK(fixture.done == 3);
    }

    TEST_CASE("the same key with another body is a conflict, and nothing is done") {
        Counting fixture;
        fixture.post(fixture.ann, "k1");
        auto other = fixture.post(fixture.ann, "k1", "y");
        CHECK(other.status == 409);
        CHECK(other.code() == "idempotency_conflict");
        CHECK(fixture.done == 1);
    }

    TEST_CASE("a refusal is an answer too; what may be tried again is not kept") {
        Counting fixture;
        CHECK(fixture.post(fixture.ann, "k1", "refuse").code() == "taken");
        CHECK(fixture.post(fixture.ann, "k1", "refuse").code() == "taken");
        CHECK(fixture.done == 1);
        CHECK(fixture.post(fixture.ann, "k2", "busy").status == 503);
        CHECK(fixture.post(fixture.ann, "k2", "busy").status == 503);
        CHECK(fixture.done == 3);
    }

    TEST_CASE("a key is good for a day") {
        Counting fixture;
        fixture.post(fixture.ann, "k1");
        // Signing in again in between, as sessions end sooner.
        fixture.site.clock.advance(24h - 1s);
        REQUIRE(
            fixture.site
                .send(
                    fixture.ann, "POST", "/api/v1/session",
                    {{"email", "ann@example.org"}, {"password", Site::password}}
                )
                .status == 200
        );
        CHECK(fixture.post(fixture.ann, "k1").json.at("number") == 1);
        fixture.site.clock.advance(1s);
        CHECK(fixture.post(fixture.ann, "k1").json.at("number") == 2);
        fixture.site.clock.advance(24h);
        REQUIRE(fixture.site.idempotency.tidy(fixture.site.clock.now()));
        CHECK(
            fixture.site.store
                ->read([](store::Connection& db) {
                    return db.one<int>("SELECT count(*) FROM idempotency");
                })
                .value() == 0
        );
    }

    TEST_CASE("two requests with one key at the same time are done once") {
        Counting fixture;
        std::promise<void> go;
        fixture.wait = go.get_future().share();
        Reply slow;
        std::thread first([&] { slow = fixture.post(fixture.ann, "k1"); });
        while (fixture.done == 0) std::this_thread::yield();
        auto second = fixture.post(fixture.ann, "k1");
        CHECK(second.code() == "idempotency_conflict");
        CHECK(second.json.at("detail").as_string().find("at this moment") != std::string::npos);
        go.set_value();
        first.join();
        CHECK(slow.status == 202);
        CHECK(fixture.post(fixture.ann, "k1").text == slow.text);
        CHECK(fixture.done == 1);
    }

    TEST_CASE("what was interrupted is never done a second time") {
        Counting fixture;
        CHECK(fixture.post(fixture.ann, "k1", "throw").status == 500);
        // As after a crash: another object that knows only the store.
        access::Idempotency again(fixture.site.store.store(), fixture.site.keys);
        fixture.site.router =
            std::make_unique<api::Router>(fixture.site.table, fixture.site.guard, &again);

        auto answer = fixture.post(fixture.ann, "k1", "throw");
        CHECK(answer.code() == "idempotency_conflict");
        CHECK(answer.json.at("detail").as_string().find("was interrupted") != std::string::npos);
        CHECK(fixture.done == 1);
    }

    TEST_CASE("what an answer shows once does not lie in the store") {
        Counting fixture;
        fixture.post(fixture.ann, "k1");
        auto found = fixture.site.store->read([](store::Connection& db) {
            return db.one<int>("SELECT count(*) FROM idempotency WHERE instr(answer, "
                               "CAST('flt_secret' AS BLOB)) > 0");
        });
        CHECK(found.value() == 0);
    }

    TEST_CASE("a key that is none is refused") {
        Counting fixture;
        for (auto key :
             {std::string(129, 'x'), std::string("a b"), std::string("\x01"),
              std::string("\xc3\xa4")}) {
            CHECK(fixture.post(fixture.ann, key).status == 400);
        }
        CHECK(fixture.post(fixture.ann, std::string(128, '~')).status == 202);
        CHECK(fixture.done == 1);
    }
}
