/// The SQL of variables.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::environments {

inline constexpr std::int64_t max_variables = 200;
/// Of one environment together: they travel in one message.
inline constexpr std::int64_t max_variable_bytes = 256 << 10;

struct Variable {
    std::string name;
    bool secret = false;
    std::string value; ///< "" for a secret one
    Timestamp updated_ms;
    UserId updated_by;
    std::string updated_by_email;
};
BOOST_DESCRIBE_STRUCT(Variable, (), (name, secret, value, updated_ms, updated_by, updated_by_email))

class VariableRepo {
public:
    VariableRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    Result<std::vector<Variable>>
    list(const EnvironmentId& environment, std::string_view after, std::int64_t limit);
    Result<std::vector<Variable>> all(const EnvironmentId& environment) {
        return list(environment, "", max_variables);
    }
    Result<std::optional<Variable>> find(const EnvironmentId& environment, std::string_view name);
    /// Errc::conflict (too_many_variables) past the limits.
    Result<>
    put(const EnvironmentId& environment, const Variable& variable,
        const std::optional<store::Blob>& sealed, std::int64_t size);
    Result<std::optional<store::Blob>>
    sealed(const EnvironmentId& environment, std::string_view name);
    /// False when there was none.
    Result<bool> remove(const EnvironmentId& environment, std::string_view name);
    Result<> remove_all(const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// What a sealed value is bound to.
std::string variable_context(const EnvironmentId& environment, std::string_view name);

} // namespace fairlead::environments
