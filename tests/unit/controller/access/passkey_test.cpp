#include "../support/authenticator.hpp"
#include "../support/site.hpp"
#include "common/crypto/encoding.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

constexpr auto keys = "/api/v1/account/passkeys";

/// Somebody at a browser, with an authenticator in hand.
struct Person {
    Site& site;
    std::string email;
    Browser browser{};
    Authenticator authenticator{};

    Reply send(std::string method, std::string path, boost::json::value body = nullptr) {
        return site.send(browser, std::move(method), std::move(path), std::move(body));
    }
    Reply password() {
        return send("POST", "/api/v1/session", {{"email", email}, {"password", Site::password}});
    }
    /// What the controller asks for; the authenticator keeps whose passkey it will be.
    std::string asked_to_create() {
        auto options = send("POST", std::string(keys) + "/options");
        REQUIRE(options.status == 200);
        authenticator.user_handle =
            crypto::base64url_decode(std::string(options.json.at("user").at("id").as_string()))
                .value();
        return Authenticator::challenge_of(options.json);
    }
    Reply add(const boost::json::object& credential, std::string name = "Laptop") {
        return send("POST", keys, {{"name", name}, {"credential", credential}});
    }
    Reply add() { return add(authenticator.create(asked_to_create())); }

    std::string asked_to_sign_in() {
        return Authenticator::challenge_of(send("POST", "/api/v1/session/passkey/options").json);
    }
    Reply sign_in(const boost::json::object& credential) {
        return send("POST", "/api/v1/session/passkey", {{"credential", credential}});
    }
    Reply sign_in(const Ceremony& how = {}) {
        return sign_in(authenticator.get(asked_to_sign_in(), how));
    }

    std::string waiting() {
        auto reply = password();
        REQUIRE(reply.status == 401);
        REQUIRE(reply.code() == "second_factor_required");
        return std::string(reply.json.at("challenge").as_string());
    }
    std::string asked_for_second(const std::string& waiting) {
        auto options =
            send("POST", "/api/v1/session/second-factor/passkey/options", {{"challenge", waiting}});
        REQUIRE(options.status == 200);
        return Authenticator::challenge_of(options.json);
    }
    Reply second(const std::string& waiting, const boost::json::object& credential) {
        return send(
            "POST", "/api/v1/session/second-factor/passkey",
            {{"challenge", waiting}, {"credential", credential}}
        );
    }
    Reply elevate(const boost::json::object& credential) {
        return send("POST", "/api/v1/session/elevate/passkey", {{"credential", credential}});
    }
    std::string asked_to_elevate() {
        return Authenticator::challenge_of(
            send("POST", "/api/v1/session/elevate/passkey/options").json
        );
    }
    std::vector<std::string> audited() { return site.audited(site.org_of(email)); }
};

/// Signed in by password, with one passkey.
Person with_passkey(Site& site, std::string email = "ann@example.org") {
    site.add_user(email);
    Person person{site, std::move(email)};
    REQUIRE(person.password().status == 200);
    REQUIRE(person.add().status == 201);
    return person;
}

Reply with_confirmation(Site& site, const Browser& browser, std::string path, std::string name) {
    api::Request request;
    request.method = api::Method::remove;
    request.path = std::move(path);
    request.headers = {
        {"sec-fetch-site", "same-origin"},
        {"cookie", "__Host-fairlead=" + browser.cookie},
        {"x-confirm", std::move(name)}};
    return site.send_raw(std::move(request));
}

} // namespace

