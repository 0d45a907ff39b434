#include "agent/bucket/address.hpp"
#include "agent/bucket/http_text.hpp"
#include "agent/bucket/retry.hpp"
#include "agent/bucket/xml.hpp"
#include "fake_s3.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::bucket;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("agent/bucket/address");

TEST_CASE("an endpoint is https, a host and perhaps a port, and nothing else") {
    auto good = parse_endpoint("https://S3.Example.com:9000/");
    REQUIRE(good);
    CHECK(good->authority() == "s3.example.com:9000");
    CHECK(parse_endpoint("https://s3.example.com")->authority() == "s3.example.com");
    CHECK(parse_endpoint("https://[::1]:8443")->url() == "https://[::1]:8443");
    for (auto* bad :
         {"", "s3.example.com", "ftp://x", "https://", "https://a/b", "https://u@h", "https://h:0",
          "https://h:70000", "https://h:", "https://[::1", "https://h?x", "https://h\r\nX: y",
          "http://s3.example.com", "http://127.0.0.1"}) {
        CAPTURE(bad);
        auto read = parse_endpoint(bad);
        REQUIRE(!read);
        CHECK(read.error().code() == "storage_invalid");
        CHECK(read.error().fields().front().field == "endpoint");
    }
    CHECK(parse_endpoint("http://127.0.0.1:9000", Plain::loopback));
    CHECK(!parse_endpoint("http://s3.example.com", Plain::loopback));
}

TEST_CASE("a storage's names are checked by field") {
    proto::Storage good;
    good.bucket = "backups";
    good.region = "auto";
    good.access_key = "test:tester";
    CHECK(check_storage(good));
    struct Row {
        const char* field;
        std::function<void(proto::Storage&)> spoil;
    };
    const Row rows[] = {
        {"bucket", [](auto& s) { s.bucket = "a/b"; }},
        {"bucket", [](auto& s) { s.bucket = "ab"; }},
        {"bucket", [](auto& s) { s.bucket = std::string(64, 'a'); }},
        {"region", [](auto& s) { s.region = ""; }},
        {"region", [](auto& s) { s.region = "a\r\nb"; }},
        {"prefix", [](auto& s) { s.prefix = "/a"; }},
        {"prefix", [](auto& s) { s.prefix = "a/"; }},
        {"prefix", [](auto& s) { s.prefix = std::string(513, 'a'); }},
        {"access_key", [](auto& s) { s.access_key = "a\r\nHost: b"; }},
        {"access_key", [](auto& s) { s.access_key = ""; }},
    };
    for (const auto& row : rows) {
        auto bad = good;
        row.spoil(bad);
        auto checked = check_storage(bad);
        REQUIRE(!checked);
        CHECK(checked.error().fields().front().field == row.field);
    }
}

