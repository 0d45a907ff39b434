#include "agent/bucket/retry.hpp"

#include "common/crypto/random.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string_view>

namespace fairlead::bucket {

using std::chrono::milliseconds;

bool RealPause::wait(milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

double RealPause::draw() {
    std::uint32_t value = 0;
    auto bytes = crypto::random_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value / 4294967296.0;
}

bool is_passing(const Failed& failed) {
    // Words of AWS, Ceph, MinIO, R2 and Swift; a checksum that differs may be damage on the way.
    static constexpr std::array<std::string_view, 16> words{
        "storage_cut",        "storage_unreachable",
        "SlowDown",           "SlowDownRead",
        "SlowDownWrite",      "InternalError",
        "ServiceUnavailable", "RequestTimeout",
        "Throttling",         "ThrottlingException",
        "TooManyRequests",    "OperationAborted",
        "BadDigest",          "XAmzContentSHA256Mismatch",
        "IncompleteBody",     "storage_etag_differs"};
    if (std::ranges::find(words, failed.code) != words.end()) return true;
    switch (failed.status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

std::optional<milliseconds> Retries::next(const Failed& failed) {
    if (!is_passing(failed) || ++made_ >= limits_.tries) return std::nullopt;
    auto end = limits_.first * (1LL << std::min(made_ - 1, 20U));
    auto wait = milliseconds(static_cast<std::int64_t>(
        pause_.draw() * static_cast<double>(std::min<milliseconds>(end, limits_.longest).count())
    ));
    // The server knows best, as long as it does not ask for more than we have.
    if (failed.retry_after) {
        if (*failed.retry_after > limits_.longest) return std::nullopt;
        wait += *failed.retry_after;
    }
    waited_ += wait;
    if (waited_ > limits_.total) return std::nullopt;
    return wait;
}

} // namespace fairlead::bucket
