#include "controller/certificates/hook.hpp"
#include "controller/certificates/schedule.hpp"
#include "controller/certificates/uacme.hpp"
#include "controller/certificates/words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::certificates;
using namespace std::chrono_literals;

namespace {

constexpr auto directory = "https://acme.example/directory";

std::string refusal(const std::string& type, const std::string& detail) {
    return "uacme: challenge https://acme.example/chalZ/1 failed with status invalid\n"
           "uacme: the server reported the following error:\n{\n    \"type\": "
           "\"urn:ietf:params:acme:error:" +
           type + "\",\n    \"detail\": \"" + detail +
           "\",\n    \"status\": 400\n}\nuacme: running /hook failed tls-alpn-01\n"
           "uacme: failed to authorize order at https://acme.example/my-order/1\n";
}

} // namespace

TEST_SUITE("controller/certificates/plain") {

    TEST_CASE("a renewal comes after two thirds of the life, a fiftieth earlier or later") {
        auto from = from_ms(1'800'000'000'000);
        auto until = from + 24h * 90;
        CHECK(renewal_at(from, until, 0.5) == from + 24h * 60);
        auto fiftieth = std::chrono::milliseconds(24h * 90) / 50;
        CHECK(abs(renewal_at(from, until, 0) - (from + 24h * 60 - fiftieth)) < 1s);
        CHECK(abs(renewal_at(from, until, 1) - (from + 24h * 60 + fiftieth)) < 1s);
        CHECK(renewal_at(from, from + 90s, 0.5) == from + 60s);
    }

    TEST_CASE("pauses grow to twelve hours and no further") {
        CHECK(pause_after(1, 0.5) == 5min);
        CHECK(pause_after(1, 0) == 4min);
        CHECK(pause_after(1, 1) == 6min);
        CHECK(pause_after(0, 0.5) == 5min);
        CHECK(pause_after(6, 0.5) == 12h);
        CHECK(pause_after(1'000'000'000'000, 0.5) == 12h);
        CHECK(pause_after_limit(1, 0.5) == 1h);
        CHECK(pause_after_limit(2, 0.5) == 3h);
        CHECK(pause_after_limit(1'000'000'000'000, 0.5) == 12h);
    }

    TEST_CASE("what an authority says is told with a cure") {
        struct Row {
            const char *type, *code, *cure;
        };
        for (const auto& row : {
                 Row{"dns", "acme_dns", "Point it"},
                 Row{"connection", "acme_connection", "port 443"},
                 Row{"unauthorized", "acme_challenge", "no proxy"},
                 Row{"tls", "acme_challenge", "no proxy"},
                 Row{"caa", "acme_caa", "CAA record"},
                 Row{"rateLimited", "acme_rate_limited", "asked again later"},
                 Row{"rejectedIdentifier", "acme_rejected", "no certificate for this name"},
                 Row{"accountDoesNotExist", "acme_unregistered", "registers anew"},
                 Row{"externalAccountRequired", "acme_account", "eab_key_id"},
                 Row{"somethingNew", "acme_refused", "refused"},
             }) {
            CAPTURE(row.type);
            auto error = failure_in(refusal(row.type, "because of 7"), directory);
            CHECK(error.code() == row.code);
            CHECK(error.message().find(row.cure) != std::string::npos);
            // Its own words are apart: a pause shows the message to everybody.
            CHECK(error.message().find("because of 7") == std::string::npos);
            bool of_account = std::string(row.type).starts_with("account") ||
                              std::string(row.type).starts_with("external");
            CHECK(sentence_of(error).ends_with(" It said: because of 7") != of_account);
            CHECK((error.detail() == "because of 7") == of_account);
        }
        CHECK(sentence_of(failure_in(refusal("dns", ""), directory)).ends_with("this controller."));
        CHECK(concerns_all("acme_unreachable"));
        CHECK(!concerns_name("acme_unreachable"));
        CHECK(concerns_all("acme_rate_limited"));
        CHECK(concerns_name("acme_rate_limited"));
        CHECK(!concerns_all("acme_dns"));
        CHECK(concerns_name("acme_dns"));
    }

    TEST_CASE("what the authority quotes of a stranger is not taken for the client's own words") {
        // A certificate that somebody serves may be named like this, and is in the detail then.
        for (const char* quoted :
             {"acme_get: curl_get failed", "uacme: acme_post: curl_post failed",
              "uacme: failed to fetch directory at https://acme.example/directory",
              "the server reported the following error: {\\\"type\\\": \\\"a:rateLimited\\\"}",
              "uacme: the server reported the following error:",
              "uacme: no account associated with x found at y", "no challenge completed",
              "uacme: Account already exists at https://acme.example/1"}) {
            CAPTURE(quoted);
            auto output = refusal("unauthorized", "Invalid certificate: " + std::string(quoted));
            CHECK(failure_in(output, directory).code() == "acme_challenge");
            CHECK(!is_registered(output));
            // Also where the document itself cannot be read.
            auto broken =
                std::string("uacme: the server reported the following error:\n{\n    \"detail\": \""
                ) +
                quoted + "\nuacme: it ended\n";
            CHECK(failure_in(broken, directory).code() == "acme_failed");
            CHECK(!is_registered(broken));
        }
        auto error = failure_in(
            "uacme: curl_post: POST https://acme.example/a failed: Timeout was reached\n"
            "    \"detail\": \"curl_get: GET x failed: rubbish\"\n"
            "uacme: curl_post: waiting 5 seconds before retrying\n"
            "uacme: acme_post: curl_post failed\n",
            directory
        );
        CHECK(error.code() == "acme_unreachable");
        CHECK(error.message().ends_with("cannot be reached: Timeout was reached."));
    }

    TEST_CASE("an authority that does not answer is named, with the reason") {
        auto error = failure_in(
            "uacme: curl_get: GET https://acme.example/directory failed: Couldn't connect to "
            "server\nuacme: curl_get: waiting 5 seconds before retrying\nuacme: acme_get: curl_get "
            "failed\nuacme: failed to fetch directory at https://acme.example/directory\n",
            directory
        );
        CHECK(error.code() == "acme_unreachable");
        CHECK(
            error.message() == "The certificate authority at https://acme.example/directory "
                               "cannot be reached: Couldn't connect to server."
        );
        error = failure_in(
            "uacme: curl_get: GET https://acme.example/directory failed: SSL peer certificate or "
            "SSH remote key was not OK\nuacme: failed to fetch directory at x\n",
            directory
        );
        CHECK(error.message().find("update-ca-certificates") != std::string::npos);
        CHECK(failure_in("uacme: no challenge completed\n", directory).code() == "acme_challenge");
        CHECK(
            failure_in(
                "uacme: no account associated with ./private/key.pem found at "
                "https://acme.example/sign-me-up. Consider trying 'new'.\n",
                directory
            )
                .code() == "acme_unregistered"
        );
        CHECK(is_registered("uacme: Account already exists at https://acme.example/1\n"));
        CHECK(!is_registered("uacme: account created at https://acme.example/1\n"));
    }

    TEST_CASE("whatever the words are, what people are shown is short and printable") {
        std::string lines(100'000, '{');
        for (const auto& output : std::vector<std::string>{
                 std::string(),
                 std::string("\n\n\n"),
                 lines,
                 std::string(100'000, '\xff'),
                 "uacme: the server reported the following error:\n" + lines,
                 "uacme: the server reported the following error:\n[1,2]",
                 "uacme: the server reported the following error:\n{\"type\":7,\"detail\":[]}",
                 "uacme: the server reported the following error:\n{\"type\":\"a:dns\"",
                 refusal("dns", std::string(10'000, 'x')),
                 refusal("dns", "a\\u0000\\u001b[31m\\nb"),
                 refusal("dns", std::string(300, 'x') + std::string(400, '\xc3')),
                 std::string("uacme: failed to fetch directory at "),
                 std::string("uacme: curl_get: GET x failed: \x1b[2J\x07\n"
                             "uacme: failed to fetch directory at x"),
             }) {
            auto error = failure_in(output, directory);
            CHECK(!error.code().empty());
            auto sentence = sentence_of(error);
            CHECK(sentence.size() < 1'000);
            for (char c : sentence) CHECK(static_cast<unsigned char>(c) >= 0x20);
            CHECK(sentence.find('\x7f') == std::string::npos);
        }
    }

    TEST_CASE("a call of the hook has five words and nothing else") {
        auto call = HookCall::parse("begin tls-alpn-01 shop.example.org token auth");
        REQUIRE(call);
        CHECK(call->method == "begin");
        CHECK(call->type == "tls-alpn-01");
        CHECK(call->name == "shop.example.org");
        CHECK(call->token == "token");
        CHECK(call->authorization == "auth");
        for (const auto* text :
             {"", "begin", "a b c d", "a b c d e f", "a  b c d", "a b c d ", " a b c d",
              "a b c d e ", "a b c d e\r", "a\tb c d e", "a b c d \x7f", "a b c d \xc3\xa9"})
            CHECK(!HookCall::parse(text));
    }

    TEST_CASE("a directory is an https address of a host") {
        CHECK(place_of("https://acme.example/directory")->text() == "acme.example:443");
        CHECK(place_of("https://acme.example:14000/dir")->text() == "acme.example:14000");
        for (const auto* text :
             {"", "http://acme.example/", "https://", "https:///dir", "https://a b/",
              "acme.example", "https://user@acme.example/", "https://acme.example:0x1/",
              "https://acme.example/\n"})
            CHECK(!place_of(text));
        CHECK(!place_of("https://acme.example/" + std::string(longest_directory, 'a')));
    }
}
