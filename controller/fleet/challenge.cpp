#include "controller/fleet/challenge.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <charconv>

namespace fairlead::fleet {

Challenges::Challenges() : key_(crypto::random_secret(32)) {}

std::string
Challenges::mac(std::string_view server, std::string_view nonce, std::string_view time) const {
    std::string text(server);
    text.append(".").append(nonce).append(".").append(time);
    return crypto::base64url_encode(crypto::hmac_sha256(key_.reveal(), text).view());
}

std::string Challenges::make(const ServerId& server, Timestamp now) const {
    auto nonce = crypto::base64url_encode(crypto::random_bytes(16));
    auto time = std::to_string(to_ms(now));
    return nonce + "." + time + "." + mac(server.str(), nonce, time);
}

bool Challenges::take(const ServerId& server, std::string_view challenge, Timestamp now) {
    auto first = challenge.find('.');
    auto second = first == std::string_view::npos ? first : challenge.find('.', first + 1);
    if (second == std::string_view::npos) return false;
    auto nonce = challenge.substr(0, first);
    auto time = challenge.substr(first + 1, second - first - 1);
    if (!crypto::same(mac(server.str(), nonce, time), challenge.substr(second + 1))) return false;
    std::int64_t made_ms = 0;
    std::from_chars(time.data(), time.data() + time.size(), made_ms);
    auto ends = from_ms(made_ms) + life;
    if (now >= ends) return false;

    std::lock_guard lock(mutex_);
    std::erase_if(answered_, [&](const auto& entry) { return entry.second <= now; });
    if (answered_.size() >= max_answered) return false;
    return answered_.emplace(std::string(challenge), ends).second;
}

} // namespace fairlead::fleet
