/// Rules for passwords, and hashing them without taking the machine's memory.
#pragma once

#include "common/crypto/password.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <cstddef>
#include <semaphore>
#include <string>
#include <string_view>

namespace fairlead::access {

/// Errc::invalid (code validation_failed's fields name `field`): under 12 characters, the e-mail
/// address, or one that everybody tries first.
Result<> check_new_password(std::string_view field, const Secret& password, std::string_view email);

/// Argon2id, at most two at a time. Thread-safe; blocks: worker threads only.
class PasswordHasher {
public:
    explicit PasswordHasher(crypto::PasswordCost cost = {}) : cost_(cost) {}

    /// Errc::unavailable when no turn comes within 10 s.
    Result<std::string> hash(const Secret& password);
    /// An empty hash takes as long as a real one and fails: whether an account exists is not to be
    /// told by the time.
    Result<bool> verify(std::string_view hash, const Secret& password);
    bool needs_rehash(std::string_view hash) const { return crypto::needs_rehash(hash, cost_); }

private:
    class Turn;
    crypto::PasswordCost cost_;
    std::counting_semaphore<2> turns_{2};
};

} // namespace fairlead::access
