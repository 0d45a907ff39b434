#include "agent/bucket/bucket.hpp"
#include "agent/bucket/xml.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead::bucket {
namespace {

constexpr std::uint64_t worth_counting = 1 << 20; // bytes that make a cut count as a first one
constexpr unsigned max_pages = 1'000'000;
constexpr unsigned max_empty_pages = 1000;

Error failed(std::string message) {
    return Error(Errc::unavailable, std::move(message)).with_code("storage_failed");
}

/// "2011-02-26T01:56:20.000Z" in documents; servers differ in the fraction.
std::optional<Timestamp> moment_of(std::string_view text) {
    auto at = from_rfc3339(text);
    return at ? std::optional(*at) : std::nullopt;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Where a 206 begins: "bytes 5-9/10".
std::optional<std::uint64_t> begin_of(const Head& head) {
    auto range = head.at("content-range");
    if (!range.starts_with("bytes ")) return std::nullopt;
    range.remove_prefix(6);
    return number(range.substr(0, range.find('-')));
}

std::optional<std::uint64_t> end_of(const Head& head) {
    auto range = head.at("content-range");
    auto dash = range.find('-');
    if (dash == range.npos) return std::nullopt;
    range.remove_prefix(dash + 1);
    auto last = number(range.substr(0, range.find('/')));
    return last ? std::optional(*last + 1) : std::nullopt;
}

} // namespace

Result<std::string> Bucket::get(std::string_view key, std::size_t limit) {
    StringSink all(limit);
    FAIRLEAD_CHECK(get(key, all));
    return std::move(all.text);
}

Result<std::uint64_t> Bucket::get(std::string_view key, Sink& sink, Range range) {
    if (range.length == 0) return std::uint64_t(0);
    std::uint64_t got = 0;            // handed to the sink
    std::uint64_t at = 0;             // of the object: where the next piece of this answer belongs
    std::optional<std::uint64_t> end; // of the object: where what was asked for ends
    std::string etag;
    std::optional<Error> of_sink, of_answer;
    bool begun = false;

    // What the head of a good answer says about the bytes that follow.
    auto begin = [&](const Head& head) {
        at = 0;
        if (head.status == 206) {
            auto from = begin_of(head);
            if (!from || *from > range.offset + got) return false;
            at = *from;
        }
        auto seen = std::string(plain_etag(head.at("etag")));
        if (!etag.empty() && seen != etag) return false;
        etag = seen;
        std::optional<std::uint64_t> answer_end;
        if (head.status == 206)
            answer_end = end_of(head);
        else
            answer_end = head.length();
        if (range.length && (!answer_end || *answer_end > range.offset + *range.length))
            answer_end = range.offset + *range.length;
        if (!end) end = answer_end;
        return end == answer_end;
    };
    BodyTaker take = [&](const Head& head, std::string_view piece) -> Result<> {
        if (!begun) {
            begun = true;
            if (!begin(head)) {
                of_answer =
                    Error(
                        Errc::unavailable, fmt::format(
                                               "{} was changed while it was being read.",
                                               name_of({url_, storage_.bucket, whole(key), {}, {}})
                                           )
                    ).with_code("storage_damaged");
                return fail(*of_answer);
            }
        }
        // A server that knows no ranges sends what is there already; it is read over.
        auto want = range.offset + got;
        if (at < want) {
            auto skip = std::min<std::uint64_t>(want - at, piece.size());
            piece.remove_prefix(skip);
            at += skip;
        }
        if (end && at + piece.size() > *end) piece = piece.substr(0, *end > at ? *end - at : 0);
        if (piece.empty()) return {};
        if (auto taken = sink.write(piece); !taken) {
            of_sink = std::move(taken).error();
            return fail(*of_sink);
        }
        at += piece.size();
        got += piece.size();
        return {};
    };

    Retries retries(options_.retries, *options_.pause);
    bool corrected = false;
    std::uint64_t counted = 0;
    for (;;) {
        Call ask{.method = "GET", .key = whole(key), .right = "s3:GetObject"};
        auto from = range.offset + got;
        if (from > 0 || range.length)
            ask.headers.emplace_back(
                "range", range.length
                             ? fmt::format("bytes={}-{}", from, range.offset + *range.length - 1)
                             : fmt::format("bytes={}-", from)
            );
        if (!etag.empty() && got > 0) ask.headers.emplace_back("if-match", "\"" + etag + "\"");
        ask.stream = &take;
        begun = false;
        auto reply = once(ask);
        if (of_sink) return fail(*std::move(of_sink));
        if (of_answer) return fail(*std::move(of_answer));
        // An answer without a body still has to be the one that was asked for.
        if (reply && reply->head.status < 300 && !begun && !begin(reply->head))
            return fail(failed(fmt::format("{} gave another part than asked for.", url_)));
        auto verdict = judge(ask, reply, corrected);
        if (!verdict && end && range.offset + got < *end) {
            auto gone = Result<Reply>(tl::unexpected(
                Error(Errc::unavailable, "The answer was too short.").with_code("storage_cut")
            ));
            verdict = judge(ask, gone, corrected);
        }
        if (!verdict) return got;
        if (end && range.offset + got == *end && !reply) return got; // cut after the last byte
        if (verdict->failed.code == "storage_clock_corrected") continue;
        // 416: there is nothing from there on.
        if (reply && reply->head.status == 416 && got == 0)
            return fail(Error(
                            Errc::unavailable, fmt::format(
                                                   "{} has no byte {}: it is shorter than it was.",
                                                   name_of(asked(ask)), range.offset
                                               )
            )
                            .with_code("storage_damaged"));
        if (reply && reply->head.status == 416)
            return fail(
                Error(
                    Errc::unavailable,
                    fmt::format("{} was changed while it was being read.", name_of(asked(ask)))
                )
                    .with_code("storage_damaged")
            );
        if (got - counted >= worth_counting) {
            retries.gained();
            counted = got;
        }
        auto wait = retries.next(verdict->failed);
        if (!wait) return fail(std::move(verdict->error));
        if (!options_.pause->wait(*wait, options_.stop))
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
    }
}

Result<Object> Bucket::head(std::string_view key) {
    Call ask{.method = "HEAD", .key = whole(key), .right = "s3:GetObject"};
    FAIRLEAD_TRY(reply, call(ask));
    auto length = reply.head.length();
    if (!length)
        return fail(failed(fmt::format("{} tells no size of {}.", url_, name_of(asked(ask)))));
    return Object{
        std::string(key), *length, std::string(plain_etag(reply.head.at("etag"))),
        parse_http_date(reply.head.at("last-modified"))};
}

Result<> Bucket::list(std::string_view prefix, const EachObject& each) {
    std::string token;
    unsigned empty_pages = 0;
    for (unsigned page = 0; page < max_pages; ++page) {
        Call ask{.method = "GET", .right = "s3:ListBucket"};
        ask.query = {
            {"list-type", "2"},
            {"max-keys", "1000"},
            {"encoding-type", "url"},
            {"prefix", whole(prefix)}};
        if (!token.empty()) ask.query.emplace_back("continuation-token", token);
        ask.limit = max_xml_bytes;
        ask.document = "ListBucketResult";
        FAIRLEAD_TRY(reply, call(ask));
        FAIRLEAD_TRY(document, read_xml(reply.body));
        reply.body = {};
        bool encoded = document.at("EncodingType") == "url";
        std::size_t count = 0;
        for (const auto& one : document.children) {
            if (one.name != "Contents") continue;
            auto bytes = number(one.at("Size"));
            auto key = std::string(one.at("Key"));
            if (encoded) key = uri_decode(key);
            if (!bytes || !key.starts_with(whole(prefix)))
                return fail(failed(fmt::format("{} lists what was not asked for.", url_)));
            Object object{
                relative(std::move(key)), *bytes, std::string(plain_etag(one.at("ETag"))),
                moment_of(one.at("LastModified"))};
            FAIRLEAD_CHECK(each(object));
            ++count;
        }
        if (document.at("IsTruncated") != "true") return {};
        auto next = std::string(document.at("NextContinuationToken"));
        empty_pages = count == 0 ? empty_pages + 1 : 0;
        if (next.empty() || next == token || empty_pages > max_empty_pages)
            return fail(failed(fmt::format("{} lists the bucket without an end.", url_)));
        token = std::move(next);
    }
    return fail(failed(fmt::format("{} lists the bucket without an end.", url_)));
}

Result<bool> Bucket::has_object_lock() {
    Call ask{.method = "GET", .right = "s3:GetBucketObjectLockConfiguration"};
    ask.query.emplace_back("object-lock", "");
    auto reply = call(ask);
    if (reply) return reply->body.find("Enabled") != std::string::npos;
    if (reply.error().code() == "storage_bucket_missing" || reply.error().kind() == Errc::not_found)
        return false;
    return tl::unexpected(std::move(reply).error());
}

} // namespace fairlead::bucket
