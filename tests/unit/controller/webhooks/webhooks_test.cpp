#include "controller/webhooks/schedule.hpp"
#include "controller/webhooks/signature.hpp"
#include "fixture.hpp"

#include <future>
#include <stop_token>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

std::string signature(const std::string& secret, const outbound::Request& request) {
    std::vector<Secret> secrets;
    secrets.emplace_back(secret);
    auto at = HookWorld::header(request, "webhook-timestamp");
    return webhooks::sign(
               secrets, HookWorld::header(request, "webhook-id"),
               Timestamp(std::chrono::seconds(std::stoll(at))), request.body
    )
        .value();
}

} // namespace

TEST_SUITE("controller/webhooks/webhooks") {

    TEST_CASE_FIXTURE(HookWorld, "a secret is shown once, sealed, and in no log") {
        auto made = make({{"events", array{"backup.failed", "deployment.failed"}}});
        auto shown = get(made.id);
        CHECK(boost::json::serialize(shown.json).find(made.secret) == std::string::npos);
        CHECK(shown.json.at("events") == array{"deployment.failed", "backup.failed"});
        CHECK(shown.text("state") == "active");
        CHECK(
            world.one<std::int64_t>(
                "SELECT count(*) FROM webhook w JOIN audit_entry a ON a.org_id = w.org_id WHERE "
                "instr(w.sealed_secret, $1) > 0 OR instr(coalesce(a.after_json, ''), $1) > 0 OR "
                "a.after_json LIKE '%t0p-secret%' OR a.target_name LIKE '%t0p-secret%'",
                made.secret
            ) == 0
        );
        CHECK(world.audited().back() == "webhook.create ok");
    }

    TEST_CASE_FIXTURE(HookWorld, "what is no webhook is refused by its field") {
        struct Row {
            object body;
            std::string_view field;
        };
        const Row rows[] = {
            {{{"url", "http://hooks.example.org"}}, "url"},
            {{{"url", ""}}, "url"},
            {{{"url", "https://" + std::string(2048, 'a')}}, "url"},
            {{{"url", "https://a.example"}, {"description", std::string(201, 'a')}}, "description"},
            {{{"url", "https://a.example"}, {"events", array{"server.gone"}}}, "events"},
            {{{"url", "https://a.example"}, {"events", array{"webhook.test"}}}, "events"},
            {{{"url", "https://a.example"}, {"events", array{"drill.failed", "drill.failed"}}},
             "events"}};
        for (const auto& row : rows) {
            CAPTURE(boost::json::serialize(row.body));
            auto reply = world.in_org("POST", "/webhooks", row.body);
            CHECK(reply.code() == "validation_failed");
            CHECK(reply.blames(row.field));
        }
        auto made = make();
        auto reply = world.in_org("POST", path(made.id, "/rotate-secret"), {{"grace_s", 604801}});
        CHECK(reply.blames("grace_s"));
        for (int i = 1; i < webhooks::max_webhooks; ++i) make();
        reply = world.in_org("POST", "/webhooks", {{"url", "https://a.example"}});
        CHECK(reply.code() == "too_many_webhooks");
    }

    TEST_CASE_FIXTURE(HookWorld, "a delivery is signed, and told with its attempt") {
        auto made = make();
        world.outbound.answers(200, "thanks");
        auto asked = test(made.id);
        REQUIRE(asked.status == 202);
        CHECK(asked.text("state") == "waiting");
        CHECK(carry() == 1);
        auto sent = world.outbound.take();
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].method == "POST");
        CHECK(sent[0].redirects == 0);
        CHECK(header(sent[0], "webhook-id") == asked.id());
        CHECK(header(sent[0], "webhook-signature") == signature(made.secret, sent[0]));
        auto body = boost::json::parse(sent[0].body);
        CHECK(body.at("type") == "webhook.test");
        CHECK(str(body.at("data").at("organization_id")) == world.org.org().str());
        auto told = delivery(made.id, asked.id());
        CHECK(told.at("delivery").at("state") == "delivered");
        CHECK(str(told.at("payload")) == sent[0].body);
        CHECK(told.at("tries").at(0).at("response") == "thanks");
        CHECK(told.at("tries").at(0).at("status") == 200);
        CHECK(carry() == 0);
    }

    TEST_CASE_FIXTURE(
        HookWorld, "within its grace the old secret signs too, and after that the new one alone"
    ) {
        auto made = make();
        auto rotate = [&](object body) {
            auto reply = world.in_org("POST", path(made.id, "/rotate-secret"), body);
            REQUIRE(reply.status == 200);
            return reply.text("secret");
        };
        auto send = [&] {
            test(made.id);
            carry();
            return world.outbound.take().at(0);
        };
        auto second = rotate({});
        auto request = send();
        auto expected = signature(second, request) + " " + signature(made.secret, request);
        CHECK(header(request, "webhook-signature") == expected);
        world.clock.advance(24h - 1s);
        request = send();
        CHECK(header(request, "webhook-signature").find(' ') != std::string::npos);
        world.clock.advance(1s);
        request = send();
        CHECK(header(request, "webhook-signature") == signature(second, request));
        auto third = rotate({{"grace_s", 0}});
        request = send();
        CHECK(header(request, "webhook-signature") == signature(third, request));
    }

    TEST_CASE_FIXTURE(
        HookWorld, "a retry has the same id; after the last the webhook is disabled"
    ) {
        auto made = make();
        world.outbound.answers(500, std::string(3000, 'x'));
        announce("backup.failed");
        announce("backup.failed");
        std::set<std::string> ids;
        for (int i = 0; i < webhooks::most_tries; ++i) {
            CHECK(carry() >= 1);
            for (const auto& request : world.outbound.take())
                ids.insert(header(request, "webhook-id"));
            if (i == 0) {
                auto first = deliveries(made.id).at(0);
                CHECK(first.at("state") == "waiting");
                CHECK(first.at("error").at("code") == "answered_badly");
                world.clock.advance(3s);
                CHECK(carry() == 0);
            }
            world.clock.advance(29h);
        }
        CHECK(ids.size() == 2);
        auto after = get(made.id).json;
        CHECK(after.at("state") == "failing");
        CHECK(after.at("disabled").at("code") == "retries_exhausted");
        CHECK(after.at("waiting") == 0);
        CHECK(world.audited().back() == "webhook.disabled ok");
        // Of two that are due at once, chance says which one is the last straw.
        auto straw = str(after.at("disabled").at("delivery_id"));
        auto told = delivery(made.id, straw);
        CHECK(told.at("tries").as_array().size() == webhooks::most_tries);
        CHECK(str(told.at("tries").at(0).at("response")).size() == webhooks::max_response);
        announce("backup.failed");
        CHECK(deliveries(made.id).size() == 2);
        // Enabled again, what failed can be sent again, with the same id.
        auto id = str(deliveries(made.id).at(0).at("id"));
        CHECK(
            world.in_org("POST", path(made.id, "/deliveries/" + id + "/replay")).code() ==
            "webhook_disabled"
        );
        REQUIRE(world.in_org("PATCH", path(made.id), {{"enabled", true}}).status == 200);
        world.outbound.answers(204);
        REQUIRE(world.in_org("POST", path(made.id, "/deliveries/" + id + "/replay")).status == 202);
        carry();
        CHECK(header(world.outbound.take().at(0), "webhook-id") == id);
        CHECK(delivery(made.id, id).at("delivery").at("state") == "delivered");
    }

    TEST_CASE_FIXTURE(HookWorld, "what a receiver answers decides what follows") {
        struct Row {
            int status;
            std::string_view code, state;
        };
        const Row rows[] = {
            {204, "", "active"},
            {301, "redirect_refused", "active"},
            {404, "answered_badly", "active"},
            {410, "gone", "failing"}};
        for (const auto& row : rows) {
            CAPTURE(row.status);
            auto made = make();
            world.outbound.answers(row.status);
            auto asked = test(made.id);
            carry();
            auto told = delivery(made.id, asked.id()).at("delivery");
            CHECK(told.at("status") == row.status);
            CHECK(told.at("next_attempt_at").is_null());
            if (!row.code.empty()) CHECK(str(told.at("error").at("code")) == row.code);
            CHECK(get(made.id).text("state") == row.state);
            world.in_org("DELETE", path(made.id));
        }
    }

    TEST_CASE_FIXTURE(HookWorld, "Retry-After makes a pause longer, never shorter") {
        auto made = make();
        world.outbound.answers(503, "", {{"retry-after", "600"}});
        announce("backup.failed");
        carry();
        world.clock.advance(599s);
        CHECK(carry() == 0);
        world.clock.advance(10s);
        CHECK(carry() == 1);
    }

    TEST_CASE_FIXTURE(
        HookWorld, "while the controller has no way out, nothing counts as an attempt"
    ) {
        auto made = make();
        world.outbound.answers([](const auto&) -> Result<outbound::Answer> {
            return fail(Error(Errc::unavailable, "no egress").with_code("egress_missing"));
        });
        announce("backup.failed");
        for (int i = 0; i < 20; ++i) {
            CHECK(carry() == 1);
            world.clock.advance(webhooks::Queue::own_pause + 1s);
        }
        auto row = deliveries(made.id).at(0);
        CHECK(row.at("attempts") == 0);
        CHECK(row.at("error").at("code") == "egress_missing");
        CHECK(get(made.id).text("state") == "active");
    }

    TEST_CASE_FIXTURE(HookWorld, "killed before an attempt is written down, it is made again") {
        auto made = make();
        announce("backup.failed");
        auto scope_turn = webhooks::Turn{world.org.org(), WebhookId::parse(made.id).value()};
        auto job = world.core->queue.job(scope_turn).value();
        REQUIRE(job);
        REQUIRE(world.outbound.send(job->request));
        world.restart();
        CHECK(carry() == 1);
        auto sent = world.outbound.take();
        REQUIRE(sent.size() == 2);
        CHECK(header(sent[0], "webhook-id") == header(sent[1], "webhook-id"));
        CHECK(sent[0].body == sent[1].body);
        CHECK(carry() == 0);
    }

    TEST_CASE_FIXTURE(HookWorld, "an attempt that a stop ends is told as that, and made again") {
        auto made = make();
        announce("backup.failed");
        std::promise<void> began;
        world.outbound.answers([&](const outbound::Request& request) -> Result<outbound::Answer> {
            // A receiver that never answers.
            std::promise<void> asked;
            std::stop_callback stop(request.stop, [&] { asked.set_value(); });
            began.set_value();
            asked.get_future().wait();
            return fail(Error(Errc::unavailable, "The controller was stopped.")
                            .with_code("outbound_stopped"));
        });
        webhooks::Courier courier(world.core->queue, world.outbound, world.clock);
        courier.start();
        began.get_future().wait();
        courier.stop();
        auto row = deliveries(made.id).at(0);
        CHECK(str(row.at("state")) == "waiting");
        CHECK(row.at("attempts") == 1);
        CHECK(str(row.at("error").at("code")) == "outbound_stopped");
        CHECK(get(made.id).json.at("last_failed_at").is_null()); // nothing is known of its receiver

        // Every retry is still there for the receiver.
        world.outbound.answers([](const outbound::Request&) -> Result<outbound::Answer> {
            return outbound::Answer{500, {}, ""};
        });
        world.restart();
        for (int i = 0; i < 8; ++i) {
            CHECK(get(made.id).text("state") == "active");
            CHECK(carry() == 1);
            world.clock.advance(29h);
        }
        CHECK(get(made.id).text("state") == "failing");
        auto sent = world.outbound.take();
        REQUIRE(sent.size() == 9);
        CHECK(header(sent[0], "webhook-id") == header(sent[8], "webhook-id"));
        CHECK(sent[0].body == sent[8].body);
    }

    TEST_CASE_FIXTURE(HookWorld, "beyond a thousand that wait the oldest is given up") {
        auto made = make();
        announce("backup.failed", "bak_oldest");
        for (std::int64_t i = 0; i < webhooks::max_waiting; ++i) announce("backup.failed");
        CHECK(get(made.id).json.at("waiting") == webhooks::max_waiting);
        auto failed = deliveries(made.id, "&state=failed");
        REQUIRE(failed.size() == 1);
        CHECK(failed[0].at("error").at("code") == "webhook_queue_full");
    }

    TEST_CASE_FIXTURE(HookWorld, "tests wait up to ten, and disabling ends what waits") {
        auto made = make();
        for (std::int64_t i = 0; i < webhooks::max_tests; ++i) CHECK(test(made.id).status == 202);
        CHECK(test(made.id).code() == "too_many_tests");
        REQUIRE(world.in_org("PATCH", path(made.id), {{"enabled", false}}).status == 200);
        CHECK(get(made.id).json.at("waiting") == 0);
        CHECK(get(made.id).json.at("disabled").at("code") == "by_user");
        carry();
        CHECK(world.outbound.take().empty());
        // A test goes out all the same: to see whether it may be enabled.
        CHECK(test(made.id).status == 202);
        CHECK(carry() == 1);
    }

    TEST_CASE_FIXTURE(
        HookWorld, "deliveries are forgotten after thirty days, with their attempts"
    ) {
        auto made = make();
        test(made.id);
        carry();
        world.clock.advance(webhooks::deliveries_kept);
        REQUIRE(world.core->queue.tidy(world.clock.now()));
        CHECK(deliveries(made.id).size() == 1);
        world.clock.advance(1ms);
        REQUIRE(world.core->queue.tidy(world.clock.now()));
        CHECK(deliveries(made.id).empty());
        CHECK(world.one<std::int64_t>("SELECT count(*) FROM webhook_attempt") == 0);
    }

    TEST_CASE_FIXTURE(HookWorld, "the newest ten thousand deliveries of a webhook are kept") {
        auto made = make();
        test(made.id);
        carry();
        auto newest = str(deliveries(made.id).at(0).at("id"));
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                "INSERT INTO webhook_delivery (id, org_id, webhook_id, event, about, payload, "
                "state, by_hand, created_ms) SELECT printf('msg_%026d', i), $2, $3, "
                "'server.online', '', '{}', 'delivered', 0, $4 FROM n",
                webhooks::max_kept + 700, world.org.org(), made.id, world.clock.now()
            );
        }));
        REQUIRE(world.core->queue.tidy(world.clock.now()));
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM webhook_delivery") == webhooks::max_kept
        );
        CHECK(str(deliveries(made.id).at(0).at("id")) == newest);
    }

    TEST_CASE_FIXTURE(HookWorld, "[S-ISO-07] nothing of another organization reaches a webhook") {
        auto made = make();
        test(made.id);
        carry();
        auto own = str(deliveries(made.id).at(0).at("id"));
        world.act_for(world.other);
        auto theirs = make({{"url", "https://other.example.org/"}});
        for (const auto& [method, below] :
             std::initializer_list<std::pair<std::string, std::string>>{
                 {"GET", ""},
                 {"DELETE", ""},
                 {"POST", "/test"},
                 {"POST", "/rotate-secret"},
                 {"GET", "/deliveries"},
                 {"GET", "/deliveries/" + own},
                 {"POST", "/deliveries/" + own + "/replay"}}) {
            CAPTURE(method + below);
            CHECK(world.in_org(method, path(made.id, below)).status == 404);
        }
        // Nor by the id of one's own webhook.
        CHECK(world.in_org("GET", path(theirs.id, "/deliveries/" + own)).status == 404);
        world.outbound.take();
        announce("backup.failed");
        carry();
        auto sent = world.outbound.take();
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].url.starts_with("https://hooks.example.org"));
        CHECK(deliveries(theirs.id).empty());
    }
}
