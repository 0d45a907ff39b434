#include "agent/bucket/upload.hpp"
#include "fake_s3.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::bucket;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("agent/bucket/upload");

namespace {

struct Site {
    Site() {
        Options options;
        options.pause = &pause;
        options.stop = stop.get_token();
        bucket = *Bucket::open(server.storage(), {"key", Secret("secret"), Secret()}, options);
    }

    /// Answers that to the requests for which `which` is true, the first `times` of them.
    void fault(std::function<bool(const Seen&)> which, Fault fault, int times = 1'000'000) {
        auto left = std::make_shared<std::atomic<int>>(times);
        server.misbehave = [=](const Seen& seen) -> std::optional<Fault> {
            if (!which(seen) || left->fetch_sub(1) <= 0) return std::nullopt;
            return fault;
        };
    }

    std::stop_source stop;
    FakeS3 server;
    FakePause pause;
    std::unique_ptr<Bucket> bucket;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

Result<> write_all(Upload& upload, std::string_view text, std::size_t piece) {
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        FAIRLEAD_CHECK(upload.write(text.substr(0, piece)));
    return upload.finish();
}

bool is_part(const Seen& seen) {
    return seen.method == "PUT" && seen.asks("partNumber");
}
bool is_complete(const Seen& seen) {
    return seen.method == "POST" && seen.asks("uploadId");
}

constexpr std::size_t mib = 1 << 20;

} // namespace

TEST_CASE("parts grow with what is expected, and buffers become fewer") {
    CHECK(cut_for(0, 3) == Cut{5 * mib, 4});
    CHECK(cut_for(0, 1) == Cut{5 * mib, 2});
    CHECK(cut_for(10'000'000'000, 3) == Cut{5 * mib, 4});
    for (std::uint64_t expected = 1; expected < 10'000'000'000'000; expected = expected * 3 + 1) {
        CAPTURE(expected);
        auto cut = cut_for(expected, 3);
        CHECK(cut.part * max_parts >= expected);
        CHECK((cut.buffers == 1 || cut.part * cut.buffers <= upload_memory));
        CHECK(cut.buffers >= 1);
    }
}

TEST_CASE("what fits into one part is one request, what does not is parts of one size") {
    struct Row {
        std::size_t bytes;
        std::size_t parts; ///< 0: a single PUT
    };
    for (auto row :
         {Row{0, 0}, Row{1, 0}, Row{5 * mib, 0}, Row{5 * mib + 1, 2}, Row{10 * mib, 2},
          Row{28 * mib, 6}}) {
        CAPTURE(row.bytes);
        Site site;
        auto content = pattern(row.bytes);
        {
            Upload upload(*site.bucket, "k");
            REQUIRE(write_all(upload, content, 700'001));
            CHECK(upload.bytes() == row.bytes);
            CHECK(upload.sha256() == crypto::sha256(content));
            CHECK(upload.buffers() <= upload.cut().buffers);
        }
        CHECK(site.server.objects().at("k") == content);
        CHECK(site.server.uploads() == 0);
        CHECK(site.server.count("PUT", "partNumber") == row.parts);
        CHECK(site.server.count("PUT") == std::max<std::size_t>(row.parts, 1));
        CHECK(site.server.most_parts_at_once() <= 3);
        for (const auto& seen : site.server.seen())
            if (is_part(seen) && seen.query.at("partNumber") != std::to_string(row.parts))
                CHECK(seen.bytes == 5 * mib);
    }
}

TEST_CASE("uploads that overlap share their buffers, also where one fails") {
    Site site;
    auto content = pattern(23 * mib);
    UploadOptions options;
    options.buffers = std::make_shared<PartBuffers>(3);
    site.fault(
        [](const Seen& seen) { return is_part(seen) && seen.path.ends_with("/first"); },
        {403, error_document("AccessDenied"), {}}, 100
    );
    Upload first(*site.bucket, "first", options);
    CHECK(!write_all(first, content, mib));
    {
        Upload second(*site.bucket, "second", options);
        REQUIRE(write_all(second, content, mib));
    }
    CHECK(options.buffers->made() <= 3);
    CHECK(site.server.objects().at("second") == content);
    CHECK(!site.server.objects().contains("first"));
}

TEST_CASE("parts that fail go again; the object is whole") {
    Site site;
    auto content = pattern(23 * mib);
    SUBCASE("500") {
        site.fault(is_part, {500, "", {}}, 4);
    }
    SUBCASE("SlowDown") {
        site.fault(is_part, {503, error_document("SlowDown"), {{"Retry-After", "1"}}}, 3);
    }
    SUBCASE("answer cut") {
        site.fault(is_part, {200, "0123456789", {}, Fault::Body::cut, 1, true}, 2);
    }
    SUBCASE("wrong ETag") {
        site.fault(is_part, {200, "", {{"ETag", "\"" + std::string(32, '0') + "\""}}}, 2);
    }
    SUBCASE("complete says 500") {
        site.fault(is_complete, {500, "", {}}, 2);
    }
    SUBCASE("complete says InternalError in a 200") {
        site.fault(is_complete, {200, error_document("InternalError"), {}}, 2);
    }
    SUBCASE("complete is done, and its answer lost") {
        site.fault(
            is_complete, {200, "<CompleteMultipartUploadResult/>", {}, Fault::Body::cut, 5, true}, 1
        );
    }
    SUBCASE("begin is done, and its answer lost") {
        site.fault(
            [](const Seen& seen) { return seen.method == "POST" && seen.asks("uploads"); },
            {500, "", {}, Fault::Body::plain, 0, true}, 1
        );
    }
    {
        Upload upload(*site.bucket, "k");
        REQUIRE(write_all(upload, content, mib));
        CHECK(upload.buffers() <= 4);
    }
    CHECK(site.server.objects().at("k") == content);
    CHECK(site.server.uploads() == 0);
}

TEST_CASE("an upload that fails says why and leaves nothing") {
    struct Row {
        const char* name;
        std::function<bool(const Seen&)> which;
        Fault fault;
        const char* code;
    };
    auto head = [](const Seen& seen) { return seen.method == "HEAD"; };
    const Row rows[] = {
        {"no server any more", is_part, {500, "", {}}, "storage_failed"},
        {"keys expire", is_part, {403, error_document("ExpiredToken"), {}}, "storage_key_refused"},
        {"full", is_part, {507, "", {}}, "storage_full"},
        {"every part damaged",
         is_part,
         {200, "", {{"ETag", "\"" + std::string(32, '0') + "\""}}},
         "storage_damaged"},
        {"the upload is gone",
         is_part,
         {404, error_document("NoSuchUpload"), {}},
         "storage_upload_missing"},
        {"complete refuses in a 200",
         is_complete,
         {200, error_document("InvalidPart"), {}},
         "storage_failed"},
        {"complete lies",
         is_complete,
         {200, "<CompleteMultipartUploadResult/>", {}},
         "storage_damaged"},
        {"complete says nothing of sense", is_complete, {200, "<html/>", {}}, "storage_failed"},
        {"another size", head, {200, "x", {}}, "storage_damaged"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Site site;
        site.fault(row.which, row.fault);
        {
            Upload upload(*site.bucket, "k");
            auto done = write_all(upload, pattern(23 * mib), mib);
            REQUIRE(!done);
            CHECK(done.error().code() == row.code);
            CHECK(upload.buffers() <= 4);
        }
        CHECK(site.server.uploads() == 0);
        CHECK(site.server.objects().size() == (row.which(Seen{"HEAD", {}, {}, {}}) ? 1 : 0));
    }
}

TEST_CASE("an object that is not what was sent, or is gone, is none, whatever the answer was") {
    for (auto bytes : {3 * mib, 12 * mib}) {
        CAPTURE(bytes);
        for (bool lost : {false, true}) {
            CAPTURE(lost);
            Site site;
            auto altered = pattern(bytes);
            altered[bytes / 2] ^= 1;
            site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
                if (seen.method != "HEAD") return std::nullopt;
                if (lost) return Fault{404, "", {}};
                site.server.set_object("k", altered);
                return std::nullopt;
            };
            Upload upload(*site.bucket, "k");
            auto done = write_all(upload, pattern(bytes), mib);
            REQUIRE(!done);
            CHECK(done.error().code() == "storage_damaged");
            CHECK(
                done.error().message().find(lost ? "not there" : "checksum") != std::string::npos
            );
        }
    }
}

TEST_CASE("an ETag that does not come from the content is not compared") {
    for (auto bytes : {3 * mib, 12 * mib}) {
        CAPTURE(bytes);
        Site site;
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            if (is_complete(seen))
                return Fault{
                    200,
                    "<CompleteMultipartUploadResult><ETag>one</ETag></"
                    "CompleteMultipartUploadResult>",
                    {},
                    Fault::Body::plain,
                    0,
                    true};
            if (seen.method != "PUT" || is_part(seen)) return std::nullopt;
            site.server.set_object("k", pattern(bytes));
            return Fault{200, "", {{"ETag", "\"one\""}}};
        };
        Upload upload(*site.bucket, "k");
        CHECK(write_all(upload, pattern(bytes), mib));
    }
}

TEST_CASE("what is looked at later costs one request, where its answer names the checksum") {
    struct Row {
        const char* name;
        std::size_t bytes;
        bool own_etag;
        std::size_t looks;
    };
    for (const auto& row :
         {Row{"one PUT", 3 * mib, true, 0}, Row{"an ETag that says nothing", 3 * mib, false, 1},
          Row{"in parts", 12 * mib, true, 1}}) {
        CAPTURE(row.name);
        Site site;
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            if (seen.method != "PUT" || row.own_etag) return std::nullopt;
            site.server.set_object("k", pattern(row.bytes));
            return Fault{200, "", {{"ETag", "\"one\""}}};
        };
        {
            Upload upload(*site.bucket, "k", {.looked_at_later = true});
            REQUIRE(write_all(upload, pattern(row.bytes), mib));
        }
        CHECK(site.server.count("HEAD") == row.looks);
        CHECK(site.server.objects().at("k") == pattern(row.bytes));
    }
}

TEST_CASE("an upload that is not finished is given up") {
    Site site;
    {
        Upload upload(*site.bucket, "k");
        REQUIRE(upload.write(pattern(12 * mib)));
        CHECK(site.server.uploads() == 1);
    }
    CHECK(site.server.uploads() == 0);
    CHECK(site.server.objects().empty());
    {
        Upload upload(*site.bucket, "k");
        REQUIRE(upload.write(std::string_view("small")));
    }
    CHECK(site.server.objects().empty());
}

TEST_CASE("a stop ends an upload, which is given up nevertheless") {
    Site site;
    site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
        if (!is_part(seen)) return std::nullopt;
        site.stop.request_stop();
        return Fault{200, "", {}, Fault::Body::silent};
    };
    {
        Upload upload(*site.bucket, "k");
        auto done = write_all(upload, pattern(40 * mib), mib);
        REQUIRE(!done);
        CHECK(done.error().code() == "cancelled");
        site.server.misbehave = nullptr;
    }
    CHECK(site.server.uploads() == 0);
    site.server.release();
}

TEST_CASE("giving up has an end where the server does not answer") {
    Site site;
    {
        Upload upload(*site.bucket, "k");
        REQUIRE(upload.write(pattern(6 * mib)));
        site.fault([](const Seen& seen) { return seen.method == "DELETE"; }, {500, "", {}});
    }
    CHECK(site.server.count("DELETE") == 3);
}

TEST_SUITE_END();
