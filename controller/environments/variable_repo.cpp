#include "controller/environments/variable_repo.hpp"

#include <fmt/core.h>

#include <tuple>

namespace fairlead::environments {

// An environment that the holder of a limit to projects sees; "" sees every one.
#define FAIRLEAD_SEEN(environment, holder)                                                         \
    " AND (" holder " = '' OR EXISTS (SELECT 1 FROM environment e JOIN project_limit l ON "        \
    "l.org_id = e.org_id AND l.project_id = e.project_id WHERE e.id = " environment                \
    " AND e.org_id = $1 AND l.holder = " holder "))"

std::string variable_context(const EnvironmentId& environment, std::string_view name) {
    return fmt::format("variable/{}/{}", environment.str(), name);
}

Result<std::vector<Variable>>
VariableRepo::list(const EnvironmentId& environment, std::string_view after, std::int64_t limit) {
    return db_.all<Variable>(
        "SELECT name, secret, value, updated_ms, updated_by, updated_by_email FROM "
        "environment_variable"
        " WHERE org_id = $1 AND environment_id = $2 AND name > $3" FAIRLEAD_SEEN(
            "$2", "$5"
        ) " ORDER BY name LIMIT $4",
        org_, environment, after, limit, limit_
    );
}

Result<std::optional<Variable>>
VariableRepo::find(const EnvironmentId& environment, std::string_view name) {
    return db_.one<Variable>(
        "SELECT name, secret, value, updated_ms, updated_by, updated_by_email FROM "
        "environment_variable"
        " WHERE org_id = $1 AND environment_id = $2 AND name = $3" FAIRLEAD_SEEN("$2", "$4"),
        org_, environment, name, limit_
    );
}

Result<> VariableRepo::put(
    const EnvironmentId& environment, const Variable& v, const std::optional<store::Blob>& sealed,
    std::int64_t size
) {
    using Sums = std::tuple<std::int64_t, std::int64_t>;
    FAIRLEAD_TRY(
        others, db_.one<Sums>(
                    "SELECT count(*), coalesce(sum(size), 0) FROM environment_variable"
                    " WHERE org_id = $1 AND environment_id = $2 AND name <> $3",
                    org_, environment, v.name
                )
    );
    auto [count, bytes] = others.value_or(Sums{});
    if (count >= max_variables)
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "The environment has {} variables, which is the most. Remove one first.", count
                )
            )
                .with_code("too_many_variables")
        );
    if (bytes + size > max_variable_bytes)
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "With this one the variables would take {} KiB together; {} KiB is the most. "
                    "Put large values into a file of an addon.",
                    (bytes + size) / 1024, max_variable_bytes / 1024
                )
            )
                .with_code("too_many_variables")
        );
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO environment_variable (environment_id, name, org_id, secret, value, sealed, "
        "size, updated_ms,"
        " updated_by, updated_by_email) VALUES ($2, $3, $1, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (environment_id, name) DO UPDATE SET secret = excluded.secret, value = "
        "excluded.value,"
        " sealed = excluded.sealed, size = excluded.size, updated_ms = excluded.updated_ms,"
        " updated_by = excluded.updated_by, updated_by_email = excluded.updated_by_email"
        " WHERE environment_variable.org_id = excluded.org_id",
        org_, environment, v.name, v.secret, v.value, sealed, size, v.updated_ms, v.updated_by,
        v.updated_by_email
    ));
    return {};
}

Result<std::optional<store::Blob>>
VariableRepo::sealed(const EnvironmentId& environment, std::string_view name) {
    return db_.one<store::Blob>(
        "SELECT sealed FROM environment_variable WHERE org_id = $1 AND environment_id = $2 AND "
        "name = $3 AND secret = 1",
        org_, environment, name
    );
}

Result<bool> VariableRepo::remove(const EnvironmentId& environment, std::string_view name) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "DELETE FROM environment_variable WHERE org_id = $1 AND environment_id = $2 AND "
                  "name = $3",
                  org_, environment, name
              )
    );
    return done > 0;
}

Result<> VariableRepo::remove_all(const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM environment_variable WHERE org_id = $1 AND environment_id = $2", org_,
        environment
    ));
    return {};
}

} // namespace fairlead::environments