TEST_SUITE("controller/access/passkey") {

    TEST_CASE("a passkey is made, listed, renamed and removed") {
        Site site;
        site.add_user("ann@example.org");
        Person ann{site, "ann@example.org"};
        REQUIRE(ann.password().status == 200);
        CHECK(ann.send("GET", keys).json.at("data").as_array().empty());

        auto options = ann.send("POST", std::string(keys) + "/options").json;
        CHECK(options.at("rp").at("id") == "fairlead.example");
        CHECK(options.at("user").at("name") == "ann@example.org");
        CHECK(options.at("attestation") == "none");
        CHECK(options.at("excludeCredentials").as_array().empty());
        auto made = ann.add(
            ann.authenticator.create(
                Authenticator::challenge_of(options), {.eligible = true, .backed_up = true}
            ),
            "Mein Schlüssel"
        );
        REQUIRE(made.status == 201);
        CHECK(made.json.at("name") == "Mein Schlüssel");
        CHECK(made.json.at("transports") == boost::json::array{"hybrid", "internal"});
        CHECK(made.json.at("user_verified") == true);
        CHECK(made.json.at("backed_up") == true);
        CHECK(made.json.at("last_second_factor") == true);
        CHECK(made.json.at("last_used_at").is_null());
        CHECK(made.text.find(crypto::base64url_encode(ann.authenticator.id)) == std::string::npos);
        CHECK(ann.send("GET", keys).json.at("data") == boost::json::array{made.json});

        auto other = ann.send("POST", std::string(keys) + "/options").json;
        CHECK(
            other.at("excludeCredentials").at(0).at("id").as_string() ==
            crypto::base64url_encode(ann.authenticator.id)
        );
        auto path = std::string(keys) + "/" + std::string(made.json.at("id").as_string());
        CHECK(ann.send("PATCH", path, {{"name", "Laptop"}}).json.at("name") == "Laptop");
        for (const auto& name : {std::string(), std::string(61, 'x'), std::string("a\nb")})
            CHECK(ann.send("PATCH", path, {{"name", name}}).status == 400);

        auto told = ann.send("DELETE", path);
        CHECK(told.status == 428);
        CHECK(told.code() == "confirmation_required");
        CHECK(told.text.find("last second factor") != std::string::npos);
        CHECK(with_confirmation(site, ann.browser, path, "Phone").status == 409);
        CHECK(with_confirmation(site, ann.browser, path, "Laptop").status == 204);
        CHECK(ann.send("GET", keys).json.at("data").as_array().empty());
        CHECK(ann.send("DELETE", path).status == 404);
        CHECK(
            ann.audited() ==
            std::vector<std::string>{
                "session.sign_in ok", "passkey.register ok", "passkey.rename ok",
                "passkey.remove ok"}
        );
        CHECK(ann.password().status == 200);
    }

    TEST_CASE("nobody sees, renames or removes the passkey of another person") {
        Site site;
        auto ann = with_passkey(site);
        auto id = std::string(ann.send("GET", keys).json.at("data").at(0).at("id").as_string());
        site.add_user("bob@example.org");
        Person bob{site, "bob@example.org"};
        REQUIRE(bob.password().status == 200);
        CHECK(bob.send("GET", keys).json.at("data").as_array().empty());
        for (const auto& path : {std::string(keys) + "/" + id, std::string(keys) + "/rubbish"}) {
            CHECK(bob.send("PATCH", path, {{"name", "Mine"}}).status == 404);
            CHECK(bob.send("DELETE", path).status == 404);
        }
        CHECK(ann.send("GET", keys).json.at("data").at(0).at("name") == "Laptop");
    }

    TEST_CASE("a passkey signs in without a password, and counts as two factors") {
        Site site;
        auto ann = with_passkey(site);
        ann.browser = {};
        auto options = ann.send("POST", "/api/v1/session/passkey/options").json;
        CHECK(options.at("allowCredentials").as_array().empty());
        CHECK(options.at("userVerification") == "required");
        CHECK(options.at("rpId") == "fairlead.example");
        site.clock.advance(1s);
        auto reply = ann.sign_in();
        REQUIRE(reply.status == 200);
        CHECK(reply.json.at("user").at("email") == "ann@example.org");
        CHECK(reply.json.at("method") == "passkey");
        CHECK(reply.json.at("second_factor") == true);
        auto listed = ann.send("GET", keys).json.at("data").at(0);
        CHECK(listed.at("last_used_at").as_string() == to_rfc3339(site.clock.now()));
        CHECK(ann.audited().back() == "session.sign_in ok");
    }

    TEST_CASE("with a passkey the password alone signs nobody in any more") {
        Site site;
        auto ann = with_passkey(site);
        ann.browser = {};
        auto waiting = ann.waiting();
        CHECK(ann.send("GET", "/api/v1/session").status == 401);
        auto reply = ann.second(waiting, ann.authenticator.get(ann.asked_for_second(waiting)));
        REQUIRE(reply.status == 200);
        CHECK(reply.json.at("method") == "password");
        CHECK(reply.json.at("second_factor") == true);
        CHECK(
            ann.second(waiting, ann.authenticator.get(ann.asked_to_sign_in())).code() ==
            "challenge_invalid"
        );
    }

    TEST_CASE("as a second factor a key without PIN will do, which alone it will not") {
        Site site;
        site.add_user("ann@example.org");
        Person ann{site, "ann@example.org"};
        REQUIRE(ann.password().status == 200);
        Ceremony touch;
        touch.verified = false;
        auto made = ann.add(ann.authenticator.create(ann.asked_to_create(), touch));
        REQUIRE(made.status == 201);
        CHECK(made.json.at("user_verified") == false);
        ann.browser = {};
        auto waiting = ann.waiting();
        CHECK(
            ann.second(waiting, ann.authenticator.get(ann.asked_for_second(waiting), touch))
                .status == 200
        );
        auto alone = ann.sign_in(touch);
        CHECK(alone.status == 401);
        CHECK(alone.code() == "passkey_refused");
        CHECK(ann.audited().back() == "session.sign_in refused");
    }

    TEST_CASE("a passkey made for another site, replayed, too old or counting backwards does not "
              "sign in [S-AUTH-04]") {
        Site site;
        auto ann = with_passkey(site);
        ann.browser = {};
        auto refused = [&](const Reply& reply, int status, std::string_view code) {
            CAPTURE(reply.text);
            CHECK(reply.status == status);
            CHECK(reply.code() == code);
            CHECK(reply.cookie.empty());
            site.clock.advance(900s); // what the address has to wait
        };
        Ceremony how;
        how.origin = "https://fairlead.example.evil.test";
        refused(ann.sign_in(how), 401, "passkey_refused");
        how = {};
        how.rp_id = "evil.test";
        refused(ann.sign_in(how), 401, "passkey_refused");

        auto once = ann.authenticator.get(ann.asked_to_sign_in());
        REQUIRE(ann.sign_in(once).status == 200);
        refused(ann.sign_in(once), 404, "challenge_invalid");

        auto late = ann.authenticator.get(ann.asked_to_sign_in());
        site.clock.advance(5min);
        refused(ann.sign_in(late), 404, "challenge_invalid");
        refused(ann.sign_in(ann.authenticator.get("my own challenge")), 404, "challenge_invalid");

        ann.authenticator.count = 0;
        refused(ann.sign_in(), 401, "passkey_cloned");
        auto log = ann.audited();
        CHECK(
            std::vector<std::string>(log.end() - 2, log.end()) ==
            std::vector<std::string>{"passkey.cloned refused", "session.sign_in refused"}
        );
        ann.authenticator.count = 100;
        CHECK(ann.sign_in().status == 200);
    }

    TEST_CASE("a challenge counts for what it was asked for, and for who asked") {
        Site site;
        auto ann = with_passkey(site);
        site.add_user("bob@example.org");
        Person bob{site, "bob@example.org"};
        REQUIRE(bob.password().status == 200);

        // The challenge of another session, and of another purpose.
        auto theirs = ann.asked_to_create();
        bob.asked_to_create();
        CHECK(bob.add(bob.authenticator.create(theirs)).code() == "challenge_invalid");
        CHECK(
            bob.add(bob.authenticator.create(bob.asked_to_sign_in())).code() == "challenge_invalid"
        );
        CHECK(
            ann.elevate(ann.authenticator.get(ann.asked_to_sign_in())).code() == "challenge_invalid"
        );
        CHECK(
            ann.sign_in(ann.authenticator.get(ann.asked_to_elevate())).code() == "challenge_invalid"
        );
        Person again{site, "ann@example.org"};
        auto one = again.waiting(), two = again.waiting();
        auto asked = again.asked_for_second(one);
        CHECK(again.second(two, ann.authenticator.get(asked)).code() == "challenge_invalid");
        site.clock.advance(10s);
        CHECK(again.second(one, ann.authenticator.get(asked)).status == 200);
    }

    TEST_CASE("nobody gets in by the passkey of somebody else") {
        Site site;
        auto ann = with_passkey(site);
        auto bob = with_passkey(site, "bob@example.org");
        Person thief{site, "ann@example.org"}; // who has Ann's password and a passkey of Bob
        for (const auto& handle : {bob.authenticator.user_handle, std::string()}) {
            bob.authenticator.user_handle = handle; // a key without memory tells none
            auto waiting = thief.waiting();
            auto reply =
                thief.second(waiting, bob.authenticator.get(thief.asked_for_second(waiting)));
            CHECK(reply.status == 401);
            CHECK(reply.code() == "passkey_unknown");
            CHECK(ann.audited().back() == "session.second_factor refused");
            ann.authenticator.user_handle = handle.empty() ? "" : ann.authenticator.user_handle;
            CHECK(
                bob.elevate(ann.authenticator.get(bob.asked_to_elevate())).code() ==
                "passkey_unknown"
            );
            site.clock.advance(60s);
        }
        CHECK(bob.sign_in().status == 200); // it is the passkey's owner who is let in

        // A passkey that says whose it is, wrongly; and one that nobody knows.
        bob.authenticator.user_handle = "usr_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
        CHECK(bob.sign_in().code() == "passkey_unknown");
        bob.authenticator.user_handle = "";
        bob.authenticator.id = ann.authenticator.id; // signed with Bob's key
        site.clock.advance(900s);
        CHECK(bob.sign_in().status == 401);
        site.clock.advance(900s);
        Person nobody{site, ""};
        CHECK(nobody.sign_in().code() == "passkey_unknown");
    }

    TEST_CASE("a credential that anybody has is not registered again") {
        Site site;
        auto ann = with_passkey(site);
        site.add_user("bob@example.org");
        Person bob{site, "bob@example.org"};
        REQUIRE(bob.password().status == 200);
        bob.authenticator.id = ann.authenticator.id;
        auto reply = bob.add();
        CHECK(reply.status == 409);
        CHECK(reply.code() == "passkey_known");
        CHECK(ann.add().code() == "passkey_known");
        ann.browser = {};
        CHECK(ann.sign_in().json.at("user").at("email") == "ann@example.org");
    }

    TEST_CASE("after the third failure the address waits, whichever way it tries") {
        Site site;
        auto ann = with_passkey(site);
        Person guesser{site, "ann@example.org", {"", "198.51.100.7"}};
        for (int i = 0; i < 3; ++i) CHECK(guesser.sign_in().status == 401);
        auto early = guesser.sign_in();
        CHECK(early.status == 429);
        CHECK(early.retry_after == "1");
        CHECK(guesser.password().status == 429);
        ann.browser = {};
        CHECK(ann.sign_in().status == 200);
        site.clock.advance(1s);
        CHECK(guesser.sign_in().status == 401);
    }

    TEST_CASE("the same answer sent ten times at once counts once") {
        Site site;
        auto ann = with_passkey(site);
        ann.authenticator.step = 0;
        ann.authenticator.count += 1; // grows this once, as far as it matters
        auto answer = ann.authenticator.get(ann.asked_to_sign_in());
        std::atomic<int> in = 0;
        std::vector<std::thread> threads;
        for (int i = 0; i < 10; ++i)
            threads.emplace_back([&, i] {
                Person copy{site, "", {"", "198.51.100." + std::to_string(i + 1)}};
                if (copy.sign_in(answer).status == 200) ++in;
            });
        for (auto& thread : threads) thread.join();
        CHECK(in == 1);
    }

    TEST_CASE("making and removing passkeys asks for a fresh proof, which a passkey gives") {
        Site site;
        auto ann = with_passkey(site);
        auto path = std::string(keys) + "/" +
                    std::string(ann.send("GET", keys).json.at("data").at(0).at("id").as_string());
        site.clock.advance(15min);
        for (const auto& reply :
             {ann.send("POST", std::string(keys) + "/options"), ann.add({}),
              ann.send("DELETE", path)}) {
            CHECK(reply.status == 403);
            CHECK(reply.code() == "step_up_required");
        }
        CHECK(ann.send("PATCH", path, {{"name", "Phone"}}).status == 200);

        auto options = ann.send("POST", "/api/v1/session/elevate/passkey/options").json;
        CHECK(
            options.at("allowCredentials").at(0).at("id").as_string() ==
            crypto::base64url_encode(ann.authenticator.id)
        );
        auto before = ann.browser;
        auto proven = ann.elevate(ann.authenticator.get(Authenticator::challenge_of(options)));
        REQUIRE(proven.status == 200);
        CHECK(ann.browser.cookie != before.cookie);
        CHECK(site.send(before, "GET", "/api/v1/session").status == 401);
        CHECK(ann.send("POST", std::string(keys) + "/options").status == 200);
        Ceremony how;
        how.origin = "https://evil.test";
        CHECK(ann.elevate(ann.authenticator.get(ann.asked_to_elevate(), how)).status == 400);
        CHECK(ann.audited().back() == "session.elevate refused");
    }

    TEST_CASE("a refused registration stores nothing and is in the log") {
        Site site;
        site.add_user("ann@example.org");
        Person ann{site, "ann@example.org"};
        REQUIRE(ann.password().status == 200);
        Ceremony how;
        how.origin = "https://evil.test";
        auto reply = ann.add(ann.authenticator.create(ann.asked_to_create(), how));
        CHECK(reply.status == 400);
        CHECK(reply.code() == "passkey_refused");
        CHECK(ann.audited().back() == "passkey.register refused");
        CHECK(ann.add(boost::json::object()).code() == "passkey_malformed");
        auto once = ann.authenticator.create(ann.asked_to_create());
        CHECK(ann.add(once, "").status == 400);
        REQUIRE(ann.add(once).status == 201);
        CHECK(ann.add(once).code() == "challenge_invalid");
        CHECK(ann.send("GET", keys).json.at("data").as_array().size() == 1);
    }

    TEST_CASE("a person has at most twenty passkeys, and any but the last goes without a word") {
        Site site;
        auto ann = with_passkey(site);
        for (int i = 1; i < 20; ++i) {
            Person more{site, ann.email, ann.browser};
            REQUIRE(more.add().status == 201);
            ann.browser = more.browser;
        }
        auto full = ann.send("POST", std::string(keys) + "/options");
        CHECK(full.status == 409);
        CHECK(full.code() == "too_many_passkeys");
        auto list = ann.send("GET", keys).json.at("data").as_array();
        REQUIRE(list.size() == 20);
        CHECK(list[0].at("last_second_factor") == false);
        CHECK(
            ann.send("DELETE", std::string(keys) + "/" + std::string(list[3].at("id").as_string()))
                .status == 204
        );
        CHECK(ann.send("GET", keys).json.at("data").as_array().size() == 19);
    }

    TEST_CASE("what is asked before signing in names no account") {
        Site site;
        auto ann = with_passkey(site);
        Browser browser;
        auto text = site.send(browser, "POST", "/api/v1/session/passkey/options").text;
        CHECK(text.find("ann") == std::string::npos);
        CHECK(text.find(crypto::base64url_encode(ann.authenticator.id)) == std::string::npos);
        CHECK(
            site.send(
                    browser, "POST", "/api/v1/session/second-factor/passkey/options",
                    {{"challenge", "flp_rubbish"}}
            ).code() == "challenge_invalid"
        );
    }
}
