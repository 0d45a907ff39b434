#include "controller/access/second_factors.hpp"

#include "controller/access/recovery_codes.hpp"

namespace fairlead::access {

SecondFactors::SecondFactors() {
    add("totp", [](store::Connection& db, const UserId& user) -> Result<bool> {
        FAIRLEAD_TRY(
            found,
            db.one<int>("SELECT 1 FROM totp WHERE user_id = $1 AND confirmed_ms IS NOT NULL", user)
        );
        return found.has_value();
    });
}

void SecondFactors::add(std::string method, Has has) {
    kinds_.emplace_back(std::move(method), std::move(has));
}

Result<std::vector<std::string>>
SecondFactors::own(store::Connection& db, const UserId& user) const {
    std::vector<std::string> methods;
    for (const auto& [method, has] : kinds_) {
        FAIRLEAD_TRY(there, has(db, user));
        if (there) methods.push_back(method);
    }
    return methods;
}

Result<std::vector<std::string>>
SecondFactors::of(store::Connection& db, const UserId& user) const {
    FAIRLEAD_TRY(methods, own(db, user));
    if (methods.empty()) return std::move(methods);
    FAIRLEAD_TRY(left, RecoveryCodes(db).left(user));
    if (left > 0) methods.emplace_back("recovery_code");
    return std::move(methods);
}

Result<>
SecondFactors::removed(store::UnitOfWork& unit, Sessions& sessions, const UserId& user) const {
    FAIRLEAD_TRY(methods, own(unit.db(), user));
    if (!methods.empty()) return {};
    FAIRLEAD_CHECK(RecoveryCodes(unit.db()).remove(user));
    return sessions.without_second_factor(unit, user);
}

} // namespace fairlead::access
