#include "agent/bucket/bucket.hpp"
#include "agent/bucket/sign.hpp"
#include "agent/bucket/xml.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/log.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::bucket {
namespace {

constexpr std::size_t max_error_body = 64 * 1024;
constexpr std::chrono::minutes tolerated_skew{5}; // servers refuse from 15 on

bool is_good(int status) {
    return status >= 200 && status < 300;
}

/// An ETag is the MD5 where it looks like one, unless the server encrypts with keys of somebody.
bool etag_differs(const Head& head, std::string_view md5) {
    auto etag = plain_etag(head.at("etag"));
    bool hex = etag.size() == 32 && etag.find_first_not_of("0123456789abcdefABCDEF") == etag.npos;
    auto sse = head.at("x-amz-server-side-encryption");
    if (!hex || sse.starts_with("aws:kms") ||
        !head.at("x-amz-server-side-encryption-customer-algorithm").empty())
        return false;
    return !std::ranges::equal(etag, crypto::hex_encode(md5), [](char a, char b) {
        return (a >= 'A' && a <= 'F' ? a + 32 : a) == b;
    });
}

std::string span_text(std::chrono::seconds time) {
    auto s = std::abs(time.count());
    if (s < 120) return fmt::format("{} s", s);
    if (s < 7200) return fmt::format("{} minutes", s / 60);
    if (s < 48 * 3600) return fmt::format("{} hours", s / 3600);
    return fmt::format("{} days", s / 86400);
}

} // namespace

Timestamp Bucket::now() const {
    return options_.clock->now() + clock_offset();
}

Asked Bucket::asked(const Call& call) const {
    return {url_, storage_.bucket, call.key, call.right, storage_.region};
}

Result<Bucket::Reply> Bucket::once(const Call& call) {
    auto place = place_of(endpoint_, storage_, call.key);
    auto query = query_of(call.query);
    auto at = now();

    Request request;
    request.method = call.method;
    request.target = query.empty() ? place.path : place.path + "?" + query;
    request.body = call.body;
    request.headers = call.headers;
    std::string_view text(reinterpret_cast<const char*>(call.body.data()), call.body.size());
    auto sha256 = !call.body_sha256.empty() ? call.body_sha256
                  : text.empty()            ? std::string(sha256_of_nothing)
                                            : crypto::sha256(text).hex();
    auto& headers = request.headers;
    headers.emplace_back("host", place.endpoint.authority());
    headers.emplace_back("x-amz-content-sha256", sha256);
    headers.emplace_back("x-amz-date", amz_date(at));
    if (!call.body_md5.empty())
        headers.emplace_back("content-md5", crypto::base64_encode(call.body_md5));
    if (!access_.session_token.empty())
        headers.emplace_back("x-amz-security-token", std::string(access_.session_token.reveal()));
    Unsigned what{call.method, place.path, query, &headers, sha256};
    auto signature = authorization(what, access_, storage_.region, at);
    headers.emplace_back("authorization", std::move(signature));
    headers.emplace_back("user-agent", "fairlead");

    std::unique_ptr<Connection> connection;
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            connection = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (!connection) connection = std::make_unique<Connection>(place.endpoint, trust_);

    Reply reply;
    bool too_long = false;
    BodyTaker take = [&](const Head& head, std::string_view piece) -> Result<> {
        bool good = is_good(head.status);
        if (good && call.stream) return (*call.stream)(head, piece);
        auto limit = good ? call.limit : max_error_body;
        if (piece.size() > limit - reply.body.size()) {
            too_long = true;
            return fail(Errc::invalid, "The answer is too long.");
        }
        reply.body += piece;
        return {};
    };
    auto head = connection->exchange(
        request, take, call.patience.value_or(options_.patience),
        call.stop ? *call.stop : options_.stop
    );
    {
        std::lock_guard lock(mutex_);
        if (idle_.size() < max_idle) idle_.push_back(std::move(connection));
    }
    if (!head) {
        if (too_long)
            return fail(Error(
                            Errc::unavailable,
                            fmt::format("{} answers without an end.", name_of(asked(call)))
            )
                            .with_code("storage_failed"));
        return tl::unexpected(std::move(head).error());
    }
    reply.head = *std::move(head);
    return reply;
}

