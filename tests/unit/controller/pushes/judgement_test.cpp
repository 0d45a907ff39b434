#include "controller/environments/git_address.hpp"
#include "controller/pushes/judgement.hpp"
#include "payloads.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::pushes;
using namespace fairlead::test;

namespace {

const std::vector<Source> made_of{
    {"odoo", "https://git.example.com/odoo", "19.0", true},
    {"shop", "git@git.example.com:acme/shop.git", "main", true},
    {"themes", "https://git.example.com/acme/themes", "main", false}};

Judgement of(std::string event, const boost::json::value& body, Provider from = Provider::github) {
    Delivery delivery{from, std::move(event), ""};
    auto payload = read_payload(delivery, body);
    REQUIRE(payload);
    return judge(delivery, *payload, made_of);
}

boost::json::object push_to(std::string path, std::string ref, std::string after = commit_1) {
    auto body = github_push(std::move(ref), std::move(after));
    body["repository"] = {
        {"full_name", path},
        {"clone_url", "https://git.example.com/" + path + ".git"},
        {"ssh_url", "git@git.example.com:" + path + ".git"}};
    return body;
}

} // namespace

TEST_SUITE("controller/pushes/judgement") {

    TEST_CASE("a push to a branch that the environment is made of deploys it") {
        auto odoo = of("push", github_push());
        CHECK(odoo.reason == "");
        CHECK(odoo.branch == "19.0");
        CHECK(odoo.commit == commit_1);
        CHECK(of("push", push_to("acme/shop", "refs/heads/main")).reason == "");
        CHECK(of("Push Hook", gitlab_push(), Provider::gitlab).reason == "");
        CHECK(of("repo:push", bitbucket_push(), Provider::bitbucket).reason == "");
        CHECK(of("push", gitea_push(), Provider::gitea).reason == "");
    }

    TEST_CASE("everything else says why not, and whether that can change") {
        struct Row {
            const char* event;
            boost::json::value body;
            const char* reason;
            bool settled;
        };
        const Row rows[] = {
            {"ping", {{"zen", "x"}}, "ping", true},
            {"release", {{"action", "published"}}, "other_event", true},
            {"push", push_to("acme/shop", "refs/heads/19.0"), "other_branch", false},
            {"push", push_to("acme/shop", "refs/heads/MAIN"), "other_branch", false},
            {"push", push_to("acme/shop", "refs/heads/main/x"), "other_branch", false},
            {"push", push_to("acme/shop", "refs/heads/main", no_commit), "branch_deleted", true},
            {"push", push_to("acme/shop", "refs/tags/main"), "tag", true},
            {"push", push_to("acme/shop", "refs/pull/7/head"), "other_event", true},
            {"push", push_to("acme/shop", "main"), "other_event", true},
            {"push", push_to("acme/themes", "refs/heads/main"), "other_repository", false},
            {"push", push_to("mallory/shop", "refs/heads/main"), "other_repository", false},
            {"push", {{"ref", "refs/heads/main"}}, "other_repository", false},
        };
        for (const auto& row : rows) {
            CAPTURE(boost::json::serialize(row.body));
            auto judged = of(row.event, row.body);
            CHECK(judged.reason == row.reason);
            CHECK(judged.settled == row.settled);
            CHECK_FALSE(judged.detail.empty());
        }
    }

    TEST_CASE("of several changes the newest that counts is taken") {
        auto judged =
            of("repo:push",
               bitbucket_push(
                   {bitbucket_change("19.0", commit_2), bitbucket_change("19.0", commit_1),
                    bitbucket_change("other", commit_2), bitbucket_change("v1", commit_2, "tag")}
               ),
               Provider::bitbucket);
        CHECK(judged.reason == "");
        CHECK(judged.commit == commit_1);
        auto nothing = of("repo:push", bitbucket_push(boost::json::array()), Provider::bitbucket);
        CHECK(nothing.reason == "other_event");
    }

    TEST_CASE("addresses of one repository are known in every spelling, and others are not") {
        using environments::same_repository;
        const char* one[] = {
            "https://git.example.com/acme/shop",       "https://git.example.com/acme/shop.git",
            "https://GIT.example.COM/acme/shop/",      "https://git.example.com:443/Acme/Shop.git/",
            "https://user@git.example.com./acme/shop", "http://git.example.com/acme/shop.git",
            "ssh://git@git.example.com/acme/shop.git", "ssh://git@git.example.com:22/acme/shop",
            "git@git.example.com:acme/shop.git",       "gitea@git.example.com:/acme/shop",
        };
        for (const auto* a : one)
            for (const auto* b : one) {
                CAPTURE(a);
                CAPTURE(b);
                CHECK(same_repository(a, b));
            }
        CHECK(same_repository("ssh://git@git.example.com:2222/acme/shop", one[0]));
        const char* others[] = {
            "https://git.example.com/acme/shop2",
            "https://git.example.com/acme/shop.git.git",
            "https://git.example.com/acme",
            "https://git.example.com/",
            "https://git.example.com",
            "https://git.example.org/acme/shop",
            "https://evil.example/git.example.com/acme/shop",
            "https://git.example.com@evil.example/acme/shop",
            "https://git.example.com:8443/acme/shop",
            "git@evil.example:git.example.com/acme/shop",
            "",
            "acme/shop",
            "://",
            "git@git.example.com",
        };
        for (const auto* other : others) {
            CAPTURE(other);
            CHECK_FALSE(same_repository(one[0], other));
            CHECK_FALSE(same_repository(other, one[0]));
        }
        CHECK_FALSE(same_repository("ssh://git@a.example:22/x/y", "ssh://git@a.example:2222/x/y"));
        CHECK_FALSE(same_repository("", ""));
    }
}
