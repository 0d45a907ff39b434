#include "common/crypto/webhook.hpp"
#include "controller/webhooks/catalogue.hpp"
#include "controller/webhooks/schedule.hpp"
#include "controller/webhooks/signature.hpp"
#include "controller/webhooks/turns.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fairlead;
using namespace fairlead::webhooks;
using namespace std::chrono_literals;

namespace {

const Timestamp start = FakeClock().now();

Turn turn(int number, const OrgId& org) {
    return {org, WebhookId::make(start + std::chrono::seconds(number))};
}

} // namespace

TEST_SUITE("controller/webhooks/plain") {

    TEST_CASE("the signature is the one that Standard Webhooks publishes for its example") {
        std::vector<Secret> secrets;
        secrets.emplace_back("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        auto at = Timestamp(1614265330s);
        auto signature =
            sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, R"({"test": 2432232314})");
        CHECK(timestamp_of(at) == "1614265330");
        CHECK(signature.value() == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        secrets.push_back(fairlead::crypto::make_webhook_secret());
        auto both =
            sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, R"({"test": 2432232314})").value();
        CHECK(both.starts_with(*signature + " v1,"));
        secrets.emplace_back("no secret");
        CHECK(sign(secrets, "msg_1", at, "").error().kind() == Errc::internal);
    }

    TEST_CASE("[S-HOOK-02] no two secrets are the same") {
        std::set<std::string> seen;
        for (int i = 0; i < 100; ++i) {
            auto secret = fairlead::crypto::make_webhook_secret();
            CHECK(secret.reveal().starts_with("whsec_"));
            CHECK(seen.emplace(secret.reveal()).second);
        }
    }

    TEST_CASE("pauses grow to a day, within a fifth, and end") {
        const std::chrono::milliseconds middle[] = {5s, 30s, 2min, 10min, 1h, 6h, 24h};
        for (std::int64_t tries = 1; tries < most_tries; ++tries) {
            CAPTURE(tries);
            auto pause = middle[tries - 1];
            CHECK(pause_after(tries, 0.5) == pause);
            CHECK(pause_after(tries, 0) == pause * 4 / 5);
            CHECK(pause_after(tries, 1) == pause * 6 / 5);
        }
        CHECK_FALSE(pause_after(most_tries, 0.5));
        CHECK_FALSE(pause_after(0, 0.5));
    }

    TEST_CASE("Retry-After is seconds or a date, and a day at most") {
        struct Row {
            std::string_view value;
            std::optional<std::chrono::milliseconds> pause;
        };
        auto now = Timestamp(784111717s); // Sun, 06 Nov 1994 08:48:37 GMT
        const Row rows[] = {
            {"120", 120s},
            {"0", 0s},
            {"86401", 24h},
            {"99999999999999999999999", 24h},
            {"Sun, 06 Nov 1994 08:49:37 GMT", 60s},
            {"Sun, 06 Nov 1994 08:00:00 GMT", 0s},
            {"Sun, 06 Nov 2094 08:00:00 GMT", 24h},
            {"-5", {}},
            {"", {}},
            {"soon", {}},
            {"1.5", {}}};
        for (const auto& row : rows) {
            CAPTURE(row.value);
            CHECK(retry_after(row.value, now) == row.pause);
        }
    }

    TEST_CASE("a webhook has one turn at a time, and goes behind those that are ready") {
        Turns turns({});
        auto org = OrgId::make(start);
        auto busy = turn(1, org), other = turn(2, org);
        turns.due(busy, start);
        turns.due(other, start + 1s);
        CHECK(turns.take(start) == busy);
        turns.due(busy, start);
        CHECK_FALSE(turns.take(start));
        CHECK(turns.next_at(start) == start + 1s);
        // A backlog of an hour gives no right to go first.
        turns.give_back(busy, Pace::quick, start - 1h, start + 2s);
        CHECK(turns.take(start + 2s) == other);
        CHECK(turns.take(start + 2s) == busy);
        turns.give_back(busy, Pace::quick, {}, start + 3s);
        turns.give_back(other, Pace::quick, {}, start + 3s);
        CHECK(turns.size() == 0);
    }

    TEST_CASE("receivers that hang share a part of the workers, an organization has a share too") {
        Turns turns({.in_flight = 6, .slow = 2, .per_org = 3});
        std::vector<Turn> slow;
        for (int i = 0; i < 4; ++i) {
            slow.push_back(turn(i, OrgId::make(start)));
            turns.due(slow.back(), start);
            CHECK(turns.take(start) == slow.back());
        }
        for (const auto& one : slow) turns.give_back(one, Pace::slow, start, start);
        auto org = OrgId::make(start);
        std::vector<Turn> quick;
        for (int i = 10; i < 14; ++i) {
            quick.push_back(turn(i, org));
            turns.due(quick.back(), start + 1s);
        }
        auto now = start + 2s;
        CHECK(turns.take(now) == slow[0]);
        CHECK(turns.take(now) == slow[1]);
        // The other two that hang wait for those.
        for (int i = 0; i < 3; ++i) CHECK(turns.take(now) == quick[static_cast<std::size_t>(i)]);
        CHECK_FALSE(turns.take(now));
        turns.give_back(quick[0], Pace::quick, {}, now);
        CHECK(turns.take(now) == quick[3]);
        turns.give_back(slow[0], Pace::quick, {}, now);
        CHECK(turns.take(now) == slow[2]);
        auto last = turn(20, OrgId::make(start)), beyond = turn(21, OrgId::make(start));
        turns.due(last, start);
        turns.due(beyond, start);
        CHECK(turns.take(now) == last);
        CHECK_FALSE(turns.take(now)); // six are in flight
    }

    TEST_CASE("one that is gone has no turn, and what came while it was busy is not lost") {
        Turns turns({});
        auto org = OrgId::make(start);
        auto one = turn(1, org), two = turn(2, org);
        turns.due(one, start);
        turns.forget(one.webhook);
        CHECK_FALSE(turns.take(start));
        turns.due(two, start);
        CHECK(turns.take(start) == two);
        turns.due(two, start + 5s);
        turns.give_back(two, Pace::quick, {}, start);
        CHECK(turns.next_at(start) == start + 5s);
    }

    TEST_CASE("only what can flap is held, and only its opposite takes it back") {
        CHECK(settling("server.offline", "server.online") == Settling::cancel);
        CHECK(settling("server.online", "server.online") == Settling::replace);
        CHECK(
            settling("environment.status_changed", "environment.status_changed") ==
            Settling::replace
        );
        CHECK(settling("server.offline", "environment.status_changed") == Settling::none);
        CHECK(settling("deployment.started", "deployment.failed") == Settling::none);
        CHECK_FALSE(settles("server.revoked"));
        for (auto type : event_types()) CHECK(is_event_type(type));
        CHECK_FALSE(is_event_type(test_event));
    }
}
