#include "agent/bucket/bucket.hpp"
#include "agent/bucket/storage_test.hpp"
#include "agent/bucket/xml.hpp"
#include "fake_s3.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

using namespace fairlead;
using namespace fairlead::bucket;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("agent/bucket/bucket");

namespace {

constexpr std::string_view secret = "S3cr3tS3cr3t", token = "T0k3nT0k3n";

struct Site {
    explicit Site(const std::function<void(proto::Storage&, Options&)>& change = {}) {
        auto storage = server.storage();
        Options options;
        options.pause = &pause;
        options.clock = &clock;
        if (change) change(storage, options);
        auto opened = Bucket::open(
            storage, {storage.access_key, Secret(std::string(secret)), Secret(std::string(token))},
            options
        );
        REQUIRE(opened);
        bucket = *std::move(opened);
    }

    void fault_once(Fault fault, const std::string& method = "") {
        auto left = std::make_shared<std::atomic<int>>(1);
        server.misbehave = [=](const Seen& seen) -> std::optional<Fault> {
            if (!method.empty() && seen.method != method) return std::nullopt;
            if (left->fetch_sub(1) <= 0) return std::nullopt;
            return fault;
        };
    }
    void fault_always(Fault fault) {
        server.misbehave = [=](const Seen&) -> std::optional<Fault> { return fault; };
    }

    FakeS3 server;
    FakePause pause;
    FakeClock clock;
    std::unique_ptr<Bucket> bucket;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

template <class T>
std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code();
}

/// The code of a put, and that the sentence names what it should and none of the secrets.
template <class T>
std::string refused(const Result<T>& result, const std::vector<std::string>& names = {}) {
    if (result) return "";
    auto all = result.error().message() + result.error().detail();
    INFO(all);
    CHECK(all.find(secret) == std::string::npos);
    CHECK(all.find(token) == std::string::npos);
    for (const auto& name : names) CHECK(result.error().message().find(name) != std::string::npos);
    return result.error().code();
}

} // namespace

