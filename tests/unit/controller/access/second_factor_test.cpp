#include "../support/site.hpp"
#include "common/crypto/totp.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// Ann, and the app on her telephone.
struct Fixture {
    Site site;
    UserId ann = site.add_user("ann@example.org");
    OrgId org = site.org_of("ann@example.org");
    Browser browser;
    std::string key; ///< as typed, base 32
    std::vector<std::string> recovery;

    Fixture() { REQUIRE(sign_in(browser).status == 200); }

    Reply post(Browser& from, const std::string& path, boost::json::value body = nullptr) {
        return site.send(from, "POST", "/api/v1/" + path, std::move(body));
    }
    Reply sign_in(Browser& from) {
        return post(from, "session", {{"email", "ann@example.org"}, {"password", Site::password}});
    }
    /// What the app shows now, or so many steps later.
    std::string code(int later = 0) const {
        return crypto::totp_code(
            Secret(base32_decoded(key)), crypto::totp_step_of(site.clock.now()) + later
        );
    }
    void enable() {
        auto begun = post(browser, "account/totp");
        REQUIRE(begun.status == 200);
        key = begun.json.at("secret").as_string();
        auto confirmed = post(browser, "account/totp/confirm", {{"code", code()}});
        REQUIRE(confirmed.status == 200);
        for (const auto& one : confirmed.json.at("recovery_codes").as_array())
            recovery.emplace_back(one.as_string());
        site.clock.advance(60s); // so that codes are not those of the confirmation
    }
    std::string challenge(Browser& from) {
        auto reply = sign_in(from);
        REQUIRE(reply.status == 401);
        REQUIRE(reply.code() == "second_factor_required");
        return std::string(reply.json.at("challenge").as_string());
    }
    Reply give(Browser& from, const std::string& challenge, const std::string& code) {
        return post(from, "session/second-factor", {{"challenge", challenge}, {"code", code}});
    }
    Reply account() { return site.send(browser, "GET", "/api/v1/account"); }

    static std::string base32_decoded(std::string_view text) {
        std::string bytes;
        unsigned held = 0, bits = 0;
        for (char c : text) {
            held = held << 5 | unsigned(c >= 'A' ? c - 'A' : c - '2' + 26);
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes.push_back(static_cast<char>(held >> bits & 0xff));
        }
        return bytes;
    }
};

} // namespace