TEST_CASE("keys become paths in either style, whatever characters they have") {
    proto::Storage storage;
    storage.bucket = "b";
    auto endpoint = *parse_endpoint("https://s3.example.com:9000");
    CHECK(place_of(endpoint, storage, "").path == "/b");
    CHECK(place_of(endpoint, storage, "a b/ü+%?#").path == "/b/a%20b/%C3%BC%2B%25%3F%23");
    storage.addressing = proto::Addressing::virtual_host;
    auto place = place_of(endpoint, storage, "k/../l");
    CHECK(place.path == "/k/../l");
    CHECK(place.endpoint.authority() == "b.s3.example.com:9000");
    CHECK(place_of(endpoint, storage, "").path == "/");
    CHECK(uri_decode("a%20b%2Bc+d%zz%4") == "a b+c d%zz%4");
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("agent/bucket/http_text");

TEST_CASE("heads are read, and what is none is refused") {
    auto head = parse_head("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"x\"\r\n"
                           "Connection: Close\r\n\r\n");
    REQUIRE(head);
    CHECK(head->status == 206);
    CHECK(head->length() == 5);
    CHECK(head->at("etag") == "\"x\"");
    CHECK(head->closes());
    CHECK(!head->chunked());
    for (auto* bad :
         {"", "\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}) {
        CAPTURE(bad);
        CHECK(!parse_head(bad));
    }
}

TEST_CASE("dates and Retry-After are read") {
    auto at = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == "1994-11-06T08:49:37.000Z");
    CHECK(!parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"));
    CHECK(parse_retry_after("7", *at) == 7s);
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", *at) == 60s);
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", *at) == 0s);
    CHECK(!parse_retry_after("soon", *at));
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("agent/bucket/xml");

TEST_CASE("what S3 answers with is read") {
    auto document = read_xml(" \n<?xml version=\"1.0\"?>\n<!-- c -->\n<s3:Root "
                             "xmlns:s3='http://x/>'><A>1 &lt;&#38;&#xfc;"
                             "</A>\n <B/><C><D><![CDATA[<raw>]]></D></C></s3:Root>\n");
    REQUIRE(document);
    CHECK(document->name == "Root");
    CHECK(document->at("A") == "1 <&\xc3\xbc");
    CHECK(document->find("B"));
    CHECK(document->find("C")->at("D") == "<raw>");
    CHECK(document->at("E").empty());
    CHECK(document->text.empty());
    CHECK(read_xml("<a>" + xml_escape("<&>\"\r") + "</a>")->text == "<&>\"\r");
}

TEST_CASE("hostile documents are refused") {
    for (auto* bad :
         {"",
          "text",
          "<a>",
          "<a></b>",
          "</a>",
          "<a/><b/>",
          "<a>x</a>y",
          "<a",
          "<a b='",
          "<>x</>",
          "<a>&bomb;</a>",
          "<a>&#0x;</a>",
          "<a>&#1114112;</a>",
          "<a>&#xd800;</a>",
          "<a>&amp</a>",
          "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
          "<![CDATA[x]]>",
          "<a><![CDATA[x</a>",
          "<?xml",
          "<!-- <a/>",
          "<a <b/></a>"}) {
        CAPTURE(bad);
        CHECK(!read_xml(bad));
    }
}

TEST_CASE("documents have limits of depth, elements and bytes") {
    auto nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += "<a>";
        for (std::size_t i = 0; i < depth; ++i) text += "</a>";
        return text;
    };
    CHECK(read_xml(nested(max_xml_depth)));
    CHECK(!read_xml(nested(max_xml_depth + 1)));
    auto wide = [](std::size_t count) {
        std::string text = "<a>";
        for (std::size_t i = 0; i < count; ++i) text += "<b/>";
        return text + "</a>";
    };
    CHECK(read_xml(wide(max_xml_elements - 1)));
    CHECK(!read_xml(wide(max_xml_elements)));
    CHECK(!read_xml("<a>" + std::string(max_xml_bytes, 'x') + "</a>"));
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("agent/bucket/retry");

TEST_CASE("what may go away is tried again, what is wrong is not") {
    for (int status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing({status, "", {}}));
    for (auto* code : {"SlowDown", "InternalError", "storage_cut", "BadDigest"})
        CHECK(is_passing({400, code, {}}));
    for (int status : {301, 400, 401, 403, 404, 409, 412, 501, 507})
        CHECK(!is_passing({status, "AccessDenied", {}}));
    for (auto* code : {"storage_tls_failed", "cancelled", "SignatureDoesNotMatch"})
        CHECK(!is_passing({0, code, {}}));
}

TEST_CASE("waits double up to the longest, with full jitter, and end by number") {
    FakePause pause;
    pause.chance = 1.0;
    RetryLimits limits{.tries = 6, .first = 100ms, .longest = 500ms, .total = 10s};
    Retries retries(limits, pause);
    std::vector<std::chrono::milliseconds> waits;
    while (auto wait = retries.next({500, "", {}})) waits.push_back(*wait);
    CHECK(waits == std::vector<std::chrono::milliseconds>{100ms, 200ms, 400ms, 500ms, 500ms});
    retries.gained();
    pause.chance = 0.0;
    CHECK(retries.next({500, "", {}}) == 0ms);
}

TEST_CASE("waits end by time, and Retry-After is heeded as far as it fits") {
    FakePause pause;
    pause.chance = 0.0;
    RetryLimits limits{.tries = 100, .first = 100ms, .longest = 20s, .total = 30s};
    Retries retries(limits, pause);
    CHECK(retries.next({503, "SlowDown", 14s}) == 14s);
    CHECK(retries.next({503, "SlowDown", 14s}) == 14s);
    CHECK(!retries.next({503, "SlowDown", 14s}));
    CHECK(!Retries(limits, pause).next({503, "SlowDown", 21s}));
}

TEST_SUITE_END();
