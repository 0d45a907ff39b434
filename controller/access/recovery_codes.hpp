/// Codes on paper, for whoever has lost the second factor: ten of them, each good once.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Only hashes are stored; 80 random bits each.
class RecoveryCodes {
public:
    explicit RecoveryCodes(store::Connection& db) : db_(db) {}

    /// New ones, "abcd-efgh-ijkl-mnop"; all older ones are void.
    Result<std::vector<Secret>> make(const UserId& user);
    /// A good code is used up. Capitals, spaces and hyphens do not matter.
    Result<bool> use(const UserId& user, std::string_view code, Timestamp now);
    Result<std::int64_t> left(const UserId& user);
    Result<> remove(const UserId& user);

    static constexpr std::size_t count = 10;

private:
    store::Connection& db_;
};

} // namespace fairlead::access
