#include "agent/bucket/sign.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("agent/bucket/sign");

using namespace fairlead;
using namespace fairlead::bucket;

namespace {

Access example() {
    crypto::start();
    return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret()};
}

// Friday, May 24, 2013, the day of the examples in the API reference of S3.
Timestamp day() {
    return *from_rfc3339("2013-05-24T00:00:00Z");
}

std::string signature_of(const std::string& header) {
    auto at = header.find("Signature=");
    return header.substr(at + 10);
}

struct Example {
    const char* name;
    const char* method;
    std::string path;
    Pairs query;
    Pairs headers;
    std::string payload;
    const char* signature;
};

} // namespace

TEST_CASE("the examples of S3's API reference get the signatures that it prints") {
    auto access = example();
    const Example examples[] = {
        {"GET object with a range",
         "GET",
         "/test.txt",
         {},
         {{"Range", "bytes=0-9"}},
         "",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {"PUT object",
         "PUT",
         "/" + uri_encode("test$file.text", true),
         {},
         {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
         "Welcome to Amazon S3.",
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
        {"GET bucket lifecycle",
         "GET",
         "/",
         {{"lifecycle", ""}},
         {},
         "",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"list objects",
         "GET",
         "/",
         {{"prefix", "J"}, {"max-keys", "2"}},
         {},
         "",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    for (const auto& one : examples) {
        CAPTURE(one.name);
        auto headers = one.headers;
        auto payload = crypto::sha256(one.payload).hex();
        headers.emplace_back("Host", "examplebucket.s3.amazonaws.com");
        headers.emplace_back("x-amz-content-sha256", payload);
        headers.emplace_back("x-amz-date", amz_date(day()));
        auto query = query_of(one.query);
        Unsigned what{one.method, one.path, query, &headers, payload};
        CHECK(signature_of(authorization(what, access, "us-east-1", day())) == one.signature);
    }
}

TEST_CASE("a vector of the general test suite: get-vanilla") {
    Access access{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
    auto at = *from_rfc3339("2015-08-30T12:36:00Z");
    Pairs headers{{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}};
    Unsigned what{"GET", "/", "", &headers, sha256_of_nothing};
    CHECK(
        authorization(what, access, "us-east-1", at, "service") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        "SignedHeaders=host;x-amz-date,"
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
}

TEST_CASE("the canonical request sorts, trims and lowers, and encodes a query once") {
    Pairs headers{{"X-B", "  two   spaces "}, {"host", "h"}, {"X-A", "1"}};
    auto query = query_of({{"b", "x y/z"}, {"a", "+ü"}, {"a", ""}});
    CHECK(query == "a=&a=%2B%C3%BC&b=x%20y%2Fz");
    Unsigned what{"GET", "/k%20y", query, &headers, "sum"};
    CHECK(
        canonical_request(what) == "GET\n/k%20y\na=&a=%2B%C3%BC&b=x%20y%2Fz\n"
                                   "host:h\nx-a:1\nx-b:two spaces\n\nhost;x-a;x-b\nsum"
    );
}

TEST_CASE("the secret is in nothing that is sent") {
    auto access = example();
    Pairs headers{{"host", "h"}};
    Unsigned what{"GET", "/", "", &headers, sha256_of_nothing};
    auto header = authorization(what, access, "auto", day());
    CHECK(header.find("wJalr") == std::string::npos);
    CHECK(header.find("/20130524/auto/s3/aws4_request") != std::string::npos);
}

TEST_SUITE_END();
