/// One-time codes from a clock: RFC 6238 with SHA-1, 6 digits and 30 s, which every authenticator
/// app knows.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::crypto {

constexpr std::chrono::seconds totp_step{30};

/// 160 random bits, as RFC 4226 section 4 recommends.
Secret make_totp_key();

/// How many steps lie between 1970 and `at`.
std::int64_t totp_step_of(Timestamp at);

/// The six digits of one step (RFC 4226 section 5.3).
std::string totp_code(const Secret& key, std::int64_t step);

/// The step whose code this is: that of `at`, the one before or the one after, and later than
/// `last_used`, so that no code counts twice. Nothing for a wrong, late or used code. Spaces in
/// `code` are those that apps show.
std::optional<std::int64_t>
match_totp(const Secret& key, std::string_view code, Timestamp at, std::int64_t last_used);

/// The key as people type it: RFC 4648 base 32 without padding.
Secret totp_key_text(const Secret& key);

/// What a QR picture holds (Key URI Format): `otpauth://totp/Issuer:account?secret=…`.
Secret otpauth_uri(const Secret& key, std::string_view issuer, std::string_view account);

} // namespace fairlead::crypto
