/// Which second factors somebody has, whoever looks after them.
#pragma once

#include "common/runtime/id.hpp"
#include "common/store/store.hpp"
#include "controller/access/sessions.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::access {

/// Built at start, then only read; thread-safe. `totp` is known from the beginning.
class SecondFactors {
public:
    /// True when the person has it.
    using Has = std::function<Result<bool>(store::Connection&, const UserId&)>;

    SecondFactors();
    /// Another kind, such as "passkey".
    void add(std::string method, Has has);

    /// Empty: the password alone signs in. "recovery_code" comes last, where there are any left and
    /// something that they stand in for.
    Result<std::vector<std::string>> of(store::Connection& db, const UserId& user) const;
    /// One was removed: with the last one, recovery codes go too, and sessions have proven one
    /// factor alone.
    Result<> removed(store::UnitOfWork& unit, Sessions& sessions, const UserId& user) const;

private:
    Result<std::vector<std::string>> own(store::Connection& db, const UserId& user) const;
    std::vector<std::pair<std::string, Has>> kinds_;
};

} // namespace fairlead::access
