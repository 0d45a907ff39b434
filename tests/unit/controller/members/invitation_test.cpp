#include "office.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

namespace {

Reply accept(Office& office, const Person& who, const std::string& token) {
    return office.as(who, "POST", "/api/v1/invitations/accept", {{"token", token}});
}

/// What the letter has behind the # of its link.
std::string mailed_token(const Office& office) {
    REQUIRE(!office.mailed.empty());
    std::string link(office.mailed.back().link.reveal());
    return link.substr(link.find('#') + 1);
}

} // namespace

TEST_SUITE("controller/members") {
    TEST_CASE("an invitation that was mailed lets its addressee in, once") {
        Office office;
        auto made = office.in(
            office.ann, "POST", "/invitations", {{"role", "viewer"}, {"email", " Bob@Example.org"}}
        );
        REQUIRE(made.status == 201);
        CHECK(made.json.at("mailed") == true);
        REQUIRE(office.mailed.size() == 1);
        const auto& letter = office.mailed[0];
        CHECK(letter.to == "bob@example.org");
        CHECK(letter.text.find(letter.link.reveal()) != std::string::npos);
        CHECK(letter.text.find(made.text("token")) == std::string::npos);
        CHECK(letter.text.find("ann@example.org") != std::string::npos);
        auto token = made.text("token");
        CHECK(made.text("link") == "https://fairlead.example/invitation#" + token);
        CHECK(
            office.one<std::int64_t>(
                "SELECT count(*) FROM invitation WHERE token_hash LIKE $1", "%" + token + "%"
            ) == 0
        );

        auto facts = office.as({}, "POST", "/api/v1/invitations/check", {{"token", token}});
        REQUIRE(facts.status == 200);
        CHECK(facts.text("org_name") == "Acme");
        CHECK(facts.text("role_name") == "viewer");
        CHECK(facts.text("email") == "bob@example.org");
        CHECK(facts.json.at("can_register") == false);
        auto by_letter =
            office.as({}, "POST", "/api/v1/invitations/check", {{"token", mailed_token(office)}});
        CHECK(by_letter.json.at("can_register") == true);

        auto eva = office.person("eva@example.org");
        CHECK(accept(office, eva, token).code() == "invitation_for_another");
        auto bob = office.person("bob@example.org");
        auto entered = accept(office, bob, token);
        CHECK(entered.status == 200);
        CHECK(entered.text("org_id") == office.org.org().str());
        CHECK(office.in(bob, "GET", "/servers").status == 200);
        CHECK(office.acts().back() == "invitation.accept by bob@example.org");
        CHECK(accept(office, bob, token).code() == "invitation_invalid");
        auto list = office.in(office.ann, "GET", "/invitations");
        CHECK(list.json.at("data").at(0).at("status") == "used_up");
    }

    TEST_CASE("whoever has no account makes one by the invitation, whose address it proves") {
        Office office;
        auto made = office.in(
            office.ann, "POST", "/invitations", {{"role", "viewer"}, {"email", "new@example.org"}}
        );
        auto sign_up = [&](const std::string& token, const std::string& password) {
            return office.as(
                {}, "POST", "/api/v1/invitations/register",
                {{"token", token}, {"name", "New"}, {"password", password}}
            );
        };
        REQUIRE(made.status == 201);
        auto token = mailed_token(office);
        CHECK(sign_up(token, "short").blames("password"));
        CHECK(sign_up(token.substr(0, 40) + "aa", "four words without sense").status == 404);
        CHECK(sign_up(token, "four words without sense").status == 201);
        CHECK(
            office.one<std::int64_t>(
                "SELECT count(*) FROM app_user WHERE email = 'new@example.org' AND verified_ms IS "
                "NOT NULL AND password_hash <> ''"
            ) == 1
        );
        auto person = office.person("new@example.org");
        CHECK(office.in(person, "GET", "/servers").status == 200);
        CHECK(office.acts().back() == "invitation.accept by new@example.org");
        CHECK(sign_up(token, "four words without sense").code() == "invitation_invalid");

        auto known = office.in(
            office.ann, "POST", "/invitations", {{"role", "none"}, {"email", "zoe@example.org"}}
        );
        REQUIRE(known.status == 201);
        CHECK(sign_up(mailed_token(office), "four words without sense").code() == "account_exists");
        // Somebody typed another's address into a form and waits; it is not theirs.
        auto squatter = office.person("sam@example.org");
        REQUIRE(office.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "UPDATE app_user SET verified_ms = NULL WHERE id = $1", squatter.id
            );
        }));
        auto for_sam = office.in(
            office.ann, "POST", "/invitations", {{"role", "none"}, {"email", "sam@example.org"}}
        );
        // Nor does whoever invites get at it, whose token came by no letter.
        CHECK(
            sign_up(for_sam.text("token"), "four words without sense").code() ==
            "invitation_not_bound"
        );
        CHECK(office.as(squatter, "GET", "/api/v1/permissions").status == 200);
        CHECK(sign_up(mailed_token(office), "four words without sense").status == 201);
        CHECK(office.as(squatter, "GET", "/api/v1/permissions").status == 401);

        auto open = office.in(office.ann, "POST", "/invitations", {{"role", "none"}, {"uses", 2}});
        CHECK(
            sign_up(open.text("token"), "four words without sense").code() == "invitation_not_bound"
        );
        auto closed = office.in(
            office.ann, "POST", "/invitations", {{"role", "none"}, {"email", "no@example.org"}}
        );
        office.parts.may_register = false;
        CHECK(
            sign_up(closed.text("token"), "four words without sense").code() ==
            "registration_closed"
        );
    }

    TEST_CASE("whoever invites proves nobody's address") {
        Office office;
        auto made = office.in(
            office.ann, "POST", "/invitations",
            {{"role", "viewer"}, {"email", "victim@example.org"}}
        );
        auto sign_up = [&](const std::string& token) {
            return office.as(
                {}, "POST", "/api/v1/invitations/register",
                {{"token", token}, {"name", "Eve"}, {"password", "four words without sense"}}
            );
        };
        auto accounts = [&] {
            return office.one<std::int64_t>(
                "SELECT count(*) FROM app_user WHERE email = 'victim@example.org'"
            );
        };
        auto token = made.text("token");
        auto refused = sign_up(token);
        CHECK(refused.status == 409);
        CHECK(refused.code() == "invitation_not_bound");
        CHECK(accounts() == 0);
        CHECK(boost::json::serialize(made.json).find(mailed_token(office)) == std::string::npos);
        CHECK(sign_up(mailed_token(office)).status == 201);
        CHECK(accounts() == 1);
        // Both tokens are of the one invitation, which is used up.
        auto victim = office.person("victim@example.org");
        CHECK(accept(office, victim, token).code() == "invitation_invalid");
    }

    TEST_CASE("a link for several people is for as many as it says, until it runs out") {
        Office office;
        auto project = office.project("Shop");
        auto made = office.in(
            office.ann, "POST", "/invitations",
            {{"role", "developer"}, {"uses", 2}, {"projects", {project}}, {"expires_in_s", 3600}}
        );
        REQUIRE(made.status == 201);
        CHECK(made.json.at("mailed") == false);
        auto token = made.text("token");
        auto bob = office.person("bob@example.org");
        CHECK(accept(office, bob, token).status == 200);
        CHECK(accept(office, bob, token).code() == "already_member");
        auto self = office.in(office.ann, "GET", office.path(bob));
        CHECK(self.json.at("projects").as_array().at(0).as_string() == project);
        CHECK(accept(office, office.person("eva@example.org"), token).status == 200);
        CHECK(accept(office, office.person("dan@example.org"), token).status == 404);

        auto late = office.in(
            office.ann, "POST", "/invitations", {{"role", "viewer"}, {"expires_in_s", 300}}
        );
        office.clock.advance(std::chrono::seconds(299));
        CHECK(
            office.as({}, "POST", "/api/v1/invitations/check", {{"token", late.text("token")}}
            ).status == 200
        );
        office.clock.advance(std::chrono::seconds(1));
        CHECK(
            accept(office, office.person("dan@example.org"), late.text("token")).code() ==
            "invitation_invalid"
        );
    }

    TEST_CASE("an invitation is taken back, also with whoever made it") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        auto first = office.in(adam, "POST", "/invitations", {{"role", "admin"}});
        auto second = office.in(office.ann, "POST", "/invitations", {{"role", "admin"}});
        auto id = std::string(second.json.at("invitation").at("id").as_string());
        CHECK(office.in(office.ann, "DELETE", "/invitations/" + id).status == 204);
        CHECK(office.in(office.ann, "DELETE", "/invitations/" + id).status == 204);
        CHECK(office.in(office.ann, "DELETE", office.path(adam)).status == 204);
        for (const auto& made : {first, second})
            CHECK(accept(office, adam, made.text("token")).code() == "invitation_invalid");
    }

    TEST_CASE("an invitation gives nothing that whoever made it holds no more") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        auto made = office.in(adam, "POST", "/invitations", {{"role", "admin"}});
        REQUIRE(made.status == 201);
        auto bob = office.person("bob@example.org");
        auto role = [&](const char* name) {
            return office.in(office.ann, "PATCH", office.path(adam), {{"role", name}}).status;
        };
        REQUIRE(role("viewer") == 200);
        CHECK(accept(office, bob, made.text("token")).code() == "invitation_invalid");
        REQUIRE(role("admin") == 200);
        CHECK(accept(office, bob, made.text("token")).status == 200);
    }

    TEST_CASE("the letter of an invitation that is taken back goes out no more") {
        Office office;
        auto made = office.in(
            office.ann, "POST", "/invitations", {{"role", "viewer"}, {"email", "bob@example.org"}}
        );
        auto id = std::string(made.json.at("invitation").at("id").as_string());
        REQUIRE(office.in(office.ann, "DELETE", "/invitations/" + id).status == 204);
        CHECK(office.hooks == std::vector<std::string>{"unmail " + id + " bob@example.org"});
    }

    TEST_CASE("an organization invites a hundred times a day, whatever becomes of it") {
        Office office;
        auto invite = [&] {
            return office.in(office.ann, "POST", "/invitations", {{"role", "viewer"}});
        };
        for (int i = 0; i < 100; ++i) {
            auto made = invite();
            REQUIRE(made.status == 201);
            auto id = std::string(made.json.at("invitation").at("id").as_string());
            REQUIRE(office.in(office.ann, "DELETE", "/invitations/" + id).status == 204);
        }
        CHECK(invite().status == 429);
        REQUIRE(office.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE invitation SET created_ms = created_ms - 86400000");
        }));
        CHECK(invite().status == 201);
    }

    TEST_CASE("what an invitation may ask for has limits") {
        Office office;
        auto wrong = [&](boost::json::value body, const char* field) {
            CAPTURE(field);
            CHECK(office.in(office.ann, "POST", "/invitations", std::move(body)).blames(field));
        };
        wrong({{"role", "king"}}, "role");
        wrong({{"role", "viewer"}, {"uses", 51}}, "uses");
        wrong({{"role", "viewer"}, {"uses", 2}, {"email", "a@example.org"}}, "uses");
        wrong({{"role", "viewer"}, {"email", "nobody"}}, "email");
        wrong({{"role", "viewer"}, {"expires_in_s", 60}}, "expires_in_s");
        wrong({{"role", "viewer"}, {"projects", {"prj_01JD8Q4M3N7V5X2K9B6T0W1YHZ"}}}, "projects");
        wrong({{"role", "viewer"}, {"projects", boost::json::array()}}, "projects");
        auto there = office.in(
            office.ann, "POST", "/invitations", {{"role", "viewer"}, {"email", "ann@example.org"}}
        );
        CHECK(there.code() == "already_member");
    }
}
