#include "common/runtime/file.hpp"
#include "controller/edge/paths.hpp"
#include "stand.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

TEST_SUITE("controller/edge/paths") {

    TEST_CASE("no site answers a proof of its name, however that is spelled") {
        auto rows = boost::json::parse(read_file(FAIRLEAD_SPELLED_PROOFS, 1 << 20).value());
        REQUIRE(rows.as_array().size() >= 30);
        for (const auto& row : rows.as_array()) {
            std::string path(row.at("path").as_string());
            CAPTURE(path);
            int asked = 0;
            auto site = [&](stream::Stream stream) -> Task<> {
                co_await read_until(stream, "\r\n\r\n");
                ++asked;
                auto written =
                    co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
                CHECK(written);
                co_await read_until(stream, "never");
            };
            Stand stand(site);
            auto answer = stand.talk(
                "GET " + path + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
            );
            bool proof = row.at("proof").as_bool();
            CHECK(answer.starts_with(proof ? "HTTP/1.1 404 " : "HTTP/1.1 200 "));
            CHECK(asked == (proof ? 0 : 1));
        }
    }

    TEST_CASE("what is no escape stays as it is, and the path is read to its end") {
        for (const char* path :
             {"/%/../.well-known/fairlead-challenge/token", "/%2/../.well-known/fairlead-challenge",
              "/%zz/../.well-known/fairlead-challenge/%z", "/.well-known/fairlead-challenge/%2"}) {
            CAPTURE(path);
            CHECK(is_proof_of_name(path));
        }
        for (const char* path :
             {"", "/%", "/%2", "/%2/", "/%.well-known/fairlead-challenge/token",
              "/%+ewell-known/fairlead-challenge/token", "/.well-known/fairlead-challenge%2"}) {
            CAPTURE(path);
            CHECK_FALSE(is_proof_of_name(path));
        }
    }
}
