#include "agent/bucket/upload.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace fairlead::bucket {
namespace {

constexpr unsigned max_parallel = 8;
constexpr std::uint64_t mib = 1ULL << 20;
constexpr unsigned tries_of_look = 4;

} // namespace

Cut cut_for(std::uint64_t expected_bytes, unsigned parallel) {
    Cut cut;
    auto each = expected_bytes / max_parts * 2 + 1;
    cut.part = std::clamp((each + mib - 1) / mib * mib, smallest_part, largest_part);
    auto fit = static_cast<unsigned>(std::max<std::uint64_t>(1, upload_memory / cut.part));
    cut.buffers = std::min(std::clamp(parallel, 1U, max_parallel) + 1, fit);
    return cut;
}

PartBuffers::Held::Held(Held&& other) noexcept
    : data(std::move(other.data)), from_(std::move(other.from_)) {}

PartBuffers::Held& PartBuffers::Held::operator=(Held&& other) noexcept {
    std::swap(data, other.data);
    std::swap(from_, other.from_);
    return *this;
}

PartBuffers::Held::~Held() {
    if (from_) from_->give(std::move(data));
}

PartBuffers::Held PartBuffers::take(const std::stop_token& stop) {
    Held held;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return !free_.empty() || made_ < most_; });
    if (stop.stop_requested()) return held;
    if (free_.empty()) {
        ++made_;
    } else {
        held.data = std::move(free_.back());
        free_.pop_back();
    }
    held.from_ = shared_from_this();
    return held;
}

void PartBuffers::give(std::string data) {
    data.clear();
    {
        std::lock_guard lock(mutex_);
        free_.push_back(std::move(data));
    }
    changed_.notify_all();
}

unsigned PartBuffers::made() const {
    std::lock_guard lock(mutex_);
    return made_;
}

Upload::Upload(Bucket& bucket, std::string key, UploadOptions options)
    : bucket_(bucket), key_(std::move(key)), options_(options),
      cut_(cut_for(options.expected_bytes, options.parallel)),
      on_stop_(bucket.stop(), [this] { stopping_.request_stop(); }),
      buffers_(options.buffers ? options.buffers : std::make_shared<PartBuffers>(cut_.buffers)) {}

Upload::~Upload() {
    stop_threads();
    if (id_.empty() || finished_) return;
    if (auto given_up = bucket_.abort_upload(key_, id_); !given_up)
        log::warning(
            "A multipart upload could not be given up and takes room in the bucket.",
            {{"bucket", bucket_.storage().bucket},
             {"key", key_},
             {"upload", id_},
             {"why", given_up.error().message()}}
        );
}

void Upload::stop_threads() {
    stopping_.request_stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

Result<> Upload::failure() {
    std::lock_guard lock(mutex_);
    if (error_) return fail(*error_);
    if (stopping_.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    return {};
}

Result<> Upload::write(std::span<const std::byte> bytes) {
    FAIRLEAD_CHECK(failure());
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    hash_.add(text);
    bytes_ += text.size();
    while (!text.empty()) {
        auto& data = filling_.data;
        // A full one goes only when more comes: so the last part is never empty, and what fits into
        // one part needs no multipart upload.
        if (data.size() == cut_.part) FAIRLEAD_CHECK(hand_over());
        if (!filling_) {
            filling_ = buffers_->take(stopping_.get_token());
            FAIRLEAD_CHECK(failure());
        }
        if (data.empty() && !id_.empty()) data.reserve(cut_.part);
        auto some = text.substr(0, cut_.part - data.size());
        // The first one grows as it is filled: small objects shall not cost a whole part.
        if (data.capacity() - data.size() < some.size())
            data.reserve(std::min<std::uint64_t>(cut_.part, (data.size() + some.size()) * 2));
        data += some;
        text.remove_prefix(some.size());
    }
    return {};
}

Result<> Upload::hand_over() {
    if (next_ > max_parts)
        return fail(
            Error(
                Errc::invalid,
                fmt::format(
                    "{} has more than {} parts of {} MiB: it is far larger than the {} bytes that "
                    "were expected.",
                    key_, max_parts, cut_.part / mib, options_.expected_bytes
                )
            )
                .with_code("storage_too_large")
        );
    if (id_.empty()) {
        FAIRLEAD_TRY(id, bucket_.begin_upload(key_, options_.lock));
        id_ = id;
        auto senders = std::max(1U, cut_.buffers - 1);
        for (unsigned i = 0; i < senders; ++i) threads_.emplace_back([this] { send_parts(); });
    }
    return queue();
}

Result<> Upload::queue() {
    Part part{next_++, std::move(filling_)};
    {
        std::lock_guard lock(mutex_);
        if (error_) return fail(*error_);
        waiting_.push_back(std::move(part));
    }
    changed_.notify_all();
    return {};
}

void Upload::send_parts() {
    auto stop = stopping_.get_token();
    std::unique_lock lock(mutex_);
    for (;;) {
        if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
        if (stop.stop_requested()) return;
        auto part = std::move(waiting_.front());
        waiting_.pop_front();
        ++sending_;
        lock.unlock();
        auto etag = bucket_.send_part(
            key_, id_, part.number, std::as_bytes(std::span<const char>(part.buffer.data)), stop
        );
        part.buffer = {};
        lock.lock();
        --sending_;
        if (etag) {
            if (etags_.size() < part.number) etags_.resize(part.number);
            etags_[part.number - 1] = *std::move(etag);
        } else if (!error_) {
            error_ = std::move(etag).error();
        }
        bool failed = error_.has_value();
        changed_.notify_all();
        if (failed) {
            // The others have nothing to send for any more.
            lock.unlock();
            stopping_.request_stop();
            return;
        }
    }
}

Result<> Upload::wait_for_all() {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stopping_.get_token(), [&] {
            return error_ || (waiting_.empty() && sending_ == 0);
        });
    }
    return failure();
}

