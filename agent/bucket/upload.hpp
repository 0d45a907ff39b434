/// Bytes of any number into one object, in bounded memory.
#pragma once

#include "agent/bucket/bucket.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/sink.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::bucket {

inline constexpr std::uint64_t smallest_part = 5ULL << 20; // S3's own limit
inline constexpr std::uint64_t largest_part = 5ULL << 30;
inline constexpr unsigned max_parts = 10'000;
inline constexpr std::uint64_t upload_memory = 20ULL << 20; ///< what its own buffers take at most

/// How an upload is cut: parts of one size, the last one apart (Cloudflare R2 wants them equal).
struct Cut {
    std::uint64_t part = smallest_part;
    unsigned buffers = 4; ///< one is being filled while the others are sent
    bool operator==(const Cut&) const = default;
};
/// So that twice the expected bytes fit into 10,000 parts, and the buffers into `upload_memory`:
/// from 25 GB on there are fewer of them, and beyond 100 GB one, which alone may be larger.
Cut cut_for(std::uint64_t expected_bytes, unsigned parallel);

/// Memory of parts, for uploads that overlap: what one has sent the next one fills. Thread-safe.
class PartBuffers : public std::enable_shared_from_this<PartBuffers> {
public:
    /// `most`: how many there may be at once.
    explicit PartBuffers(unsigned most) : most_(most) {}

    /// One of them, back when it is destroyed.
    class Held {
    public:
        Held() = default;
        Held(Held&& other) noexcept;
        Held& operator=(Held&& other) noexcept;
        ~Held();
        explicit operator bool() const { return from_ != nullptr; }
        std::string data;

    private:
        friend class PartBuffers;
        std::shared_ptr<PartBuffers> from_;
    };
    /// An empty one, as soon as there is one; none once a stop is asked for.
    Held take(const std::stop_token& stop);
    unsigned made() const;

private:
    void give(std::string data);

    const unsigned most_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<std::string> free_;
    unsigned made_ = 0;
};

struct UploadOptions {
    std::uint64_t expected_bytes = 0; ///< a guess from above; 0: not known, up to 50 GB
    unsigned parallel = 3;            ///< parts on the way at once, 1 to 8
    Lock lock = Lock::as_storage;
    /// Whoever uploads asks for the object again before it counts: where the answer to the one PUT
    /// names the content's checksum, it is not looked at here too.
    bool looked_at_later = false;
    /// Shared with others; absent: its own. At least two, for uploads that are cut alike.
    std::shared_ptr<PartBuffers> buffers = {};
};

/// Multipart, or one PUT where all of it fits into one part. The object appears whole, or not at
/// all. Written to by one thread; sends in threads of its own. Errors are those of Bucket, and
/// "storage_too_large" beyond 10,000 parts. Destroyed before `finish` succeeded, it gives up the
/// multipart upload, and logs where that could not be done.
class Upload final : public Sink {
public:
    Upload(Bucket& bucket, std::string key, UploadOptions options = {});
    ~Upload() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    /// Completes, and compares what the server tells of the object with what was written: its size,
    /// and its ETag where that comes from the content.
    Result<> finish() override;

    std::uint64_t bytes() const { return bytes_; }
    /// Of everything written; after `finish`.
    const crypto::Digest& sha256() const { return sha256_; }
    /// How many buffers were made: never more than Cut::buffers, where they are its own.
    unsigned buffers() const { return buffers_->made(); }
    const Cut& cut() const { return cut_; }

private:
    struct Part {
        unsigned number = 0;
        PartBuffers::Held buffer;
    };

    Result<> hand_over();
    Result<> queue();
    Result<> wait_for_all();
    Result<> complete();
    std::string whole_etag() const;
    Result<> check_stored();
    Result<> failure();
    void send_parts();
    void stop_threads();

    Bucket& bucket_;
    std::string key_;
    UploadOptions options_;
    Cut cut_;
    std::stop_source stopping_;
    std::stop_callback<std::function<void()>> on_stop_;
    crypto::Sha256 hash_;
    crypto::Digest sha256_;
    std::uint64_t bytes_ = 0;
    std::shared_ptr<PartBuffers> buffers_;
    PartBuffers::Held filling_;
    std::string id_;   ///< of the multipart upload; empty: none was begun
    std::string etag_; ///< of the object; empty: this server's ETags do not come from the content
    bool finished_ = false;
    unsigned next_ = 1;

    std::mutex mutex_; ///< of all that follows
    std::condition_variable_any changed_;
    std::deque<Part> waiting_;
    unsigned sending_ = 0;
    std::vector<std::string> etags_;
    std::optional<Error> error_;
    std::vector<std::jthread> threads_;
};

} // namespace fairlead::bucket