std::optional<Error>
Bucket::wrong_clock(const Head& head, const Said& said, Failed& failed, bool& corrected) {
    bool named = said.code == "RequestTimeTooSkewed" || said.code == "RequestExpired";
    if (!named && said.status != 403) return std::nullopt;
    auto theirs = parse_http_date(head.at("date"));
    if (!theirs && !named) return std::nullopt;
    auto ours = now();
    auto ahead = theirs ? std::chrono::duration_cast<std::chrono::seconds>(*theirs - ours)
                        : std::chrono::seconds(0);
    if (!named && std::chrono::abs(ahead) < tolerated_skew) return std::nullopt;
    auto from_start =
        theirs ? std::chrono::duration_cast<std::chrono::seconds>(*theirs - options_.clock->now())
               : std::chrono::seconds(0);
    auto text = theirs
                    ? fmt::format(
                          "The clock of this server is {} {} that of {}", span_text(from_start),
                          from_start.count() > 0 ? "behind" : "ahead of", url_
                      )
                    : fmt::format("The clock of this server and that of {} differ too much", url_);
    if (theirs && !corrected) {
        corrected = true;
        // Another thread may have done it while this request was on its way.
        if (std::chrono::abs(ahead) >= tolerated_skew) {
            offset_s_ = from_start.count();
            log::warning(text + "; requests are dated by the latter.");
        }
        failed.code = "storage_clock_corrected";
        return std::nullopt;
    }
    return Error(
               Errc::unavailable,
               text + ", so that it refuses requests. Set the clock of this server, for example "
                      "with systemd-timesyncd."
    )
        .with_code("storage_clock_wrong");
}

std::optional<Bucket::Verdict>
Bucket::judge(const Call& call, const Result<Reply>& reply, bool& corrected) {
    if (!reply) {
        const auto& error = reply.error();
        Failed failed{0, error.code(), {}};
        if (error.code() != "storage_cut") return Verdict{error, failed};
        return Verdict{
            Error(
                error.kind(),
                fmt::format(
                    "{}: {} Check the network between this server and the storage.",
                    name_of(asked(call)), error.message()
                ),
                error.detail()
            )
                .with_code("storage_unreachable"),
            failed};
    }
    const auto& head = reply->head;
    auto said = said_of(head, reply->body);
    Failed failed{head.status, said.code, parse_retry_after(head.at("retry-after"), now())};
    if (is_good(head.status)) {
        if (!call.body_md5.empty() && etag_differs(head, call.body_md5)) {
            failed.code = "storage_etag_differs";
            return Verdict{
                Error(
                    Errc::unavailable,
                    fmt::format(
                        "{} is stored with another checksum (ETag) than it was sent with. Look "
                        "after the storage: it changes what it is given.",
                        name_of(asked(call))
                    )
                )
                    .with_code("storage_damaged"),
                failed};
        }
        if (call.document.empty()) return std::nullopt;
        auto document = read_xml(reply->body);
        if (document && document->name == call.document) return std::nullopt;
        if (!said.code.empty()) return Verdict{refusal(asked(call), said, access_), failed};
        return Verdict{
            Error(
                Errc::unavailable,
                fmt::format(
                    "{} does not answer as S3 does: a {} was expected. Check that the endpoint is "
                    "that of an S3 API.",
                    url_, call.document
                ),
                document ? "its root is " + document->name : document.error().message()
            )
                .with_code("storage_failed"),
            failed};
    }
    if (auto error = wrong_clock(head, said, failed, corrected)) {
        failed.code = error->code();
        return Verdict{*std::move(error), failed};
    }
    return Verdict{refusal(asked(call), said, access_), failed};
}

Result<Bucket::Reply> Bucket::call(const Call& call) {
    const auto& stop = call.stop ? *call.stop : options_.stop;
    Retries retries(call.retries.value_or(options_.retries), *options_.pause);
    bool corrected = false;
    for (;;) {
        auto reply = once(call);
        auto verdict = judge(call, reply, corrected);
        if (!verdict) {
            reply->failures = retries.failures();
            return reply;
        }
        if (verdict->failed.code == "storage_clock_corrected") continue;
        auto wait = retries.next(verdict->failed);
        if (!wait) return fail(std::move(verdict->error));
        if (!options_.pause->wait(*wait, stop))
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
    }
}

} // namespace fairlead::bucket
