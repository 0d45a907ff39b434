#include "controller/pushes/payload.hpp"
#include "payloads.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::pushes;
using namespace fairlead::test;
using Kind = Change::Kind;
using What = Payload::What;

namespace {

Payload read(Provider provider, std::string event, const boost::json::value& body) {
    auto payload = read_payload({provider, std::move(event), ""}, body);
    REQUIRE_MESSAGE(payload, payload.error().message());
    return *payload;
}

bool has_url(const Payload& payload, std::string_view url) {
    return std::find(payload.urls.begin(), payload.urls.end(), url) != payload.urls.end();
}

} // namespace

TEST_SUITE("controller/pushes/payload") {

    TEST_CASE("pushes of all providers say the same") {
        struct Row {
            Provider provider;
            const char* event;
            boost::json::object body;
            const char *repository, *pusher;
        };
        const Row rows[] = {
            {Provider::github, "push", github_push(), "odoo/odoo", "octocat"},
            {Provider::gitlab, "Push Hook", gitlab_push(), "odoo", "jsmith"},
            {Provider::bitbucket, "repo:push", bitbucket_push(), "odoo", "emmap1"},
            {Provider::gitea, "push", gitea_push(), "odoo", "gitea"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.event);
            auto payload = read(row.provider, row.event, row.body);
            CHECK(payload.what == What::push);
            CHECK(payload.repository == row.repository);
            CHECK(payload.pusher == row.pusher);
            CHECK(has_url(payload, "https://git.example.com/odoo"));
            REQUIRE(payload.changes.size() == 1);
            CHECK(payload.changes[0].kind == Kind::branch);
            CHECK(payload.changes[0].name == "19.0");
            CHECK(payload.changes[0].commit == commit_1);
            CHECK_FALSE(payload.changes[0].deleted);
        }
        CHECK(has_url(read(Provider::gitea, "push", gitea_push()), "gitea@git.example.com:odoo.git")
        );
        CHECK(has_url(
            read(Provider::gitlab, "Push Hook", gitlab_push()), "git@git.example.com:odoo.git"
        ));
    }

    TEST_CASE("tags, deleted branches and other names are told apart") {
        for (auto provider : {Provider::github, Provider::gitea}) {
            auto tag = read(provider, "push", github_push("refs/tags/v1")).changes.at(0);
            CHECK(tag.kind == Kind::tag);
            CHECK(tag.name == "v1");
            auto gone =
                read(provider, "push", github_push("refs/heads/x", no_commit)).changes.at(0);
            CHECK(gone.deleted);
            CHECK(gone.commit.empty());
            auto note = read(provider, "push", github_push("refs/notes/x")).changes.at(0);
            CHECK(note.kind == Kind::other);
            // "create" and "delete" events have names without refs/heads/.
            CHECK(read(provider, "push", github_push("19.0")).changes.at(0).kind == Kind::other);
        }
        auto gone = read(Provider::gitea, "push", gitea_push("refs/heads/x", no_commit));
        CHECK(gone.changes.at(0).deleted);
        auto tag = read(Provider::gitlab, "Tag Push Hook", gitlab_push("refs/tags/v1"));
        CHECK(tag.changes.at(0).kind == Kind::tag);
        CHECK(read(Provider::gitlab, "Push Hook", gitlab_push("refs/heads/x", no_commit))
                  .changes.at(0)
                  .deleted);
    }

    TEST_CASE("one push to Bitbucket changes several names") {
        auto payload = read(
            Provider::bitbucket, "repo:push",
            bitbucket_push(
                {bitbucket_change("a", commit_1), bitbucket_change("v1", commit_1, "tag"),
                 bitbucket_change("b", commit_2, "branch", true)}
            )
        );
        REQUIRE(payload.changes.size() == 3);
        CHECK(payload.changes[1].kind == Kind::tag);
        CHECK(payload.changes[2].name == "b");
        CHECK(payload.changes[2].deleted);
        boost::json::array many;
        for (int i = 0; i < 1000; ++i)
            many.push_back(bitbucket_change("b" + std::to_string(i), commit_1));
        auto bounded = read(Provider::bitbucket, "repo:push", bitbucket_push(std::move(many)));
        CHECK(bounded.changes.size() == most_changes);
    }

    TEST_CASE("pings and other events need nothing of a push") {
        CHECK(read(Provider::github, "ping", {{"zen", "Keep it simple."}}).what == What::ping);
        CHECK(read(Provider::bitbucket, "diagnostics:ping", {{"test", true}}).what == What::ping);
        CHECK(read(Provider::github, "issues", {{"action", "opened"}}).what == What::other);
        CHECK(read(Provider::gitlab, "Merge Request Hook", gitlab_push()).what == What::other);
        CHECK(read(Provider::gitea, "pull_request", gitea_push()).what == What::other);
        CHECK(read(Provider::bitbucket, "repo:fork", bitbucket_push()).what == What::other);
    }

    TEST_CASE("what has another shape is absent or refused, never more") {
        const std::pair<Provider, const char*> senders[] = {
            {Provider::github, "push"},
            {Provider::gitlab, "Push Hook"},
            {Provider::bitbucket, "repo:push"},
            {Provider::gitea, "push"}};
        const char* texts[] = {
            "null",
            "[]",
            "\"refs/heads/main\"",
            "7",
            "{}",
            R"({"ref": null})",
            R"({"ref": 7, "after": 8, "repository": 9})",
            R"({"ref": ["refs/heads/19.0"]})",
            R"({"ref": ""})",
            R"({"push": null})",
            R"({"push": {"changes": {}}})",
            R"({"push": {"changes": "all"}})",
        };
        for (const auto& [provider, event] : senders)
            for (const auto* text : texts) {
                CAPTURE(event);
                CAPTURE(text);
                auto read = read_payload({provider, event, ""}, boost::json::parse(text));
                REQUIRE_FALSE(read);
                CHECK(read.error().kind() == Errc::invalid);
                CHECK_FALSE(read.error().fields().empty());
            }
        auto odd = read(
            Provider::bitbucket, "repo:push",
            boost::json::parse(R"({"push": {"changes": [null, 7, "x", [], {}, {"new": 1, "old": 2},
                {"new": {"type": "branch", "name": {"a": 1}, "target": []}}]},
                "repository": {"links": []}, "actor": [1]})")
        );
        CHECK(odd.changes.size() == 7);
        for (const auto& change : odd.changes) CHECK(change.name.empty());
        CHECK(odd.urls.empty());
        auto other = read(
            Provider::github, "push",
            boost::json::parse(R"({"ref": "refs/heads/19.0", "after": "not a commit; rm -rf /",
                "deleted": "yes", "repository": {"clone_url": {"a": 1}, "ssh_url": 7,
                "full_name": ["x"]}, "pusher": "root"})")
        );
        CHECK(other.changes.at(0).commit.empty());
        CHECK_FALSE(other.changes.at(0).deleted);
        CHECK(other.urls.empty());
        CHECK(other.repository.empty());
        CHECK(other.pusher.empty());
    }

    TEST_CASE("texts are one line, and cut") {
        auto body = github_push("refs/heads/" + std::string(100'000, 'x'));
        body["pusher"].as_object()["name"] = "a\nb\x1b[31m\x7f\xc3\xa9";
        body["repository"].as_object()["full_name"] = std::string(199, 'r') + "\xc3\xa9\xc3\xa9";
        body["repository"].as_object()["clone_url"] = "https://a/" + std::string(100'000, 'x');
        auto payload = read(Provider::github, "push", body);
        CHECK(payload.changes.at(0).name.size() < 210);
        CHECK(payload.pusher == "a b [31m \xc3\xa9");
        CHECK(payload.repository == std::string(199, 'r') + "…");
        for (const auto& url : payload.urls) CHECK(url.size() < 100);
    }
}
