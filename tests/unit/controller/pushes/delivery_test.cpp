#include "controller/pushes/delivery.hpp"
#include "payloads.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::pushes;
using test::Headers;

namespace {

api::Request request(Headers headers, std::string body = "") {
    api::Request made;
    made.method = api::Method::post;
    made.headers = std::move(headers);
    made.body = std::move(body);
    return made;
}

// Made by `openssl dgst -sha256 -hmac flp_a-secret`.
const std::string body =
    R"({"ref":"refs/heads/main","after":"d6fde92930d4715a2b49857d24b940956b26d2d3"})";
const std::string hex = "32773af2cce09949297019ea2920ce39d7ce75b1a48afb4cff9505de8a8837e0";
const std::string sha1 = "ea22cdcdb92a2f8dd4a4bb3baa16e7e1c8480952";
const std::string of_nothing = "6de0c087dd6ab8e5a5dd4e485a17d5ef0d3711a6cd7ddcd0f771f9f1042a2d4d";
const Secret secret("flp_a-secret");

bool good(Provider provider, Headers headers, const std::string& sent = body) {
    return proved(request(std::move(headers), sent), provider, secret);
}

} // namespace

TEST_SUITE("controller/pushes/delivery") {

    TEST_CASE("each provider's signature over the body proves it, as openssl computes it") {
        CHECK(good(Provider::github, {{"x-hub-signature-256", "sha256=" + hex}}));
        CHECK(good(Provider::bitbucket, {{"x-hub-signature", "sha256=" + hex}}));
        CHECK(good(Provider::gitlab, {{"x-gitlab-token", "flp_a-secret"}}));
        CHECK(good(Provider::gitea, {{"x-gitea-signature", hex}}));
        CHECK(good(Provider::gitea, {{"x-forgejo-signature", hex}}));
        CHECK(good(Provider::gitea, {{"x-hub-signature-256", "sha256=" + hex}}));
        CHECK(good(Provider::github, {{"x-hub-signature-256", "sha256=" + of_nothing}}, ""));
        std::string binary("\xc3\xa9\0\n", 4);
        CHECK(good(
            Provider::gitea,
            {{"x-gitea-signature",
              "9529e470d6d6d787429dae36c5293b58e8c68d76f48c024cbd5a6c82efc79ed6"}},
            binary
        ));
    }

    TEST_CASE("the example of GitHub's documentation comes out right") {
        auto sent = request(
            {{"x-hub-signature-256",
              "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
            "Hello, World!"
        );
        CHECK(proved(sent, Provider::github, Secret("It's a Secret to Everybody")));
        CHECK_FALSE(proved(sent, Provider::github, Secret("It's a secret to Everybody")));
    }

    TEST_CASE("GitLab's signing token is a secret of Standard Webhooks, for five minutes") {
        // The example that Standard Webhooks publishes.
        const Secret token("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        const std::string sent = R"({"test": 2432232314})", id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
                          mac = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        auto made = [&](std::string_view name = "", const std::string& value = "",
                        std::chrono::seconds later = {}) {
            Headers headers{
                {"x-gitlab-event", "Push Hook"},
                {"idempotency-key", "other"},
                {"webhook-id", id},
                {"webhook-timestamp", "1614265330"},
                {"webhook-signature", mac}};
            for (auto& header : headers)
                if (header.first == name) header.second = value;
            auto asked = request(std::move(headers), sent);
            asked.at = Timestamp(std::chrono::seconds(1614265330) + later);
            return asked;
        };
        auto proves = [&](const api::Request& asked, const Secret& by) {
            return proved(asked, Provider::gitlab, by);
        };
        CHECK(proves(made(), token));
        CHECK(proves(made("webhook-signature", "v1a,x v1,bm8= " + mac + " v1,bm8="), token));
        CHECK(proves(made("", "", std::chrono::minutes(5)), token));
        CHECK(proves(made("", "", -std::chrono::minutes(5)), token));
        CHECK_FALSE(proves(made("", "", std::chrono::seconds(301)), token));
        CHECK_FALSE(proves(made("", "", std::chrono::seconds(-301)), token));
        for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{
                 {"webhook-signature", ""},
                 {"webhook-signature", mac.substr(3)},
                 {"webhook-signature", "v2" + mac.substr(2)},
                 {"webhook-signature", mac.substr(0, mac.size() - 1)},
                 {"webhook-signature", mac + mac},
                 {"webhook-id", ""},
                 {"webhook-id", "other"},
                 {"webhook-timestamp", ""},
                 {"webhook-timestamp", "1614265331"},
                 {"webhook-timestamp", "1614265330 "},
                 {"webhook-timestamp", "99999999999999999999"}}) {
            CAPTURE(name);
            CAPTURE(value);
            CHECK_FALSE(proves(made(name, value), token));
        }
        auto other = made();
        other.body += " ";
        CHECK_FALSE(proves(other, token));
        for (const auto* wrong : {"whsec_", "whsec_!", "flp_a-secret", ""}) {
            CAPTURE(wrong);
            CHECK_FALSE(proves(made(), Secret(std::string(wrong))));
        }
        // Only GitLab does so, and the id that counts is the one that is signed.
        CHECK_FALSE(proved(made(), Provider::github, token));
        CHECK(delivery_of(made())->id == id);
        CHECK(delivery_of(made("webhook-signature", ""))->id == "other");
    }

    TEST_CASE("no other signature proves anything") {
        struct Row {
            const char* name;
            Provider provider;
            Headers headers;
        };
        auto cut = hex.substr(0, 63);
        auto upper = hex;
        upper[4] = 'A';
        const Row rows[] = {
            {"none", Provider::github, {}},
            {"empty", Provider::github, {{"x-hub-signature-256", ""}}},
            {"prefix alone", Provider::github, {{"x-hub-signature-256", "sha256="}}},
            {"no prefix", Provider::github, {{"x-hub-signature-256", hex}}},
            {"cut", Provider::github, {{"x-hub-signature-256", "sha256=" + cut}}},
            {"longer", Provider::github, {{"x-hub-signature-256", "sha256=" + hex + "0"}}},
            {"upper case", Provider::github, {{"x-hub-signature-256", "sha256=" + upper}}},
            {"SHA-1", Provider::github, {{"x-hub-signature", "sha1=" + sha1}}},
            {"SHA-1 for Bitbucket", Provider::bitbucket, {{"x-hub-signature", "sha1=" + sha1}}},
            {"another's header", Provider::github, {{"x-gitea-signature", hex}}},
            {"a signature as token", Provider::gitlab, {{"x-gitlab-token", hex}}},
            {"no token", Provider::gitlab, {}},
            {"part of the token", Provider::gitlab, {{"x-gitlab-token", "flp_a-secre"}}},
            {"more than the token", Provider::gitlab, {{"x-gitlab-token", "flp_a-secrets"}}},
            {"the token in place of a signature",
             Provider::gitea,
             {{"x-gitea-signature", "flp_a-secret"}}},
            {"a bad one of its own and a good one of GitHub's",
             Provider::gitea,
             {{"x-gitea-signature", cut + "1"}, {"x-hub-signature-256", "sha256=" + hex}}},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            CHECK_FALSE(good(row.provider, row.headers));
        }
        for (auto changed : {body + " ", body.substr(1), std::string()}) {
            CHECK_FALSE(good(Provider::github, {{"x-hub-signature-256", "sha256=" + hex}}, changed)
            );
            CHECK_FALSE(good(Provider::bitbucket, {{"x-hub-signature", "sha256=" + hex}}, changed));
            CHECK_FALSE(good(Provider::gitea, {{"x-gitea-signature", hex}}, changed));
        }
    }

    TEST_CASE("headers say who sends, which event, and which delivery") {
        struct Row {
            Headers headers;
            Provider provider;
            std::string event, id;
        };
        const Row rows[] = {
            {{{"x-github-event", "push"}, {"x-github-delivery", "72d3162e"}},
             Provider::github,
             "push",
             "72d3162e"},
            {{{"x-gitlab-event", "Push Hook"}, {"x-gitlab-event-uuid", "1"}},
             Provider::gitlab,
             "Push Hook",
             "1"},
            {{{"x-gitlab-event", "Push Hook"},
              {"x-gitlab-event-uuid", "1"},
              {"idempotency-key", "2"}},
             Provider::gitlab,
             "Push Hook",
             "2"},
            {{{"x-event-key", "repo:push"}, {"x-request-uuid", "u"}, {"x-hook-uuid", "h"}},
             Provider::bitbucket,
             "repo:push",
             "u"},
            // Gitea and Forgejo speak GitHub's language beside their own.
            {{{"x-github-event", "push"},
              {"x-github-delivery", "g"},
              {"x-gitea-event", "push"},
              {"x-gitea-delivery", "t"}},
             Provider::gitea,
             "push",
             "t"},
            {{{"x-forgejo-event", "push"}, {"x-forgejo-delivery", "f"}},
             Provider::gitea,
             "push",
             "f"},
            {{{"x-github-event", "push"}}, Provider::github, "push", ""},
        };
        for (const auto& row : rows) {
            CAPTURE(row.id);
            auto found = delivery_of(request(row.headers));
            REQUIRE(found);
            CHECK(found->provider == row.provider);
            CHECK(found->event == row.event);
            CHECK(found->id == row.id);
        }
        CHECK_FALSE(delivery_of(request({{"user-agent", "curl"}})));
        CHECK_FALSE(delivery_of(request({{"x-github-event", std::string(65, 'x')}})));
        auto longest = delivery_of(
            request({{"x-github-event", "a"}, {"x-github-delivery", std::string(999, 'x')}})
        );
        CHECK(longest->id.size() == 200);
    }
}
