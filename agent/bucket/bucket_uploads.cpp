#include "agent/bucket/bucket.hpp"
#include "agent/bucket/xml.hpp"
#include "common/crypto/hash.hpp"

#include <fmt/core.h>

namespace fairlead::bucket {
namespace {

constexpr unsigned max_pages = 10'000;

// Giving up has to end even where nothing answers.
constexpr RetryLimits few{
    .tries = 3,
    .first = std::chrono::milliseconds(500),
    .longest = std::chrono::seconds(2),
    .total = std::chrono::seconds(4)};
constexpr Patience short_patience{
    .connect = std::chrono::seconds(3),
    .idle = std::chrono::seconds(8),
    .total = std::chrono::seconds(10)};

Error failed(std::string message) {
    return Error(Errc::unavailable, std::move(message)).with_code("storage_failed");
}

} // namespace

Result<std::string> Bucket::begin_upload(std::string_view key, Lock lock) {
    Call ask{.method = "POST", .key = whole(key), .right = "s3:PutObject"};
    ask.query.emplace_back("uploads", "");
    ask.headers.emplace_back("content-type", "application/octet-stream");
    add_lock(ask.headers, lock);
    ask.document = "InitiateMultipartUploadResult";
    FAIRLEAD_TRY(reply, call(ask));
    FAIRLEAD_TRY(document, read_xml(reply.body));
    auto id = std::string(document.at("UploadId"));
    if (id.empty() || id.size() > 2048)
        return fail(failed(fmt::format("{} began an upload without an id.", url_)));
    if (reply.failures > 0) give_up_others(key, id);
    return id;
}

/// A begin whose answer was lost may have begun one that nobody knows.
void Bucket::give_up_others(std::string_view key, std::string_view upload) {
    std::vector<std::string> others;
    auto listed = list_uploads(key, [&](const Unfinished& one) -> Result<> {
        if (one.key == key && one.id != upload && others.size() < 16) others.push_back(one.id);
        return {};
    });
    if (!listed) return; // not every key may list them, not every server can
    for (const auto& other : others) (void)abort_upload(key, other);
}

Result<std::string> Bucket::send_part(
    std::string_view key, std::string_view upload, unsigned number,
    std::span<const std::byte> bytes, const std::stop_token& stop
) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    Call ask{.method = "PUT", .key = whole(key), .right = "s3:PutObject"};
    ask.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::string(upload)}};
    ask.body = bytes;
    ask.body_sha256 = crypto::sha256(text).hex();
    ask.body_md5 = crypto::md5(text);
    ask.stop = &stop;
    FAIRLEAD_TRY(reply, call(ask));
    auto etag = std::string(reply.head.at("etag"));
    if (etag.empty())
        return fail(failed(fmt::format("{} took part {} without an ETag.", url_, number)));
    return etag;
}

Result<std::string> Bucket::complete_upload(
    std::string_view key, std::string_view upload, std::span<const std::string> etags
) {
    std::string body =
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < etags.size(); ++i)
        body += fmt::format(
            "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, xml_escape(etags[i])
        );
    body += "</CompleteMultipartUpload>";
    Call ask{.method = "POST", .key = whole(key), .right = "s3:PutObject"};
    ask.query.emplace_back("uploadId", upload);
    ask.headers.emplace_back("content-type", "application/xml");
    ask.body = std::as_bytes(std::span<const char>(body));
    ask.document = "CompleteMultipartUploadResult";
    FAIRLEAD_TRY(reply, call(ask));
    FAIRLEAD_TRY(document, read_xml(reply.body));
    return std::string(plain_etag(document.at("ETag")));
}

Result<> Bucket::abort_upload(std::string_view key, std::string_view upload) {
    std::stop_token never;
    Call ask{.method = "DELETE", .key = whole(key), .right = "s3:AbortMultipartUpload"};
    ask.query.emplace_back("uploadId", upload);
    ask.stop = &never;
    ask.retries = few;
    ask.patience = short_patience;
    auto done = call(ask);
    if (!done && done.error().kind() != Errc::not_found)
        return tl::unexpected(std::move(done).error());
    return {};
}

Result<> Bucket::list_uploads(std::string_view prefix, const EachUpload& each) {
    std::string key_marker, id_marker;
    for (unsigned page = 0; page < max_pages; ++page) {
        Call ask{.method = "GET", .right = "s3:ListBucketMultipartUploads"};
        ask.query = {
            {"uploads", ""},
            {"max-uploads", "1000"},
            {"encoding-type", "url"},
            {"prefix", whole(prefix)}};
        if (!key_marker.empty()) ask.query.emplace_back("key-marker", key_marker);
        if (!id_marker.empty()) ask.query.emplace_back("upload-id-marker", id_marker);
        ask.limit = max_xml_bytes;
        ask.document = "ListMultipartUploadsResult";
        FAIRLEAD_TRY(reply, call(ask));
        FAIRLEAD_TRY(document, read_xml(reply.body));
        bool encoded = document.at("EncodingType") == "url";
        auto text = [&](std::string_view raw) {
            return encoded ? uri_decode(raw) : std::string(raw);
        };
        for (const auto& one : document.children) {
            if (one.name != "Upload") continue;
            auto key = text(one.at("Key"));
            if (!key.starts_with(whole(prefix))) continue; // servers that know no prefix here
            auto begun = from_rfc3339(one.at("Initiated"));
            FAIRLEAD_CHECK(each(
                {relative(std::move(key)), std::string(one.at("UploadId")),
                 begun ? std::optional(*begun) : std::nullopt}
            ));
        }
        if (document.at("IsTruncated") != "true") return {};
        auto next_key = text(document.at("NextKeyMarker"));
        auto next_id = std::string(document.at("NextUploadIdMarker"));
        if (next_key.empty() || (next_key == key_marker && next_id == id_marker)) break;
        key_marker = std::move(next_key);
        id_marker = std::move(next_id);
    }
    return fail(failed(fmt::format("{} lists multipart uploads without an end.", url_)));
}

} // namespace fairlead::bucket
