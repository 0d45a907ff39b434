#include "common/crypto/challenge.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <charconv>

namespace fairlead::crypto {

Challenges::Challenges(std::chrono::seconds life, std::size_t max_answered)
    : key_(random_secret(32)), life_(life), max_answered_(max_answered) {}

std::string
Challenges::mac(std::string_view subject, std::string_view nonce, std::string_view time) const {
    // Neither nonce nor time holds a dot.
    std::string text(nonce);
    text.append(".").append(time).append(".").append(subject);
    return base64url_encode(hmac_sha256(key_.reveal(), text).view());
}

std::string Challenges::make(std::string_view subject, Timestamp now) const {
    auto nonce = base64url_encode(random_bytes(16));
    auto time = std::to_string(to_ms(now));
    return nonce + "." + time + "." + mac(subject, nonce, time);
}

Timestamp Challenges::end_of(std::string_view subject, std::string_view challenge) const {
    auto first = challenge.find('.');
    auto second = first == std::string_view::npos ? first : challenge.find('.', first + 1);
    if (second == std::string_view::npos) return {};
    auto nonce = challenge.substr(0, first);
    auto time = challenge.substr(first + 1, second - first - 1);
    if (!same(mac(subject, nonce, time), challenge.substr(second + 1))) return {};
    std::int64_t made_ms = 0;
    std::from_chars(time.data(), time.data() + time.size(), made_ms);
    return from_ms(made_ms) + life_;
}

bool Challenges::good(std::string_view subject, std::string_view challenge, Timestamp now) const {
    if (now >= end_of(subject, challenge)) return false;
    std::lock_guard lock(mutex_);
    return answered_.find(challenge) == answered_.end();
}

bool Challenges::take(std::string_view subject, std::string_view challenge, Timestamp now) {
    auto ends = end_of(subject, challenge);
    if (now >= ends) return false;

    std::lock_guard lock(mutex_);
    std::erase_if(answered_, [&](const auto& entry) { return entry.second <= now; });
    if (answered_.size() >= max_answered_) return false;
    return answered_.emplace(std::string(challenge), ends).second;
}

} // namespace fairlead::crypto
