/// Passwords: Argon2id (libsodium). Slow on purpose: call from worker threads only.
#pragma once

#include "common/runtime/secret.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// Passes over memory. The default takes about 0.1 s of one core and 46 MiB while it runs (OWASP's
/// second choice).
struct PasswordCost {
    unsigned passes = 1;
    std::size_t memory_kib = 47104;
};

/// A PHC string that holds salt and cost.
std::string hash_password(const Secret& password, PasswordCost cost = {});

/// False for a wrong password and for a malformed hash.
bool verify_password(std::string_view hash, const Secret& password);

/// True when the hash was made with another cost: hash again at the next log-in.
bool needs_rehash(std::string_view hash, PasswordCost cost = {});

} // namespace fairlead::crypto
