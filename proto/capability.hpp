/// What opens a stream: its purpose, signed with a tunnel key of the server's organization for that
/// one server, for a minute, to be used once (README.md section 6).
#pragma once

#include "common/crypto/sign.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <boost/json/object.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::proto {

/// From the signature on. Stands for both sides: an agent takes none that lives longer.
inline constexpr std::chrono::milliseconds capability_life{60'000};
/// The same for a terminal and for sshd, which somebody waits for.
inline constexpr std::chrono::milliseconds terminal_capability_life{30'000};
/// That the clocks of controller and server may differ by.
inline constexpr std::chrono::milliseconds capability_skew{5 * 60'000};
/// Room that a stream's first frame has for it.
inline constexpr std::size_t longest_capability = 4 * 1024;

/// How long a capability for this `kind` of purpose lives.
std::chrono::milliseconds capability_life_of(std::string_view kind);

/// Adds `key` (its id), `expires_ms`, `nonce` and `signature` to a purpose, which is any flat
/// object of texts and whole numbers from 0. The text to open a stream with. Errc::invalid for
/// other members, and when it is longer than longest_capability.
Result<std::string> sign_capability(
    boost::json::object purpose, std::string_view server, std::string_view key_id,
    const crypto::SigningKey& key, Timestamp now
);

/// One as it came: nothing of it is believed before was_signed() says so.
class Capability {
public:
    using Nonce = std::array<char, 16>;

    /// Errc::invalid says what is wrong with its shape.
    static Result<Capability> read(std::string_view text);

    const std::string& key() const { return key_; }
    Timestamp expires() const { return expires_; }
    /// From the signature on, for this kind of purpose.
    std::chrono::milliseconds life() const;
    const Nonce& nonce() const { return nonce_; }
    /// For this server, by this key, and not altered since.
    bool was_signed(const crypto::VerifyKey& key, std::string_view server) const;
    /// All members, the four above among them.
    const boost::json::object& members() const { return members_; }

private:
    Capability() = default;

    boost::json::object members_;
    std::string key_, signature_;
    Timestamp expires_{};
    Nonce nonce_{};
};

} // namespace fairlead::proto