TEST_CASE("objects are put, seen, read in whole and in part, listed and removed") {
    Site site([](auto& storage, auto&) { storage.prefix = "odoo/a b"; });
    auto& bucket = *site.bucket;
    auto content = pattern(300'000);
    REQUIRE(bucket.put("k/ü+&<x>", content));
    CHECK(site.server.objects().count("odoo/a b/k/ü+&<x>") == 1);

    auto seen = bucket.head("k/ü+&<x>");
    REQUIRE(seen);
    CHECK(seen->bytes == content.size());
    CHECK(*bucket.get("k/ü+&<x>", content.size()) == content);
    CHECK(code_of(bucket.get("k/ü+&<x>", content.size() - 1)) == "too_large");
    StringSink part(1000);
    auto count = bucket.get("k/ü+&<x>", part, {100'000, 1000});
    REQUIRE(count);
    CHECK(*count == 1000);
    CHECK(part.text == content.substr(100'000, 1000));

    REQUIRE(bucket.list("k/", [&](const Object& one) -> Result<> {
        CHECK(one.key == "k/ü+&<x>");
        CHECK(one.bytes == content.size());
        return {};
    }));
    REQUIRE(bucket.remove("k/ü+&<x>"));
    CHECK(site.server.objects().empty());
    CHECK(code_of(bucket.head("k/ü+&<x>")) == "storage_object_missing");
    CHECK(code_of(bucket.get("k/ü+&<x>", 10)) == "storage_object_missing");
    CHECK(site.pause.waits.empty());
}

TEST_CASE("an empty object is an object") {
    Site site;
    REQUIRE(site.bucket->put("empty", ""));
    CHECK(site.bucket->head("empty")->bytes == 0);
    CHECK(site.bucket->get("empty", 10)->empty());
}

TEST_CASE("session tokens and object locks are signed headers") {
    Site site([](auto& storage, auto&) {
        storage.object_lock = proto::ObjectLock::compliance;
        storage.object_lock_days = 2;
    });
    REQUIRE(site.bucket->put("a", "x"));
    REQUIRE(site.bucket->put("b", "x", Lock::none));
    auto seen = site.server.seen();
    CHECK(seen[0].header("x-amz-security-token") == token);
    CHECK(seen[0].header("x-amz-object-lock-mode") == "COMPLIANCE");
    CHECK(
        seen[0].header("x-amz-object-lock-retain-until-date") == to_rfc3339(site.clock.now() + 48h)
    );
    auto authorization = seen[0].header("authorization");
    CHECK(authorization.find("x-amz-object-lock-mode;") != std::string::npos);
    CHECK(authorization.find("x-amz-security-token,") != std::string::npos);
    CHECK(seen[1].header("x-amz-object-lock-mode").empty());
}

TEST_CASE("failures that pass are tried again, with Retry-After") {
    for (auto fault :
         {Fault{500, error_document("InternalError"), {}}, Fault{503, "not even xml", {}},
          Fault{429, "", {{"Retry-After", "7"}}}, Fault{400, error_document("RequestTimeout"), {}},
          Fault{200, "0123456789", {}, Fault::Body::cut, 3}}) {
        CAPTURE(fault.status);
        Site site;
        site.fault_once(fault);
        REQUIRE(site.bucket->put("k", "x"));
        CHECK(site.server.count("PUT") == 2);
        REQUIRE(site.pause.waits.size() == 1);
        CHECK(site.pause.waits[0] == (fault.headers.empty() ? 125ms : 7125ms));
    }
}

TEST_CASE("tries have an end, and what stays wrong gets one") {
    Site site;
    site.fault_always({503, error_document("SlowDown"), {}});
    CHECK(
        refused(site.bucket->put("k", "x"), {"SlowDown", "k in the bucket tests"}) ==
        "storage_failed"
    );
    CHECK(site.server.count("PUT") == RetryLimits{}.tries);

    struct Row {
        int status;
        std::string body;
        const char* code;
        std::vector<std::string> names;
    };
    auto echo = std::string(secret) + " " + std::string(token);
    const Row rows[] = {
        {403, error_document("InvalidAccessKeyId"), "storage_key_refused", {"access key"}},
        {403,
         "<Error><Code>SignatureDoesNotMatch</Code><Message>" + echo + "</Message></Error>",
         "storage_key_refused",
         {"secret key"}},
        {400, error_document("ExpiredToken"), "storage_key_refused", {"expired"}},
        {403, error_document("AccessDenied"), "storage_forbidden", {"s3:PutObject", "tests", "k"}},
        {403, "", "storage_forbidden", {}},
        {404, error_document("NoSuchBucket"), "storage_bucket_missing", {"tests"}},
        {400,
         error_document("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"),
         "storage_region_wrong",
         {"eu-west-3", "auto"}},
        {301, error_document("PermanentRedirect"), "storage_failed", {"not followed"}},
        {403, error_document("QuotaExceeded"), "storage_full", {"quota"}},
        {507, "", "storage_full", {}},
        {405, error_document("MethodNotAllowed"), "storage_not_supported", {"MethodNotAllowed"}},
        {400, "<Error><Code>" + echo + "</Code></Error>", "storage_failed", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        Site one;
        one.fault_always({row.status, row.body, {}});
        CHECK(refused(one.bucket->put("k", "x"), row.names) == row.code);
        CHECK(one.server.count("PUT") == 1);
    }
}

TEST_CASE("a redirect is not followed, and names the region where the head tells it") {
    Site site;
    site.fault_always(
        {307,
         "",
         {{"Location", site.server.storage().endpoint + "/tests/other"},
          {"x-amz-bucket-region", "us-west-2"}}}
    );
    CHECK(refused(site.bucket->head("k"), {"us-west-2"}) == "storage_region_wrong");
    CHECK(site.server.seen().size() == 1);
}

TEST_CASE("a checksum that differs is tried again, and is damage when it stays") {
    Site site;
    Fault wrong{200, "", {{"ETag", "\"00000000000000000000000000000000\""}}};
    site.fault_once(wrong);
    CHECK(site.bucket->put("k", "x"));
    site.fault_always(wrong);
    CHECK(refused(site.bucket->put("k", "x"), {"ETag"}) == "storage_damaged");
    // With keys of somebody's own an ETag is no MD5.
    wrong.headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
    site.fault_always(wrong);
    CHECK(site.bucket->put("k", "x"));
    site.fault_always({200, "", {{"ETag", "\"opaque\""}}});
    CHECK(site.bucket->put("k", "x"));
}

TEST_CASE("a read that is cut goes on where it was, if the object is the same") {
    auto content = pattern(3'000'000);
    auto etag = [&](Site& site) { return "\"" + site.bucket->head("k")->etag + "\""; };
    auto cut = [&](Site& site, std::size_t after) {
        site.fault_once({200, content, {{"ETag", etag(site)}}, Fault::Body::cut, after}, "GET");
    };
    SUBCASE("and brings every byte once") {
        Site site;
        site.server.set_object("k", content);
        cut(site, 1'234'567);
        CHECK(*site.bucket->get("k", content.size()) == content);
        auto last = site.server.seen().back();
        CHECK(last.header("if-match") == etag(site));
        CHECK(last.header("range").starts_with("bytes="));
    }
    SUBCASE("and says so when it was changed meanwhile") {
        Site site;
        site.server.set_object("k", content);
        cut(site, 1'234'567);
        site.pause.on_wait = [&] { site.server.set_object("k", pattern(2'999'999)); };
        CHECK(refused(site.bucket->get("k", content.size()), {"changed"}) == "storage_damaged");
    }
    SUBCASE("and is given up when nothing more comes") {
        Site site;
        site.server.set_object("k", content);
        auto tag = etag(site);
        site.fault_always({200, content, {{"ETag", tag}}, Fault::Body::cut, 1000});
        CHECK(refused(site.bucket->get("k", content.size())) == "storage_unreachable");
        CHECK(site.server.count("GET") == RetryLimits{}.tries);
    }
}

TEST_CASE("a sink's error ends a read and is passed on") {
    Site site;
    site.server.set_object("k", pattern(100'000));
    StringSink small(10);
    CHECK(code_of(site.bucket->get("k", small)) == "too_large");
    CHECK(site.server.count("GET") == 1);
}

TEST_CASE("a clock that is far off is made up for once") {
    Site site;
    auto theirs = site.clock.now() + 3h;
    auto date = [&] {
        // The fake clock starts on a day that is easy to write.
        auto text = to_rfc3339(theirs);
        return "Mon, " + text.substr(8, 2) + " Dec " + text.substr(0, 4) + " " +
               text.substr(11, 8) + " GMT";
    };
    REQUIRE(parse_http_date(date()) == theirs);
    SUBCASE("and the request goes on") {
        site.fault_once({403, error_document("RequestTimeTooSkewed"), {{"Date", date()}}});
        REQUIRE(site.bucket->put("k", "x"));
        CHECK(site.bucket->clock_offset() == 3h);
        CHECK(site.server.seen().back().header("x-amz-date").substr(9, 2) == "03");
        CHECK(site.pause.waits.empty());
        auto checks = test_storage(*site.bucket);
        CHECK(checks.back().id == "clock");
        CHECK(checks.back().result == proto::CheckResult::warning);
    }
    SUBCASE("also where only the date of a 403 tells") {
        site.fault_once({403, error_document("AccessDenied"), {{"Date", date()}}});
        CHECK(site.bucket->put("k", "x"));
    }
    SUBCASE("and named when that does not help") {
        site.fault_always({403, error_document("RequestTimeTooSkewed"), {{"Date", date()}}});
        CHECK(refused(site.bucket->put("k", "x"), {"3 hours", "behind"}) == "storage_clock_wrong");
        CHECK(site.server.count("PUT") == 2);
    }
}

TEST_CASE("lists come in pages and in order, and an error of the caller ends them") {
    Site site;
    site.server.page = 7;
    for (int i = 100; i < 150; ++i) site.server.set_object("l/" + std::to_string(i), "x");
    site.server.set_object("m", "x");
    std::vector<std::string> keys;
    REQUIRE(site.bucket->list("l/", [&](const Object& one) -> Result<> {
        keys.push_back(one.key);
        return {};
    }));
    CHECK(keys.size() == 50);
    CHECK(std::ranges::is_sorted(keys));
    CHECK(site.server.count("GET", "list-type") == 8);
    auto ended = site.bucket->list("l/", [](const Object&) -> Result<> {
        return fail(Error(Errc::conflict, "enough").with_code("enough"));
    });
    CHECK(code_of(ended) == "enough");
}

TEST_CASE("lists that have no end, that are endless documents, or lists of something else, end") {
    auto list = [](Site& site) {
        return site.bucket->list("l/", [](const Object&) -> Result<> { return {}; });
    };
    Site site;
    site.fault_always(
        {200,
         "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
         "</NextContinuationToken></ListBucketResult>",
         {}}
    );
    CHECK(refused(list(site), {"without an end"}) == "storage_failed");
    CHECK(site.server.seen().size() == 2);
    site.fault_always(
        {200,
         "<ListBucketResult><Contents><Key>/etc/x</Key><Size>1</Size></Contents>"
         "</ListBucketResult>",
         {}}
    );
    CHECK(refused(list(site)) == "storage_failed");
    site.fault_always({200, "<html><body>Welcome</body></html>", {}});
    CHECK(refused(list(site), {"S3"}) == "storage_failed");
    site.fault_always({200, std::string(100'000, ' '), {}, Fault::Body::endless});
    CHECK(!list(site));
    site.fault_always({500, std::string(100'000, ' '), {}, Fault::Body::endless});
    CHECK(!list(site));
}

TEST_CASE("many are removed together, or one by one where the server cannot") {
    std::vector<std::string> keys;
    for (int i = 0; i < 1001; ++i) keys.push_back("d/" + std::to_string(i));
    auto fill = [&](Site& site) {
        for (const auto& key : keys) site.server.set_object(key, "x");
    };
    SUBCASE("together") {
        Site site;
        fill(site);
        REQUIRE(site.bucket->remove(keys));
        CHECK(site.server.objects().empty());
        CHECK(site.server.count("POST", "delete") == 2);
        CHECK(site.server.count("DELETE") == 0);
        CHECK(!site.server.seen().front().header("content-md5").empty());
    }
    SUBCASE("one by one") {
        Site site;
        keys.resize(20);
        fill(site);
        site.server.misbehave = [](const Seen& seen) -> std::optional<Fault> {
            if (seen.method != "POST") return std::nullopt;
            return Fault{501, error_document("NotImplemented"), {}};
        };
        REQUIRE(site.bucket->remove(keys));
        REQUIRE(site.bucket->remove(keys));
        CHECK(site.server.objects().empty());
        CHECK(site.server.count("POST", "delete") == 1);
        CHECK(site.server.count("DELETE") == 40);
    }
    SUBCASE("one by one what the server did not do, and what XML cannot say") {
        Site site;
        keys.resize(3);
        keys.push_back("d/\x01");
        fill(site);
        site.fault_once(
            {200,
             "<DeleteResult><Error><Key>d/1</Key><Code>InternalError</Code></Error></DeleteResult>",
             {},
             Fault::Body::plain,
             0,
             true},
            "POST"
        );
        REQUIRE(site.bucket->remove(keys));
        CHECK(site.server.objects().empty());
        CHECK(site.server.count("DELETE") == 2);
    }
}

TEST_CASE("unfinished uploads are listed and given up") {
    Site site([](auto& storage, auto&) { storage.prefix = "p"; });
    auto id = site.bucket->begin_upload("a");
    REQUIRE(id);
    std::size_t count = 0;
    REQUIRE(site.bucket->list_uploads("", [&](const Unfinished& one) -> Result<> {
        CHECK(one.key == "a");
        CHECK(one.id == *id);
        ++count;
        return {};
    }));
    CHECK(count == 1);
    CHECK(site.bucket->abort_upload("a", *id));
    CHECK(site.bucket->abort_upload("a", *id));
    CHECK(site.server.uploads() == 0);
}

TEST_CASE("an upload whose begin was not heard of is given up") {
    Site site;
    site.fault_once({500, "", {}, Fault::Body::plain, 0, true}, "POST");
    auto id = site.bucket->begin_upload("a");
    REQUIRE(id);
    CHECK(site.server.uploads() == 1);
}

TEST_CASE("a certificate that is not trusted names the field ca") {
    Site site([](auto& storage, auto&) { storage.ca.clear(); });
    CHECK(refused(site.bucket->put("k", "x"), {"field ca"}) == "storage_tls_failed");
    CHECK(site.pause.waits.empty());
    FakeS3 other;
    Site wrong([&](auto& storage, auto&) { storage.ca = other.ca(); });
    CHECK(refused(wrong.bucket->put("k", "x"), {"field ca"}) == "storage_tls_failed");
    Site name([](auto& storage, auto&) { storage.endpoint.replace(8, 9, "localhost"); });
    CHECK(refused(name.bucket->put("k", "x"), {"another name"}) == "storage_tls_failed");
    auto storage = other.storage();
    storage.ca = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
    auto opened = Bucket::open(storage, {"key", Secret("s"), Secret()});
    REQUIRE(!opened);
    CHECK(opened.error().fields().front().field == "ca");
}

TEST_CASE("a server that is not there, or falls silent, is unreachable") {
    Site site([](auto&, auto& options) {
        options.retries.tries = 2;
        options.patience.idle = 100ms;
    });
    site.fault_always({200, "", {}, Fault::Body::silent});
    CHECK(refused(site.bucket->put("k", "x"), {"127.0.0.1"}) == "storage_unreachable");
    CHECK(site.server.count("PUT") == 2);
    site.server.stop();
    CHECK(refused(site.bucket->put("k", "x"), {"firewall"}) == "storage_unreachable");
}

TEST_CASE("a server that trickles is given up by its total time") {
    Site site([](auto&, auto& options) {
        options.retries.tries = 1;
        options.patience.total = 100ms;
    });
    site.fault_always({200, "", {}, Fault::Body::silent});
    CHECK(refused(site.bucket->put("k", "x"), {"too slow"}) == "storage_unreachable");
    site.server.release();
}

TEST_CASE("a stop ends what waits for a server, and what waits for the next try") {
    std::stop_source stop;
    SUBCASE("in an exchange") {
        Site site([&](auto&, auto& options) { options.stop = stop.get_token(); });
        site.server.misbehave = [&](const Seen&) -> std::optional<Fault> {
            stop.request_stop();
            return Fault{200, "", {}, Fault::Body::silent};
        };
        CHECK(code_of(site.bucket->put("k", "x")) == "cancelled");
        site.server.release();
    }
    SUBCASE("between tries") {
        Site site([&](auto&, auto& options) { options.stop = stop.get_token(); });
        site.pause.on_wait = [&] { stop.request_stop(); };
        site.fault_always({500, "", {}});
        CHECK(code_of(site.bucket->put("k", "x")) == "cancelled");
        CHECK(site.server.count("PUT") == 1);
    }
}

TEST_CASE("a real pause ends at a stop") {
    RealPause pause;
    std::stop_source stop;
    std::jthread other([&] { stop.request_stop(); });
    CHECK(!pause.wait(10min, stop.get_token()));
    CHECK(pause.wait(0ms, {}));
    auto drawn = pause.draw();
    CHECK(drawn >= 0);
    CHECK(drawn < 1);
}

TEST_CASE("a storage is tested whole, and nothing of the test stays") {
    Site site([](auto& storage, auto&) { storage.prefix = "p"; });
    site.server.set_object("p/mine", "x");
    auto checks = test_storage(*site.bucket);
    std::string ids;
    for (const auto& one : checks) {
        CHECK(one.result == proto::CheckResult::passed);
        ids += one.id + " ";
    }
    CHECK(ids == "write read list multipart abort delete clock ");
    CHECK(verdict(checks));
    CHECK(site.server.objects().size() == 1);
    CHECK(site.server.uploads() == 0);
}

TEST_CASE("a storage's test names what the keys may not do") {
    Site site;
    site.server.misbehave = [](const Seen& seen) -> std::optional<Fault> {
        if (seen.method != "DELETE" && !seen.asks("delete")) return std::nullopt;
        return Fault{403, error_document("AccessDenied"), {}};
    };
    auto checks = test_storage(*site.bucket);
    auto said = verdict(checks);
    CHECK(refused(said, {"s3:DeleteObject", "s3:AbortMultipartUpload"}) == "storage_forbidden");
    site.fault_always({404, error_document("NoSuchBucket"), {}});
    checks = test_storage(*site.bucket);
    CHECK(checks.size() == 2);
    CHECK(code_of(verdict(checks)) == "storage_bucket_missing");
}

TEST_SUITE_END();
