/// The SQL of imports.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::imports {

BOOST_DEFINE_ENUM_CLASS(
    ImportState, analysing, ///< its server fetches it and looks at it
    analysed,               ///< it can be run, where it fits
    failed,                 ///< the server could make nothing of it, and holds nothing of it
    running,                ///< on its way into the environment
    imported,               ///< it is there; the server holds nothing of it any more
    removing                ///< what the server holds goes, and then the row
)

struct Import {
    ImportId id;
    EnvironmentId environment_id;
    ProjectId project_id;
    ServerId server_id;
    ImportState state = ImportState::analysing;
    std::string path;
    std::string url; ///< without its query
    std::string filestore;
    std::string sha256;
    std::optional<std::string> analysis; ///< JSON
    bool fits = false;
    OperationId operation_id; ///< the last that was asked for it
    std::string error_code;
    std::string error_message;
    std::optional<Timestamp> finished_ms;
    Timestamp created_ms;
    std::optional<UserId> created_by;
    std::string created_by_email;

    /// As people know it: a path, or an address without its query.
    const std::string& source() const { return path.empty() ? url : path; }
    /// Its server has something of it.
    bool held() const {
        return state == ImportState::analysing || state == ImportState::analysed ||
               state == ImportState::running || state == ImportState::removing;
    }
};
BOOST_DESCRIBE_STRUCT(
    Import, (),
    (id, environment_id, project_id, server_id, state, path, url, filestore, sha256, analysis, fits,
     operation_id, error_code, error_message, finished_ms, created_ms, created_by, created_by_email)
)

/// What a query is sealed for.
std::string query_context(const ImportId& id);

/// A scope with a limit to projects sees the imports of their environments.
class ImportRepo {
public:
    ImportRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    Result<> insert(const Import& import, const std::optional<store::Blob>& sealed_query);
    Result<std::optional<Import>> find(const ImportId& id);
    /// Errc::not_found also where it is another environment's.
    Result<Import> get(const EnvironmentId& environment, const ImportId& id);
    Result<std::vector<Import>>
    list(const EnvironmentId& environment, std::string_view below, std::int64_t limit);
    /// How many imports of the environment its server holds.
    Result<std::int64_t> held(const EnvironmentId& environment);
    Result<std::optional<store::Blob>> sealed_query(const ImportId& id);
    /// State, analysis, operation and error.
    Result<> update(const Import& import);
    Result<> drop_query(const ImportId& id);
    Result<> remove(const ImportId& id);
    /// Of those that no server holds, the newest `most` stay.
    Result<> forget_old(const EnvironmentId& environment, std::int64_t most);
    Result<> remove_all(const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

} // namespace fairlead::imports
