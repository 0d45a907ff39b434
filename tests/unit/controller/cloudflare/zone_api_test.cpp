#include "controller/cloudflare/zone_api.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::cloudflare;

namespace {

outbound::Answer answer(int status, std::string body, net::Headers headers = {}) {
    return {status, std::move(headers), std::move(body)};
}

std::string errors(const std::string& list) {
    return R"({"success":false,"errors":[)" + list + R"(],"messages":[],"result":null})";
}

std::string result(const std::string& value) {
    return R"({"success":true,"errors":[],"messages":[],"result":)" + value + "}";
}

constexpr auto shop =
    R"({"id":"0d89c70d-ad9f-4843-b99f-6cc0252067e9","hostname":"shop.example.org","ssl":{"id":"x",
    "type":"dv","method":"http","status":"pending_validation","validation_errors":[{"message":
    "SERVFAIL looking up CAA"}],"certificates":[]},"custom_metadata":{"key":"value"},"status":
    "pending","verification_errors":["None of the A or AAAA records are owned by this account"],
    "created_at":"2026-11-28T12:00:00.5Z","ownership_verification":{"type":"txt"}})";

/// What was asked, and what is answered to it, in turn.
struct Played {
    std::vector<outbound::Request> asked;
    std::vector<Result<outbound::Answer>> answers;
    ZoneApi api{
        "https://api.example/client/v4", Secret("tok-very-secret"),
        [this](const outbound::Request& request) -> Result<outbound::Answer> {
            asked.push_back(request);
            return answers.at(asked.size() - 1);
        }};
};

} // namespace

