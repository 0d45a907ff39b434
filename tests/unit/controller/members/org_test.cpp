#include "office.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

TEST_SUITE("controller/members") {
    TEST_CASE("anybody with a proven address makes organizations and owns them") {
        Office office;
        auto bob = office.person("bob@example.org");
        auto made = office.as(bob, "POST", "/api/v1/orgs", {{"name", "Bob & Sons"}});
        REQUIRE(made.status == 201);
        CHECK(made.text("slug") == "bob-sons");
        CHECK(made.text("plan") == "free");
        auto again = office.as(bob, "POST", "/api/v1/orgs", {{"name", "Bob & Sons"}});
        CHECK(again.text("slug") == "bob-sons-2");
        auto taken =
            office.as(bob, "POST", "/api/v1/orgs", {{"name", "Bob"}, {"slug", "bob-sons"}});
        CHECK(taken.code() == "slug_in_use");
        auto path = "/api/v1/orgs/" + made.id();
        auto self = office.as(bob, "GET", path + "/members/" + bob.id.str());
        CHECK(self.json.at("owner") == true);
        CHECK(
            office.one<std::string>(
                "SELECT action FROM audit_entry WHERE org_id = $1", made.id()
            ) == "org.create"
        );
        for (const char* slug : {"a", "-ab", "ab-", "a--b", "Ab", "a_b", "1a"}) {
            CAPTURE(slug);
            auto bad = office.as(bob, "POST", "/api/v1/orgs", {{"name", "x"}, {"slug", slug}});
            CHECK(bad.blames("slug"));
        }

        for (int i = 0; i < 18; ++i)
            CHECK(office.as(bob, "POST", "/api/v1/orgs", {{"name", "x"}}).status == 201);
        CHECK(office.as(bob, "POST", "/api/v1/orgs", {{"name", "x"}}).code() == "too_many_orgs");

        auto eva = office.person("eva@example.org");
        REQUIRE(office.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE app_user SET verified_ms = NULL WHERE id = $1", eva.id);
        }));
        CHECK(
            office.as(eva, "POST", "/api/v1/orgs", {{"name", "E"}}).code() == "email_not_verified"
        );
    }

    TEST_CASE("an organization is renamed by whoever may edit it") {
        Office office;
        auto dev = office.member("dev@example.org", "developer");
        CHECK(office.in(dev, "PATCH", "", {{"name", "New"}}).status == 403);
        auto edited = office.in(office.ann, "PATCH", "", {{"name", "New"}, {"slug", "new"}});
        CHECK(edited.status == 200);
        CHECK(edited.text("name") == "New");
        CHECK(edited.text("slug") == "new");
        CHECK(office.acts().back() == "org.edit by ann@example.org");
        auto taken = office.as(
            office.zoe, "PATCH", "/api/v1/orgs/" + office.other.org().str(), {{"slug", "new"}}
        );
        CHECK(taken.code() == "slug_in_use");
        CHECK(office.in(office.ann, "PATCH", "", boost::json::object()).status == 400);
    }

    TEST_CASE("only owners delete an organization, by its name and with a fresh proof [S-RBAC-12]"
    ) {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        std::vector<std::pair<std::string, std::string>> confirmed{{"x-confirm", "Acme"}};
        CHECK(office.in(adam, "DELETE", "", nullptr, confirmed).code() == "owner_required");
        CHECK(office.in(office.ann, "DELETE", "").code() == "confirmation_required");
        CHECK(
            office.in(office.ann, "DELETE", "", nullptr, {{"x-confirm", "Other"}}).code() ==
            "confirmation_mismatch"
        );
        CHECK(office.in(office.ann, "DELETE", "", nullptr, confirmed).status == 204);
        CHECK(office.acts().back() == "org.delete by ann@example.org");
        CHECK(office.in(office.ann, "GET", "").status == 404);
        CHECK(office.in(adam, "GET", "").status == 404);
    }

    TEST_CASE("an organization with environments or servers that are not revoked is not deleted") {
        Office office;
        std::vector<std::pair<std::string, std::string>> confirmed{{"x-confirm", "Acme"}};
        auto server = office.add_server();
        auto environment = office.environment(office.project("Shop"), server);
        auto refused = office.in(office.ann, "DELETE", "", nullptr, confirmed);
        CHECK(refused.code() == "org_in_use");
        CHECK(refused.text("detail").find("1 environments") != std::string::npos);
        office.in(
            office.ann, "DELETE", "/environments/" + environment, nullptr,
            {{"x-confirm", office.one<std::string>("SELECT name FROM environment")}}
        );
        refused = office.in(office.ann, "DELETE", "", nullptr, confirmed);
        CHECK(refused.text("detail").find("1 servers") != std::string::npos);
        office.in(
            office.ann, "POST", "/servers/" + server.str() + "/revoke", nullptr,
            {{"x-confirm", "odoo-fra-1"}}
        );
        CHECK(office.in(office.ann, "DELETE", "", nullptr, confirmed).status == 204);
    }

    TEST_CASE("what a deleted organization had is gone, and its audit log still verifies") {
        Office office;
        auto bob = office.member("bob@example.org", office.role("Ops", {"servers.view"}));
        office.project("Shop");
        auto credential = office.in(
            office.ann, "POST", "/git-credentials",
            {{"name", "git"}, {"host", "github.com"}, {"kind", "token"}, {"secret", "s3cret-token"}}
        );
        CHECK(credential.status == 201);
        auto token = office.in(office.ann, "POST", "/registration-tokens", {{"name", "token"}});
        auto invited = office.in(office.ann, "POST", "/invitations", {{"role", "viewer"}});
        office.stream_ends.bonds.clear();
        auto before = office.acts().size();
        CHECK(office.in(office.ann, "DELETE", "", nullptr, {{"x-confirm", "Acme"}}).status == 204);
        CHECK(office.ended().size() == 3); // two members, and visitors
        auto left = [&](store::Sql sql) { return office.one<std::int64_t>(sql, office.org.org()); };
        CHECK(left("SELECT count(*) FROM membership WHERE org_id = $1") == 0);
        CHECK(left("SELECT count(*) FROM role WHERE org_id = $1") == 0);
        CHECK(left("SELECT count(*) FROM project WHERE org_id = $1") == 0);
        CHECK(left("SELECT count(*) FROM git_credential WHERE org_id = $1") == 0);
        CHECK(left("SELECT count(*) FROM registration_token WHERE org_id = $1") == 0);
        CHECK(left("SELECT count(*) FROM invitation WHERE org_id = $1") == 0);
        CHECK(
            left("SELECT count(*) FROM audit_leaf WHERE org_id = $1") ==
            static_cast<std::int64_t>(before) + 1
        );
        REQUIRE(office.notary.sign_news(office.clock.now()));
        auto enrolled = office.call(
            "POST", "/api/v1/agent/enroll",
            {{"token", token.text("token")},
             {"csr", crypto::make_csr(crypto::P256Key::generate(), "agent")},
             {"name", "odoo-2"},
             {"facts", boost::json::object()}}
        );
        CHECK(enrolled.code() == "token_unknown");
        auto accepted = office.as(
            bob, "POST", "/api/v1/invitations/accept", {{"token", invited.text("token")}}
        );
        CHECK(accepted.code() == "invitation_invalid");
    }
}
