#include "agent/bucket/storage_test.hpp"

#include "agent/bucket/upload.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

#include <fmt/core.h>

#include <functional>
#include <utility>

namespace fairlead::bucket {
namespace {

using proto::Check;
using proto::CheckResult;

/// One run: the small object, the large one, and what was found.
class Trial {
public:
    explicit Trial(Bucket& bucket)
        : bucket_(bucket), folder_(".fairlead-test-" + crypto::hex_encode(crypto::random_bytes(8))),
          small_(folder_ + "/small object"), large_(folder_ + "/large"), cut_(folder_ + "/cut"),
          content_(crypto::random_bytes(1024)) {}

    std::vector<Check> run() {
        if (check("write", "Write an object", "s3:PutObject", [&] { return write(); })) {
            check("read", "Read it back", "s3:GetObject", [&] { return read(); });
            check("list", "List it", "s3:ListBucket", [&] { return list(); });
            check("multipart", "Write in parts", "s3:PutObject", [&] { return multipart(); });
            check("abort", "Give up an upload", "s3:AbortMultipartUpload", [&] {
                return give_up();
            });
            check("delete", "Remove the objects", "s3:DeleteObject", [&] { return remove(); });
            if (bucket_.storage().object_lock != proto::ObjectLock::none) object_lock();
        }
        clock();
        return std::move(checks_);
    }

private:
    using Step = std::function<Result<std::string>()>;

    bool check(const char* id, const char* title, const char* need, const Step& step) {
        auto found = step();
        if (found) {
            checks_.push_back({id, title, CheckResult::passed, *found, need, ""});
            return true;
        }
        const auto& error = found.error();
        // The sentence ends with the cure, so that it stands alone; the value is the kind.
        // A server that cannot give up an upload is no obstacle, only a place that fills up.
        bool bearable = std::string_view(id) == "abort" && error.code() == "storage_not_supported";
        auto result = bearable ? CheckResult::warning : CheckResult::failed;
        checks_.push_back({id, title, result, error.code(), need, error.message()});
        return false;
    }

    Result<std::string> write() {
        FAIRLEAD_CHECK(bucket_.put(small_, content_, Lock::none));
        return fmt::format("{} bytes", content_.size());
    }

    Result<std::string> read() {
        FAIRLEAD_TRY(seen, bucket_.head(small_));
        FAIRLEAD_TRY(all, bucket_.get(small_, content_.size() * 2));
        StringSink tail(content_.size());
        FAIRLEAD_CHECK(bucket_.get(small_, tail, {content_.size() / 2, {}}));
        if (seen.bytes != content_.size() || all != content_ ||
            tail.text != content_.substr(content_.size() / 2))
            return fail(differs("What was read is not what was written"));
        return std::string("what was written, whole and in part");
    }

    Result<std::string> list() {
        bool found = false;
        FAIRLEAD_CHECK(bucket_.list(folder_ + "/", [&](const Object& one) -> Result<> {
            found = found || (one.key == small_ && one.bytes == content_.size());
            return {};
        }));
        if (!found) return fail(differs("The object is not in the list of the bucket's objects"));
        return std::string("found");
    }

    Result<std::string> multipart() {
        Upload upload(bucket_, large_, {.expected_bytes = 0, .parallel = 2, .lock = Lock::none});
        std::string piece(1 << 20, 'x');
        for (std::uint64_t sent = 0; sent < smallest_part; sent += piece.size())
            FAIRLEAD_CHECK(upload.write(piece));
        FAIRLEAD_CHECK(upload.write(content_));
        FAIRLEAD_CHECK(upload.finish());
        return std::string("two parts");
    }

    Result<std::string> give_up() {
        FAIRLEAD_TRY(id, bucket_.begin_upload(cut_, Lock::none));
        FAIRLEAD_CHECK(bucket_.abort_upload(cut_, id));
        return std::string("nothing of it is left");
    }

    Result<std::string> remove() {
        std::vector<std::string> both{small_, large_};
        FAIRLEAD_CHECK(bucket_.remove(both));
        auto gone = bucket_.head(small_);
        if (gone) return fail(differs("The object is still there after it was removed"));
        if (gone.error().code() != "storage_object_missing")
            return tl::unexpected(std::move(gone).error());
        return std::string("gone");
    }

    void object_lock() {
        auto has = bucket_.has_object_lock();
        if (has && *has) {
            checks_.push_back(
                {"object_lock", "Object lock", CheckResult::passed, "on", "object lock", ""}
            );
        } else if (has) {
            checks_.push_back(
                {"object_lock", "Object lock", CheckResult::failed, "off", "object lock",
                 "Make a bucket with object lock, or ask for no lock: this one keeps none."}
            );
        } else {
            checks_.push_back(
                {"object_lock", "Object lock", CheckResult::warning, has.error().code(),
                 "s3:GetBucketObjectLockConfiguration",
                 "It cannot be told whether the bucket keeps locks. " + has.error().message()}
            );
        }
    }

    void clock() {
        auto offset = bucket_.clock_offset().count();
        if (offset == 0)
            return checks_.push_back(
                {"clock", "Clock", CheckResult::passed, "close to the storage's", "", ""}
            );
        checks_.push_back(
            {"clock", "Clock", CheckResult::warning,
             fmt::format(
                 "{} s {} the storage's", std::abs(offset), offset > 0 ? "behind" : "ahead of"
             ),
             "less than 5 minutes",
             "Set the clock of this server, for example with systemd-timesyncd; until then "
             "requests "
             "are dated by the storage's."}
        );
    }

    Error differs(std::string what) const {
        return Error(
                   Errc::unavailable,
                   fmt::format(
                       "{}: {} in the bucket {} at {}. Look after the storage.", what, small_,
                       bucket_.storage().bucket, bucket_.storage().endpoint
                   )
        )
            .with_code("storage_damaged");
    }

    Bucket& bucket_;
    std::string folder_, small_, large_, cut_, content_;
    std::vector<Check> checks_;
};

} // namespace

std::vector<Check> test_storage(Bucket& bucket) {
    return Trial(bucket).run();
}

Result<> verdict(const std::vector<Check>& checks) {
    std::string all, code;
    for (const auto& one : checks) {
        if (one.result != CheckResult::failed) continue;
        if (code.empty()) code = one.id == "object_lock" ? "storage_failed" : one.value;
        all += (all.empty() ? "" : " ") + one.title + ": " + one.remedy;
    }
    if (all.empty()) return {};
    return fail(Error(Errc::unavailable, std::move(all)).with_code(std::move(code)));
}

} // namespace fairlead::bucket