TEST_SUITE("controller/access/second_factor") {

    TEST_CASE_FIXTURE(Fixture, "an authenticator app counts once a code of it confirms it") {
        auto begun = post(browser, "account/totp");
        CHECK(
            std::string(begun.json.at("otpauth_uri").as_string()) ==
            "otpauth://totp/fairlead.example:ann%40example.org?secret=" +
                std::string(begun.json.at("secret").as_string()) +
                "&issuer=fairlead.example&algorithm=SHA1&digits=6&period=30"
        );
        Browser other;
        CHECK(sign_in(other).status == 200); // not confirmed: not asked for
        key = begun.json.at("secret").as_string();
        auto wrong = post(browser, "account/totp/confirm", {{"code", "000000"}});
        CHECK(wrong.status == 400);
        CHECK(wrong.code() == "proof_wrong");
        auto right = post(browser, "account/totp/confirm", {{"code", code()}});
        CHECK(right.status == 200);
        CHECK(right.json.at("recovery_codes").as_array().size() == 10);
        CHECK(account().json.at("second_factors") == boost::json::value{"totp", "recovery_code"});
        CHECK(account().json.at("recovery_codes_left") == 10);
        CHECK(site.send(browser, "GET", "/api/v1/session").json.at("second_factor") == true);
        CHECK(post(browser, "account/totp").code() == "totp_enabled");
        CHECK(sign_in(other).code() == "second_factor_required");
    }

    TEST_CASE_FIXTURE(Fixture, "an app that was not confirmed within an hour is forgotten") {
        key = post(browser, "account/totp").json.at("secret").as_string();
        for (int i = 0; i < 4; ++i) {
            site.clock.advance(16min);
            REQUIRE(account().status == 200); // so that the session goes on
        }
        REQUIRE(post(browser, "session/elevate", {{"password", Site::password}}).status == 200);
        CHECK(post(browser, "account/totp/confirm", {{"code", code()}}).code() == "totp_not_begun");
    }

    TEST_CASE_FIXTURE(
        Fixture, "signing in asks for the code; wrong, used and old ones are refused"
    ) {
        enable();
        Browser other;
        auto asked = sign_in(other);
        CHECK(asked.status == 401);
        CHECK(other.cookie.empty());
        CHECK(asked.json.at("methods") == boost::json::value{"totp", "recovery_code"});
        auto token = std::string(asked.json.at("challenge").as_string());
        CHECK(asked.json.at("detail").as_string().find(token) == boost::json::string::npos);

        auto wrong = give(other, token, "000000");
        CHECK(wrong.status == 401);
        CHECK(wrong.code() == "second_factor_wrong");
        CHECK(give(other, token, code(-3)).code() == "second_factor_wrong");
        site.clock.advance(1s);
        auto used = code();
        auto in = give(other, token, used);
        CHECK(in.status == 200);
        CHECK(in.json.at("second_factor") == true);
        CHECK(in.json.at("method") == "password");
        CHECK(other.cookie.starts_with("fls_"));

        Browser third;
        auto again = challenge(third);
        CHECK(give(third, again, used).code() == "second_factor_wrong");
        CHECK(give(third, token, code()).code() == "challenge_invalid");
        CHECK(
            site.audited(org) ==
            std::vector<std::string>{
                "session.sign_in ok", "user.begin_totp ok", "user.enable_totp ok",
                "session.second_factor refused", "session.second_factor refused",
                "session.sign_in ok", "session.second_factor refused"}
        );
    }

    TEST_CASE_FIXTURE(Fixture, "a challenge is good for five minutes and five wrong codes") {
        enable();
        Browser other;
        auto late = challenge(other);
        site.clock.advance(5min);
        CHECK(give(other, late, code()).code() == "challenge_invalid");

        auto tried = challenge(other);
        int address = 10;
        for (int i = 0; i < 5; ++i) {
            Browser attacker{"", "192.0.2." + std::to_string(++address)};
            auto reply = give(attacker, tried, "000000");
            if (reply.status == 429) {
                site.clock.advance(std::chrono::seconds(std::stoi(reply.retry_after)));
                reply = give(attacker, tried, "000000");
            }
            CHECK(reply.code() == "second_factor_wrong");
        }
        site.clock.advance(900s);
        CHECK(give(other, tried, code()).code() == "challenge_invalid");
    }

    TEST_CASE_FIXTURE(
        Fixture, "guessing codes gets slower and slower, whatever challenge and address it uses"
    ) {
        enable();
        std::vector<int> waits;
        for (int i = 0; i < 12; ++i) {
            Browser attacker{"", "198.51.100." + std::to_string(i + 1)};
            auto token = challenge(attacker);
            auto reply = give(attacker, token, "000000");
            if (reply.status == 429) {
                waits.push_back(std::stoi(reply.retry_after));
                site.clock.advance(std::chrono::seconds(waits.back()));
                token = challenge(attacker);
                reply = give(attacker, token, "000000");
            }
            CHECK(reply.code() == "second_factor_wrong");
        }
        CHECK(waits == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 128, 256});
        // The right password does not forgive them; the right code does.
        Browser other{"", "203.0.113.1"};
        auto token = challenge(other);
        CHECK(give(other, token, code()).status == 429);
        site.clock.advance(900s);
        auto late = challenge(other);
        CHECK(give(other, late, code()).status == 200);
        Browser next{"", "203.0.113.2"};
        CHECK(give(next, challenge(next), "000000").status == 401);
        CHECK(give(next, challenge(next), code(1)).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "a recovery code signs in once, however it is typed") {
        enable();
        Browser other;
        auto typed = recovery[3];
        for (char& c : typed) c = static_cast<char>(std::toupper(c));
        typed.erase(typed.find('-'), 1);
        auto body = [&](const std::string& challenge) {
            return boost::json::value{{"challenge", challenge}, {"recovery_code", typed}};
        };
        CHECK(post(other, "session/second-factor", body(challenge(other))).status == 200);
        CHECK(account().json.at("recovery_codes_left") == 9);
        Browser third;
        CHECK(
            post(third, "session/second-factor", body(challenge(third))).code() ==
            "second_factor_wrong"
        );
    }

    TEST_CASE_FIXTURE(Fixture, "new recovery codes make the old ones void") {
        CHECK(post(browser, "account/recovery-codes").code() == "no_second_factor");
        enable();
        auto made = post(browser, "account/recovery-codes");
        REQUIRE(made.status == 200);
        std::set<std::string> all(recovery.begin(), recovery.end());
        for (const auto& one : made.json.at("recovery_codes").as_array())
            all.emplace(one.as_string());
        CHECK(all.size() == 20);
        Browser other;
        auto token = challenge(other);
        CHECK(
            post(
                other, "session/second-factor",
                {{"challenge", token}, {"recovery_code", recovery[0]}}
            ).status == 401
        );
        CHECK(account().json.at("recovery_codes_left") == 10);
    }

    TEST_CASE_FIXTURE(Fixture, "without the app the password is enough again, and the codes go") {
        enable();
        auto proven = [&] {
            return site.store
                ->read([](store::Connection& db) {
                    return db.one<std::int64_t>(
                        "SELECT count(*) FROM session WHERE second_factor = 1"
                    );
                })
                .value()
                .value();
        };
        CHECK(proven() == 1);
        CHECK(site.send(browser, "DELETE", "/api/v1/account/totp").status == 204);
        CHECK(site.send(browser, "DELETE", "/api/v1/account/totp").status == 404);
        CHECK(proven() == 0);
        Browser other;
        CHECK(sign_in(other).status == 200);
        CHECK(account().json.at("second_factors").as_array().empty());
        CHECK(account().json.at("recovery_codes_left") == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "neither keys nor recovery codes are in the store in the clear") {
        enable();
        auto stored = site.store->read([](store::Connection& db) {
            return db.one<std::string>("SELECT group_concat(code_hash) || hex(t.sealed) FROM "
                                       "recovery_code, (SELECT sealed FROM totp) t");
        });
        auto raw = base32_decoded(key);
        CHECK(raw.size() == 20);
        for (const auto& code : recovery)
            CHECK(stored.value()->find(code.substr(0, 4)) == std::string::npos);
        CHECK(stored.value()->find(key) == std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "a sensitive act asks for a proof that is at most 15 minutes old") {
        site.clock.advance(15min - 1ms);
        CHECK(post(browser, "account/totp").status == 200);
        site.clock.advance(1ms);
        auto late = post(browser, "account/totp");
        CHECK(late.status == 403);
        CHECK(late.code() == "step_up_required");

        auto before = browser.cookie;
        CHECK(post(browser, "session/elevate", {{"password", "wrong"}}).code() == "proof_wrong");
        CHECK(browser.cookie == before);
        auto elevated = post(browser, "session/elevate", {{"password", Site::password}});
        CHECK(elevated.status == 200);
        CHECK(
            elevated.json.at("elevated_until").as_string() == to_rfc3339(site.clock.now() + 15min)
        );
        CHECK(browser.cookie != before);
        Browser thief{before};
        CHECK(site.send(thief, "GET", "/api/v1/session").status == 401);
        CHECK(post(browser, "account/totp").status == 200);
        CHECK(site.ended.empty()); // the same session, with its streams
    }

    TEST_CASE_FIXTURE(Fixture, "with a second factor the password is not enough for step-up") {
        enable();
        site.clock.advance(15min);
        CHECK(
            post(browser, "session/elevate", {{"password", Site::password}}).code() ==
            "second_factor_needed"
        );
        auto wrong = post(browser, "session/elevate", {{"code", "000000"}});
        CHECK(wrong.status == 400);
        CHECK(wrong.code() == "proof_wrong");
        CHECK(post(browser, "account/recovery-codes").code() == "step_up_required");
        CHECK(post(browser, "session/elevate", {{"code", code()}}).status == 200);
        CHECK(post(browser, "account/recovery-codes").status == 200);
        CHECK(post(browser, "session/elevate", {{"code", code()}}).code() == "proof_wrong"); // used
        CHECK(
            post(browser, "session/elevate", {{"recovery_code", recovery[0]}}).code() ==
            "proof_wrong"
        ); // void
    }

    TEST_CASE_FIXTURE(Fixture, "one proof at a time, and no unknown ones") {
        enable();
        Browser other;
        auto token = challenge(other);
        CHECK(post(other, "session/second-factor", {{"challenge", token}}).status == 400);
        auto both = post(
            other, "session/second-factor",
            {{"challenge", token}, {"code", code()}, {"recovery_code", recovery[0]}}
        );
        CHECK(both.code() == "validation_failed");
        CHECK(both.json.at("errors").at(0).at("field") == "code");
        CHECK(both.json.at("errors").at(1).at("field") == "recovery_code");
        CHECK(post(browser, "session/elevate", boost::json::object()).status == 400);
        CHECK(give(other, "flp_made_up", code()).code() == "challenge_invalid");
        CHECK(give(other, token, code()).status == 200);
    }

    TEST_CASE_FIXTURE(Fixture, "a one-time link is no way around the second factor") {
        enable();
        Browser other;
        auto reply = post(
            other, "setup",
            {{"token", site.link_for("ann@example.org")}, {"password", "another four words more"}}
        );
        CHECK(reply.code() == "second_factor_required");
        CHECK(other.cookie.empty());
        auto token = std::string(reply.json.at("challenge").as_string());
        auto in = give(other, token, code());
        CHECK(in.status == 200);
        CHECK(in.json.at("method") == "link");
    }

    TEST_CASE_FIXTURE(Fixture, "a half done sign-in ends when the password changes") {
        enable();
        Browser other;
        auto token = challenge(other);
        REQUIRE(
            post(
                browser, "password",
                {{"current", Site::password}, {"new", "another four words more"}}
            ).status == 204
        );
        CHECK(give(other, token, code()).code() == "challenge_invalid");
    }
}
