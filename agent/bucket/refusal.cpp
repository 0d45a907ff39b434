#include "agent/bucket/refusal.hpp"

#include "agent/bucket/xml.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>

namespace fairlead::bucket {
namespace {

constexpr std::size_t max_words = 300;

/// Printable, short, and without the keys: a server may say back what it was sent.
std::string words_of(std::string text, const Access& access) {
    for (auto secret : {access.secret.reveal(), access.session_token.reveal()})
        for (auto at = std::string::npos;
             secret.size() >= 4 && (at = text.find(secret)) != std::string::npos;)
            text.replace(at, secret.size(), "…");
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return std::string(utf8::cut(text, max_words));
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
    return std::ranges::find(list, word) != list.end();
}

bool is_word(std::string_view text) {
    return text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
               return std::isalnum(c) || c == '-' || c == '.' || c == '_';
           });
}

} // namespace

std::string name_of(const Asked& asked) {
    auto bucket = fmt::format("the bucket {} at {}", asked.bucket, asked.endpoint);
    return asked.key.empty() ? bucket : fmt::format("{} in {}", asked.key, bucket);
}

Said said_of(const Head& head, std::string_view body) {
    Said said;
    said.status = head.status;
    said.region = head.at("x-amz-bucket-region");
    if (auto document = read_xml(body); document && document->name == "Error") {
        said.code = document->at("Code");
        said.message = document->at("Message");
        if (auto region = document->at("Region"); !region.empty()) said.region = region;
    }
    if (!is_word(said.code)) said.code.clear();
    if (!is_word(said.region)) said.region.clear();
    return said;
}

Error refusal(const Asked& asked, const Said& said, const Access& access) {
    auto answer = said.code.empty() ? fmt::format("status {}", said.status)
                                    : fmt::format("{} ({})", said.code, said.status);
    auto make = [&](Errc kind, const char* code, std::string message) {
        return Error(kind, std::move(message), words_of(said.message, access)).with_code(code);
    };
    auto where = name_of(asked);
    const auto& code = said.code;

    if (is_one_of(
            code, {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
                   "TokenRefreshRequired", "InvalidSecurity", "Unauthorized"}
        ) ||
        said.status == 401) {
        std::string_view cure = code == "InvalidAccessKeyId"
                                    ? "It does not know the access key; correct it."
                                : code == "SignatureDoesNotMatch"
                                    ? "The secret key does not fit the access key; correct it."
                                : code == "ExpiredToken" || code == "TokenRefreshRequired"
                                    ? "The session token has expired; give new keys."
                                    : "Correct the keys of the storage.";
        return make(
            Errc::unauthenticated, "storage_key_refused",
            fmt::format(
                "{} refused the keys for the bucket {}: {}. {}", asked.endpoint, asked.bucket,
                answer, cure
            )
        );
    }
    bool elsewhere = is_one_of(
        code, {"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect",
               "IllegalLocationConstraintException", "InvalidRegion"}
    );
    if (elsewhere || (said.status >= 300 && said.status < 400)) {
        if (!said.region.empty() && said.region != asked.region)
            return make(
                Errc::invalid, "storage_region_wrong",
                fmt::format(
                    "The bucket {} at {} is in the region {}, not {}. Correct the storage's "
                    "region, and the endpoint where it names one.",
                    asked.bucket, asked.endpoint, said.region, asked.region
                )
            );
        if (code == "AuthorizationHeaderMalformed" && said.region.empty())
            return make(
                Errc::invalid, "storage_region_wrong",
                fmt::format(
                    "{} does not take the region {} for the bucket {} and names no other. Correct "
                    "the storage's region.",
                    asked.endpoint, asked.region, asked.bucket
                )
            );
        return make(
            Errc::invalid, "storage_failed",
            fmt::format(
                "{} sends requests for the bucket {} elsewhere ({}), which is not followed. "
                "Correct the storage's endpoint, region or addressing.",
                asked.endpoint, asked.bucket, answer
            )
        );
    }
    if (code == "NoSuchBucket" || (said.status == 404 && asked.key.empty() && code.empty()))
        return make(
            Errc::not_found, "storage_bucket_missing",
            fmt::format(
                "There is no bucket {} at {}. Make it there, or correct the bucket's name.",
                asked.bucket, asked.endpoint
            )
        );
    if (code == "NoSuchUpload")
        return make(
            Errc::not_found, "storage_upload_missing",
            fmt::format("The multipart upload of {} is not there any more.", where)
        );
    if (said.status == 507 ||
        is_one_of(
            code, {"QuotaExceeded", "StorageQuotaExceeded", "XMinioStorageFull", "StorageFull",
                   "XMinioAdminBucketQuotaExceeded", "InsufficientCapacity", "InsufficientStorage"}
        ) ||
        said.message.find("cap exceeded") != std::string::npos)
        return make(
            Errc::unavailable, "storage_full",
            fmt::format(
                "There is no room for {}: {}. Raise the quota, or keep fewer backups.", where,
                answer
            )
        );
    if (said.status == 403)
        return make(
            Errc::forbidden, "storage_forbidden",
            fmt::format(
                "The keys are not allowed to touch {}: {}. Give them the right {}.", where, answer,
                asked.right
            )
        );
    if (said.status == 404)
        return make(
            Errc::not_found, "storage_object_missing", fmt::format("There is no {}.", where)
        );
    if (said.status == 412 || is_one_of(code, {"BadDigest", "XAmzContentSHA256Mismatch"}))
        return make(
            Errc::unavailable, "storage_damaged",
            said.status == 412
                ? fmt::format("{} was changed while it was being read.", where)
                : fmt::format("{} did not arrive as it was sent ({}), every time.", where, answer)
        );
    if (said.status == 405 || said.status == 501)
        return make(
            Errc::invalid, "storage_not_supported",
            fmt::format("{} cannot do {} for {}: {}.", asked.endpoint, asked.right, where, answer)
        );
    return make(
        Errc::unavailable, "storage_failed",
        fmt::format("{} did not do {} for {}: {}.", asked.endpoint, asked.right, where, answer)
    );
}

} // namespace fairlead::bucket
