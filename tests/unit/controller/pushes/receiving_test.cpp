#include "controller/pushes/push_repo.hpp"
#include "fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/pushes/receiving") {

    TEST_CASE_FIXTURE(PushWorld, "a hook that is not known is answered like a bad signature") {
        set_up();
        auto text = boost::json::serialize(github_push());
        auto bad = send(text, "d1", "push", "another secret");
        CHECK(bad.status == 401);
        CHECK(bad.code() == "hook_refused");
        auto was = hook;
        std::vector<Reply> others;
        // Well formed and nobody's; not well formed; another's; without a provider.
        hook = "/api/v1/hooks/push/" + std::string(crypto::make_token("").reveal());
        others.push_back(send(text, "d2", "push", secret));
        hook = was.substr(0, was.size() - 1) + (was.back() == 'a' ? 'b' : 'a');
        others.push_back(send(text, "d3", "push", secret));
        hook = "/api/v1/hooks/push/" + std::string(5000, 'a');
        others.push_back(send(text, "d4", "push", secret));
        hook = was;
        others.push_back(world.call("POST", hook, boost::json::value(text)));
        others.push_back(
            world.call("POST", hook, boost::json::value(text), {{"x-github-event", "push"}})
        );
        others.push_back(world.call(
            "POST", hook, boost::json::value(text),
            {{"x-gitlab-event", "Push Hook"}, {"x-gitlab-token", "wrong"}}
        ));
        for (const auto& other : others) {
            CHECK(other.status == 401);
            CHECK(other.json == bad.json);
        }
        CHECK(pushes().empty());
        CHECK(count("environment.deploy") == 1);
        // Bad ones of the hook itself are counted for whoever set it up.
        CHECK(settings().json.at("refused").at("count") == 3);
    }

    TEST_CASE_FIXTURE(
        PushWorld, "nothing is parsed before it is proved, and nonsense is refused after"
    ) {
        set_up();
        const std::string texts[] = {
            "",
            "{",
            "not json",
            "[]",
            "null",
            "{\"ref\": 7}",
            "payload=%7B%7D",
            "{\"x\":" + std::string(40, '[') + std::string(40, ']') + "}",
            "\xff\xfe",
            "{\"ref\":\"refs/heads/19.0\",\"ref\":7}"};
        for (const auto& text : texts) {
            CAPTURE(text);
            CHECK(send(text, "a", "push", "wrong").status == 401);
            CHECK(send(text, "a", "push", secret).status == 400);
        }
        CHECK(pushes().empty());
        // An address that was shown anybody is no way in.
        CHECK(world.call("GET", hook).status == 405);
    }

    TEST_CASE_FIXTURE(PushWorld, "a delivery that was seen before does nothing again") {
        set_up();
        auto body = fresh();
        CHECK(push(body, "once").text("outcome") == "queued");
        end(newest_push("operation_id"));
        auto again = push(body, "once");
        CHECK(again.status == 200);
        CHECK(again.text("outcome") == "seen_before");
        // Also with another body under its id, and with its body under another id.
        CHECK(push(fresh(), "once").text("outcome") == "seen_before");
        CHECK(push(body, "other").text("outcome") == "seen_before");
        CHECK(push(body, " ").text("outcome") == "seen_before");
        world.restart();
        agent.connect();
        CHECK(push(body, "once").text("outcome") == "seen_before");
        CHECK(pushes().size() == 1);
        CHECK(count("environment.deploy") == 2);
        // Another hook does not know it.
        auto other = live(in, "Other");
        set_up({}, other);
        CHECK(push(body, "once").text("outcome") == "queued");
    }

    TEST_CASE_FIXTURE(
        PushWorld, "GitLab's token is proof each time, and its id makes the difference"
    ) {
        set_up();
        auto text = boost::json::serialize(gitlab_push());
        auto send_as = [&](std::string id) {
            world.clock.advance(std::chrono::seconds(3));
            return world.call(
                "POST", hook, boost::json::value(text),
                {{"x-gitlab-event", "Push Hook"},
                 {"x-gitlab-token", secret},
                 {"x-gitlab-event-uuid", id}}
            );
        };
        CHECK(send_as("1").text("outcome") == "queued");
        CHECK(send_as("1").text("outcome") == "seen_before");
        // There and back again: the bodies of two pushes may be the same.
        CHECK(send_as("2").text("outcome") == "waiting");
    }

    TEST_CASE_FIXTURE(PushWorld, "pushes of every provider deploy") {
        set_up();
        struct Row {
            object body;
            Headers headers;
            std::string signature, prefix;
        };
        const Row rows[] = {
            {gitlab_push(), {{"x-gitlab-event", "Push Hook"}, {"x-gitlab-token", secret}}, "", ""},
            {bitbucket_push(),
             {{"x-event-key", "repo:push"}, {"x-request-uuid", "1"}},
             "x-hub-signature",
             "sha256="},
            {gitea_push(),
             {{"x-gitea-event", "push"}, {"x-gitea-delivery", "1"}},
             "x-gitea-signature",
             ""},
        };
        for (const auto& row : rows) {
            auto text = boost::json::serialize(row.body);
            auto headers = row.headers;
            if (!row.signature.empty())
                headers.emplace_back(
                    row.signature, row.prefix + crypto::hmac_sha256(secret, text).hex()
                );
            auto heard = world.call("POST", hook, boost::json::value(text), headers);
            REQUIRE_MESSAGE(heard.status == 202, boost::json::serialize(heard.json));
            CHECK(heard.text("outcome") == "queued");
            end(heard.text("operation_id"));
        }
    }

    TEST_CASE_FIXTURE(PushWorld, "what is kept of a hook is bounded, and what waits is kept") {
        set_up();
        auto under_way = ask("restart");
        delivered(under_way);
        CHECK(push(fresh()).text("outcome") == "waiting");
        for (int i = 0; i < 60; ++i) push(fresh("refs/heads/other"));
        CHECK(pushes().size() == pushes::max_listed + 1);
        end(under_way);
        auto list = pushes();
        CHECK(str(list.at(list.size() - 1).at("outcome")) == "queued");
        for (int i = 0; i < pushes::max_remembered + 10; ++i)
            CHECK(push(fresh("refs/tags/v1"), "tag-" + std::to_string(i)).status == 202);
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM push_delivery") == pushes::max_remembered
        );
        CHECK(pushes().size() == pushes::max_listed);
        CHECK(push(fresh("refs/tags/v1"), "tag-509").text("outcome") == "seen_before");
        CHECK(push(fresh("refs/tags/v1"), "tag-1").text("outcome") == "ignored");
        auto page = world.in_org("GET", "/environments/" + shop + "/pushes?limit=20");
        CHECK(page.json.at("data").as_array().size() == 20);
        CHECK(page.json.at("next_cursor").is_string());
    }

    TEST_CASE_FIXTURE(
        PushWorld, "a hook takes 30 a minute, and bad ones do not keep good ones out"
    ) {
        set_up();
        auto at_once = [&](const std::string& key, int i) {
            auto text = boost::json::serialize(fresh("refs/tags/v1"));
            return world.call(
                "POST", hook, boost::json::value(text),
                {{"x-github-event", "push"},
                 {"x-github-delivery", "r" + std::to_string(i)},
                 {"x-hub-signature-256", "sha256=" + crypto::hmac_sha256(key, text).hex()}}
            );
        };
        for (int i = 0; i < 30; ++i) CHECK(at_once("wrong", i).status == 401);
        auto limited = at_once("wrong", 30);
        CHECK(limited.status == 429);
        CHECK(limited.code() == "rate_limited");
        CHECK(limited.json.at("retry_after_s") == 2);
        for (int i = 0; i < 30; ++i) CHECK(at_once(secret, i).status == 202);
        CHECK(at_once(secret, 30).status == 429);
        world.clock.advance(std::chrono::seconds(2));
        CHECK(at_once(secret, 31).status == 202);
        // A hook that is not known keeps the same count, so that nobody learns which there are.
        hook = "/api/v1/hooks/push/" + std::string(crypto::make_token("").reveal());
        for (int i = 0; i < 30; ++i) CHECK(at_once(secret, i).status == 401);
        CHECK(at_once(secret, 30).status == 429);
        // An address has 300, whatever it is that it asks for.
        int taken = 0;
        for (; taken < 400; ++taken) {
            hook = "/api/v1/hooks/push/" + std::string(crypto::make_token("").reveal());
            if (at_once(secret, taken).status == 429) break;
        }
        CHECK(taken == 300 + 10 - 94);
    }
}