Result<> Upload::finish() {
    FAIRLEAD_CHECK(failure());
    sha256_ = hash_.finish();
    if (id_.empty()) {
        FAIRLEAD_TRY(stored, bucket_.put(key_, filling_.data, options_.lock, &sha256_));
        filling_ = {}; // others may wait for it
        if (stored.from_content) {
            etag_ = std::move(stored.etag);
            finished_ = options_.looked_at_later;
            if (finished_) return {};
        }
    } else {
        if (filling_) FAIRLEAD_CHECK(queue());
        FAIRLEAD_CHECK(wait_for_all());
        FAIRLEAD_CHECK(complete());
    }
    FAIRLEAD_CHECK(check_stored());
    finished_ = true;
    return {};
}

/// As servers make it for parts whose ETags are MD5; empty where they are not.
std::string Upload::whole_etag() const {
    std::string sums;
    for (const auto& etag : etags_) {
        auto sum = etag.size() == 34 ? crypto::hex_decode(std::string_view(etag).substr(1, 32))
                                     : Result<std::string>(fail(Errc::invalid, ""));
        if (!sum) return {};
        sums += *sum;
    }
    return fmt::format("{}-{}", crypto::hex_encode(crypto::md5(sums)), etags_.size());
}

Result<> Upload::complete() {
    auto done = bucket_.complete_upload(key_, id_, etags_);
    if (done) {
        if (*done == whole_etag()) etag_ = *done;
        return {};
    }
    // Where the answer of a first try was lost, servers differ in what they say to the second: the
    // object itself tells.
    const auto& code = done.error().code();
    bool gone = code == "storage_upload_missing";
    if (!gone && code != "storage_failed" && code != "storage_unreachable")
        return fail(std::move(done).error());
    auto seen = bucket_.head(key_);
    if (!seen || seen->bytes != bytes_) return fail(std::move(done).error());
    if (gone || seen->etag == whole_etag()) return {};
    return fail(std::move(done).error());
}

Result<> Upload::check_stored() {
    for (unsigned tried = 1;; ++tried) {
        auto seen = bucket_.head(key_);
        bool same_size = seen && seen->bytes == bytes_;
        if (same_size && (etag_.empty() || seen->etag == etag_)) return {};
        if (!seen && seen.error().code() != "storage_object_missing")
            return tl::unexpected(std::move(seen).error());
        // Some servers need a moment until they show what they have.
        if (tried < tries_of_look) {
            if (!bucket_.pause().wait(std::chrono::milliseconds(500) * tried, bucket_.stop()))
                return fail(
                    Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
                );
            continue;
        }
        auto what = same_size ? std::string("its checksum (ETag) is another")
                    : seen    ? fmt::format("it has {} bytes", seen->bytes)
                              : std::string("it is not there");
        return fail(
            Error(
                Errc::unavailable,
                fmt::format(
                    "The bucket {} at {} took {} with {} bytes, but then {}. Look after the "
                    "storage.",
                    bucket_.storage().bucket, bucket_.storage().endpoint, key_, bytes_, what
                )
            )
                .with_code("storage_damaged")
        );
    }
}

} // namespace fairlead::bucket
