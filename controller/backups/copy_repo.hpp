/// The SQL of copies and of the operations that each is made of.
#pragma once

#include "common/runtime/id.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/operations/model.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backups {

FAIRLEAD_ID(CopyId, "cpy_", "copy");

BOOST_DEFINE_ENUM_CLASS(CopyState, running, succeeded, failed, cancelled)

/// A row: data on their way into an environment, by several operations in a row.
struct Copy {
    CopyId id;
    ProjectId project_id; ///< of the target
    EnvironmentId source_id;
    std::string source_name;
    EnvironmentId target_id;
    std::string target_name;
    bool new_target = false;           ///< made for it
    std::optional<BackupId> backup_id; ///< unset: none is needed, or it is still to be made
    std::string request;               ///< CopyRequest as JSON
    std::string actor;                 ///< who asked, as JSON
    CopyState state = CopyState::running;
    std::string recipient; ///< "age1…" of the target, as its server told
    std::string error_code;
    std::string error_message;
    Timestamp created_ms;
    std::optional<Timestamp> finished_ms;
};
BOOST_DESCRIBE_STRUCT(
    Copy, (),
    (id, project_id, source_id, source_name, target_id, target_name, new_target, backup_id, request,
     actor, state, recipient, error_code, error_message, created_ms, finished_ms)
)

/// One of its operations, with the state of that; "" where its turn has not come.
struct CopyStep {
    std::int64_t position = 0;
    std::string kind;
    ServerId server_id;
    std::optional<OperationId> operation_id;
    std::string state;
};
BOOST_DESCRIBE_STRUCT(CopyStep, (), (position, kind, server_id, operation_id, state))

struct CopyFilter {
    std::string environment; ///< the target
    std::string operation;
    std::string state;
    std::string below; ///< an id: older ones
    std::int64_t limit = 50;
};

/// A scope with a limit to projects sees the copies into their environments.
class CopyRepo {
public:
    CopyRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    Result<> insert(const Copy& copy, const std::vector<CopyStep>& steps);
    Result<Copy> get(const CopyId& id);
    Result<std::vector<Copy>> list(const CopyFilter& filter);
    Result<std::optional<Copy>> of_operation(const OperationId& operation);
    /// The one that is under way into this environment.
    Result<std::optional<Copy>> running_into(const EnvironmentId& target);
    Result<std::vector<CopyStep>> steps(const CopyId& id);
    /// Everything of it that can change.
    Result<> update(const Copy& copy);
    Result<> set_operation(const CopyId& id, std::int64_t position, const OperationId& operation);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// Drops what ended before `before`, of every organization; at most 1000 at a time.
Result<> forget_copies(store::Connection& db, Timestamp before);

} // namespace fairlead::backups
