/// A bucket with an S3 API, seen from below the storage's prefix. README.md tells how servers
/// differ and what is done about it.
#pragma once

#include "agent/bucket/access.hpp"
#include "agent/bucket/address.hpp"
#include "agent/bucket/https.hpp"
#include "agent/bucket/refusal.hpp"
#include "agent/bucket/retry.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/sink.hpp"
#include "proto/operations.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::bucket {

struct Options {
    const Clock* clock = nullptr; ///< null: the system's; else outlives the bucket
    Pause* pause = nullptr;       ///< null: a real one; else outlives the bucket
    RetryLimits retries{};
    Patience patience{};
    Plain plain = Plain::refused; ///< for tests
    std::stop_token stop{};       ///< ends everything soon, with code "cancelled"
};

struct Object {
    std::string key; ///< below the storage's prefix
    std::uint64_t bytes = 0;
    std::string etag;                  ///< without quotes
    std::optional<Timestamp> modified; ///< to the second
};

/// A multipart upload that was begun and is neither whole nor given up.
struct Unfinished {
    std::string key; ///< below the storage's prefix
    std::string id;
    std::optional<Timestamp> begun;
};

/// `length` empty: to the end.
struct Range {
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length{};
};

/// What the server says of an object that it has taken.
struct Stored {
    std::string etag;          ///< without quotes
    bool from_content = false; ///< the ETag is the MD5 of the bytes
};

/// Whether an object gets the retention that the storage asks for.
enum class Lock { as_storage, none };

/// Thread-safe; each thread that asks has a connection of its own, and up to `max_idle` of them are
/// kept. Every call tries again what may go away by itself (Retries). Errors, beside those of
/// refusal.hpp: storage_unreachable, storage_tls_failed, storage_clock_wrong, storage_damaged,
/// "cancelled". No message has a character of a secret.
class Bucket {
public:
    /// Connects to nothing yet. "storage_invalid" with the field that is wrong.
    static Result<std::unique_ptr<Bucket>>
    open(proto::Storage storage, Access access, Options options = {});
    ~Bucket();
    Bucket(const Bucket&) = delete;

    /// The whole object in one request; at most 5 GiB. The server checks MD5 and SHA-256, and the
    /// ETag is held against the MD5 where it is one. `sha256` of the bytes, where it is known.
    Result<Stored>
    put(std::string_view key, std::string_view bytes, Lock lock = Lock::as_storage,
        const crypto::Digest* sha256 = nullptr);

    /// At most `limit` bytes; more is Errc::invalid with code "too_large".
    Result<std::string> get(std::string_view key, std::size_t limit);
    /// Into `sink`, which is not finished by it. After a cut it goes on where it was, if the object
    /// is still the same (ETag). The number of bytes, fewer than asked for where the object ends
    /// before; errors of the sink as they are.
    Result<std::uint64_t> get(std::string_view key, Sink& sink, Range range = {});
    Result<Object> head(std::string_view key);

    using EachObject = std::function<Result<>(const Object&)>;
    /// All objects whose key begins with `prefix`, in the server's order, page by page. An error of
    /// `each` ends it and is passed on.
    Result<> list(std::string_view prefix, const EachObject& each);

    /// Absent ones are fine. Goes on after an error, and returns the first.
    Result<> remove(std::span<const std::string> keys);
    Result<> remove(std::string_view key);

    // ---- multipart uploads; Upload is what one wants

    Result<std::string> begin_upload(std::string_view key, Lock lock = Lock::as_storage);
    /// `number` from 1 to 10,000. The ETag, with its quotes.
    Result<std::string> send_part(
        std::string_view key, std::string_view upload, unsigned number,
        std::span<const std::byte> bytes, const std::stop_token& stop
    );
    /// The ETags of all parts, in order. "storage_upload_missing" where it is not there, also
    /// because an earlier try, whose answer was lost, did it. The object's ETag, without quotes.
    Result<std::string> complete_upload(
        std::string_view key, std::string_view upload, std::span<const std::string> etags
    );
    /// A few tries within half a minute, also after a stop. An absent one is fine.
    Result<> abort_upload(std::string_view key, std::string_view upload);
    using EachUpload = std::function<Result<>(const Unfinished&)>;
    Result<> list_uploads(std::string_view prefix, const EachUpload& each);

    /// Whether the bucket keeps objects locked at all.
    Result<bool> has_object_lock();

    const proto::Storage& storage() const { return storage_; }
    const std::stop_token& stop() const { return options_.stop; }
    Pause& pause() const { return *options_.pause; }
    /// How far the server's clock is ahead of ours, as far as that had to be made up for.
    std::chrono::seconds clock_offset() const { return std::chrono::seconds(offset_s_.load()); }

private:
    static constexpr std::size_t max_idle = 4;

    /// One thing asked, however many tries it takes.
    struct Call {
        std::string_view method;
        std::string key{}; ///< whole; empty: the bucket
        std::string_view right;
        Pairs query{};
        Pairs headers{};
        std::span<const std::byte> body{};
        std::string body_sha256{};             ///< hex; empty: of nothing
        std::string body_md5{};                ///< raw; with it the ETag of the answer is checked
        std::size_t limit = 4 << 20;           ///< of the answer's body
        std::string_view document{};           ///< root of the answer, where that may be an Error
        const BodyTaker* stream = nullptr;     ///< takes the body of a good answer instead
        const std::stop_token* stop = nullptr; ///< null: the bucket's
        std::optional<RetryLimits> retries{};
        std::optional<Patience> patience{};
    };
    struct Reply {
        Head head;
        std::string body;
        unsigned failures = 0; ///< tries before it
    };
    struct Verdict {
        Error error;
        Failed failed;
    };

    Bucket(proto::Storage storage, Access access, Options options, Endpoint endpoint);

    Result<Reply> call(const Call& call);
    Result<Reply> once(const Call& call);
    /// Nothing: it is good. `corrected` remembers that the clock was set right in this call.
    std::optional<Verdict> judge(const Call& call, const Result<Reply>& reply, bool& corrected);
    std::optional<Error>
    wrong_clock(const Head& head, const Said& said, Failed& failed, bool& corrected);
    std::string whole(std::string_view key) const;
    std::string relative(std::string key) const;
    Asked asked(const Call& call) const;
    Timestamp now() const;
    void add_lock(Pairs& headers, Lock lock) const;
    Result<> remove_some(std::span<const std::string> keys);
    Result<> remove_one(std::string_view key);
    void give_up_others(std::string_view key, std::string_view upload);

    proto::Storage storage_;
    Access access_;
    Options options_;
    Endpoint endpoint_;
    std::string url_;
    std::shared_ptr<const Trust> trust_;
    std::unique_ptr<Clock> own_clock_;
    std::unique_ptr<Pause> own_pause_;
    std::atomic<std::int64_t> offset_s_{0};
    std::atomic<bool> single_deletes_{false}; ///< the server has no DeleteObjects
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_; ///< the mutex's
};

} // namespace fairlead::bucket
