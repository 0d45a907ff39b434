#include "agent/bucket/bucket.hpp"

#include "agent/bucket/xml.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::bucket {
namespace {

constexpr std::size_t deleted_at_once = 1000; // what S3 allows

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// XML 1.0 has no way to write these.
bool fits_xml(std::string_view key) {
    return std::ranges::none_of(key, [](unsigned char c) {
        return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    });
}

} // namespace

Bucket::Bucket(proto::Storage storage, Access access, Options options, Endpoint endpoint)
    : storage_(std::move(storage)), access_(std::move(access)), options_(std::move(options)),
      endpoint_(std::move(endpoint)), url_(endpoint_.url()) {
    if (!options_.clock) {
        own_clock_ = std::make_unique<SystemClock>();
        options_.clock = own_clock_.get();
    }
    if (!options_.pause) {
        own_pause_ = std::make_unique<RealPause>();
        options_.pause = own_pause_.get();
    }
}

Bucket::~Bucket() = default;

Result<std::unique_ptr<Bucket>>
Bucket::open(proto::Storage storage, Access access, Options options) {
    FAIRLEAD_CHECK(check_storage(storage));
    FAIRLEAD_TRY(endpoint, parse_endpoint(storage.endpoint, options.plain));
    FAIRLEAD_TRY(trust, Trust::make(storage.ca));
    if (access.session_token.reveal().find_first_of("\r\n") != std::string_view::npos)
        return fail(Error(Errc::invalid, "The session token has a line break in it.")
                        .with_code("storage_invalid"));
    std::unique_ptr<Bucket> bucket(
        new Bucket(std::move(storage), std::move(access), std::move(options), std::move(endpoint))
    );
    bucket->trust_ = std::move(trust);
    return bucket;
}

std::string Bucket::whole(std::string_view key) const {
    return storage_.prefix.empty() ? std::string(key) : fmt::format("{}/{}", storage_.prefix, key);
}

std::string Bucket::relative(std::string key) const {
    if (!storage_.prefix.empty() && key.starts_with(storage_.prefix + "/"))
        key.erase(0, storage_.prefix.size() + 1);
    return key;
}

void Bucket::add_lock(Pairs& headers, Lock lock) const {
    if (lock == Lock::none || storage_.object_lock == proto::ObjectLock::none) return;
    auto until = now() + std::chrono::hours(24) * storage_.object_lock_days;
    bool strict = storage_.object_lock == proto::ObjectLock::compliance;
    headers.emplace_back("x-amz-object-lock-mode", strict ? "COMPLIANCE" : "GOVERNANCE");
    headers.emplace_back("x-amz-object-lock-retain-until-date", to_rfc3339(until));
}

Result<Stored>
Bucket::put(std::string_view key, std::string_view bytes, Lock lock, const crypto::Digest* sha256) {
    Call ask{.method = "PUT", .key = whole(key), .right = "s3:PutObject"};
    ask.headers.emplace_back("content-type", "application/octet-stream");
    add_lock(ask.headers, lock);
    ask.body = bytes_of(bytes);
    ask.body_sha256 = (sha256 ? *sha256 : crypto::sha256(bytes)).hex();
    ask.body_md5 = crypto::md5(bytes);
    FAIRLEAD_TRY(reply, call(ask));
    Stored stored;
    stored.etag = plain_etag(reply.head.at("etag"));
    stored.from_content = stored.etag == crypto::hex_encode(ask.body_md5);
    return stored;
}

Result<> Bucket::remove_one(std::string_view key) {
    Call ask{.method = "DELETE", .key = whole(key), .right = "s3:DeleteObject"};
    auto gone = call(ask);
    if (!gone && gone.error().code() != "storage_object_missing")
        return tl::unexpected(std::move(gone).error());
    return {};
}

Result<> Bucket::remove(std::string_view key) {
    return remove_one(key);
}

Result<> Bucket::remove_some(std::span<const std::string> keys) {
    std::string body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& key : keys)
        body += "<Object><Key>" + xml_escape(whole(key)) + "</Key></Object>";
    body += "<Quiet>true</Quiet></Delete>";
    Call ask{.method = "POST", .right = "s3:DeleteObject"};
    ask.query.emplace_back("delete", "");
    ask.headers.emplace_back("content-type", "application/xml");
    ask.headers.emplace_back("content-md5", crypto::base64_encode(crypto::md5(body)));
    ask.body = bytes_of(body);
    ask.document = "DeleteResult";
    FAIRLEAD_TRY(reply, call(ask));
    FAIRLEAD_TRY(document, read_xml(reply.body));
    // What it could not do together is asked for one by one: that knows errors and tries again.
    std::optional<Error> first;
    for (const auto& one : document.children) {
        if (one.name != "Error" || one.at("Code") == "NoSuchKey") continue;
        auto gone = remove_one(relative(std::string(one.at("Key"))));
        if (!gone && !first) first = std::move(gone).error();
    }
    if (first) return fail(*std::move(first));
    return {};
}

Result<> Bucket::remove(std::span<const std::string> keys) {
    std::optional<Error> first;
    auto note = [&](Result<> done) {
        if (!done && !first) first = std::move(done).error();
    };
    std::vector<std::string> alone, together;
    for (const auto& key : keys) (fits_xml(key) ? together : alone).push_back(key);
    for (std::span<const std::string> left = together; !left.empty();) {
        auto some = left.first(std::min(left.size(), deleted_at_once));
        left = left.subspan(some.size());
        Result<> done;
        if (!single_deletes_) done = remove_some(some);
        if (!done && done.error().code() == "cancelled") return done;
        // Not every server has DeleteObjects; what they say instead differs as well.
        if (!done && (done.error().code() == "storage_failed" ||
                      done.error().code() == "storage_not_supported"))
            single_deletes_ = true;
        if (single_deletes_) {
            alone.insert(alone.end(), some.begin(), some.end());
        } else {
            note(std::move(done));
        }
    }
    for (const auto& key : alone) {
        auto done = remove_one(key);
        if (!done && done.error().code() == "cancelled") return done;
        note(std::move(done));
    }
    if (first) return fail(*std::move(first));
    return {};
}

} // namespace fairlead::bucket