TEST_SUITE("controller/cloudflare/zone_api") {

    TEST_CASE("a custom hostname is read as Cloudflare documents it") {
        auto read = read_hostname(answer(201, result(shop))).value();
        CHECK(read.id == "0d89c70d-ad9f-4843-b99f-6cc0252067e9");
        CHECK(read.name == "shop.example.org");
        CHECK(read.status == "pending");
        CHECK(read.ssl_status == "pending_validation");
        CHECK(
            read.complaint == "None of the A or AAAA records are owned by this account SERVFAIL "
                              "looking up CAA"
        );
        CHECK(to_rfc3339(*read.created).starts_with("2026-11-28T12:00:00"));
        // One that was made a moment ago has neither.
        auto bare = read_hostname(
            answer(201, result(R"({"id":"a1","hostname":"shop.example.org","ssl":null})"))
        );
        CHECK(bare.value().status == "pending");
        CHECK(bare.value().ssl_status == "initializing");
        CHECK(!bare.value().created);
    }

    TEST_CASE("what Cloudflare refuses is told by what has to be done, and whom it concerns") {
        struct Row {
            const char* name;
            outbound::Answer answer;
            const char *code, *says;
            bool all;
        };
        const std::vector<Row> rows{
            {"wrong token",
             answer(403, errors(R"({"code":10000,"message":"Authentication error"})")),
             "cloudflare_token", "SSL and Certificates", true},
            {"token of another zone",
             answer(403, errors(R"({"code":9109,"message":"Unauthorized"})")), "cloudflare_token",
             "Unauthorized (9109)", true},
            {"no token",
             answer(400, errors(R"({"code":6003,"message":"Invalid request headers"})")),
             "cloudflare_token", "token_file", true},
            {"no such zone",
             answer(404, errors(R"({"code":7003,"message":"Could not route to /zones/x"})")),
             "cloudflare_zone", "zone_id", true},
            {"rate", answer(429, "slow down"), "cloudflare_rate_limited", "later", true},
            {"out of order", answer(503, "<html>"), "cloudflare_unreachable", "503", true},
            {"out of order, in JSON", answer(500, errors(R"({"code":1500,"message":"Internal"})")),
             "cloudflare_unreachable", "Internal (1500)", true},
            {"no JSON", answer(200, "<html>"), "cloudflare_bad_answer", "no JSON", true},
            {"no hostname", answer(200, result("[]")), "cloudflare_bad_answer", "no custom", true},
            {"an id that is a path", answer(200, result(R"({"id":"../x","hostname":"a.example"})")),
             "cloudflare_bad_answer", "id", true},
            {"somebody else's", answer(409, errors(R"({"code":1406,"message":"Duplicate"})")),
             "cloudflare_taken", "somebody", false},
            {"a reserved name", answer(400, errors(R"({"code":1411,"message":"prohibited"})")),
             "cloudflare_refused", "prohibited (1411)", false},
            {"a feature that the zone has not",
             answer(403, errors(R"({"code":1413,"message":"No"})")), "cloudflare_refused",
             "No (1413)", false},
            {"without a reason", answer(400, errors("")), "cloudflare_refused", "no reason", false},
            {"not success although 200",
             answer(200, errors(R"({"code":1407,"message":"Invalid"})")), "cloudflare_refused",
             "Invalid", false},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto read = read_hostname(row.answer);
            REQUIRE(!read);
            CHECK(read.error().code() == row.code);
            CHECK(read.error().message().find(row.says) != std::string::npos);
            CHECK(concerns_all(read.error().code()) == row.all);
        }
        auto gone = read_hostname(answer(404, errors(R"({"code":1436,"message":"not found"})")));
        CHECK(gone.error().kind() == Errc::not_found);
        CHECK(read_removed(answer(404, errors(R"({"code":1436,"message":"not found"})"))));
        CHECK(read_removed(answer(200, R"({"id":"a1"})")));
        CHECK(!read_removed(answer(403, errors(R"({"code":10000,"message":"no"})"))));
    }

    TEST_CASE("a stranger's words are cut and cleaned") {
        auto long_text = std::string(5000, 'x');
        auto read = read_hostname(
            answer(400, errors(R"({"code":1407,"message":"a\u001b[31m\n)" + long_text + R"("})"))
        );
        const auto& message = read.error().message();
        CHECK(message.size() < most_shown + 100);
        CHECK(message.find('\n') == std::string::npos);
        CHECK(message.find('\x1b') == std::string::npos);
    }

    TEST_CASE("Retry-After is told in seconds, and nothing else counts") {
        auto fact = [](std::string_view value) -> std::string {
            auto error = read_hostname(answer(429, "", {{"retry-after", value}})).error();
            return error.facts().empty() ? "" : error.facts().front().second;
        };
        CHECK(fact("17") == "17");
        CHECK(fact("-1") == "");
        CHECK(fact("Sat, 28 Nov 2026 12:00:00 GMT") == "");
        CHECK(fact("99999999999999999999") == "");
    }

    TEST_CASE_FIXTURE(
        Played, "requests are as documented, and the token goes into a header alone"
    ) {
        answers = {
            answer(201, result(shop)), answer(200, R"({"id":"a1"})"), answer(202, result(shop))};
        CHECK(api.create("z1", "shop.example.org", {}));
        CHECK(asked[0].method == "POST");
        CHECK(asked[0].url == "https://api.example/client/v4/zones/z1/custom_hostnames");
        CHECK(
            asked[0].body ==
            R"({"hostname":"shop.example.org","ssl":{"method":"http","type":"dv"}})"
        );
        CHECK(asked[0].headers.get("authorization") == "Bearer tok-very-secret");
        CHECK(asked[0].redirects == 0);
        CHECK(api.remove("z1", "a1", {}));
        CHECK(asked[1].method == "DELETE");
        CHECK(asked[1].url.ends_with("/zones/z1/custom_hostnames/a1"));
        CHECK(api.restart("z1", "a1", {}));
        CHECK(asked[2].method == "PATCH");
        CHECK(asked[2].body == R"({"ssl":{"method":"http","type":"dv"}})");
    }

    TEST_CASE_FIXTURE(
        Played, "a name is found by its exact spelling, through pages up to a limit"
    ) {
        auto page = [](const std::string& name, int pages) {
            return answer(
                200, R"({"success":true,"result":[{"id":"a1","hostname":")" + name +
                         R"("}],"result_info":{"page":1,"total_pages":)" + std::to_string(pages) +
                         "}}"
            );
        };
        answers = {page("my-shop.example.org", 2), page("shop.example.org", 2)};
        CHECK(api.find("z1", "shop.example.org", {}).value()->id == "a1");
        CHECK(asked[0].url.ends_with("?hostname=shop.example.org&page=1&per_page=50"));
        CHECK(asked[1].url.find("&page=2&") != std::string::npos);

        asked.clear();
        answers = {page("my-shop.example.org", 1)};
        CHECK(!api.find("z1", "shop.example.org", {}).value());

        asked.clear();
        answers.assign(ZoneApi::most_pages, page("other.example.org", 1'000'000));
        auto endless = api.find("z1", "shop.example.org", {});
        CHECK(endless.error().code() == "cloudflare_bad_answer");
        CHECK(asked.size() == ZoneApi::most_pages);
    }

    TEST_CASE_FIXTURE(Played, "only what may have been carried out is uncertain") {
        auto of = [&](Result<outbound::Answer> given) {
            asked.clear();
            answers = {std::move(given)};
            return api.create("z1", "shop.example.org", {}).error();
        };
        auto broken = [](std::string code) {
            return fail(Error(Errc::unavailable, "It broke.").with_code(std::move(code)));
        };
        CHECK(is_uncertain(of(broken("outbound_cut"))));
        CHECK(is_uncertain(of(broken("outbound_stopped"))));
        CHECK(is_uncertain(of(broken("outbound_too_large"))));
        CHECK(is_uncertain(of(answer(502, ""))));
        CHECK(is_uncertain(of(answer(201, "<html>"))));
        CHECK(!is_uncertain(of(answer(429, ""))));
        CHECK(!is_uncertain(of(broken("egress_missing"))));
        CHECK(!is_uncertain(of(answer(409, errors(R"({"code":1406,"message":"D"})")))));
        CHECK(of(broken("outbound_tls")).message().find("It broke.") != std::string::npos);
        CHECK(of(broken("outbound_cut")).code() == "cloudflare_unreachable");
        CHECK(of(broken("egress_missing")).code() == "egress_missing");
    }
}
