/// The SQL of backup policies and of the organization's recovery recipients.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backups {

/// A row. One that was never set has no `updated_ms`.
struct Policy {
    EnvironmentId environment_id;
    std::optional<StorageId> storage_id;
    std::string schedule;
    std::string drill_schedule;
    std::string time_zone = "UTC";
    std::string retention = "{}"; ///< proto::Retention as JSON
    std::optional<OperationId> operation_id;
    std::optional<Timestamp> updated_ms;
    std::optional<UserId> updated_by;
    std::string updated_by_email;
};
BOOST_DESCRIBE_STRUCT(
    Policy, (),
    (environment_id, storage_id, schedule, drill_schedule, time_zone, retention, operation_id,
     updated_ms, updated_by, updated_by_email)
)

struct Recipient {
    std::string name;
    std::string recipient; ///< "age1…"
};
BOOST_DESCRIBE_STRUCT(Recipient, (), (name, recipient))

/// When the recovery recipients were set, and by whom.
struct SettingsMark {
    Timestamp updated_ms;
    UserId updated_by;
    std::string updated_by_email;
};
BOOST_DESCRIBE_STRUCT(SettingsMark, (), (updated_ms, updated_by, updated_by_email))

class PolicyRepo {
public:
    PolicyRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// The one that says "no backups" where none was set.
    Result<Policy> get(const EnvironmentId& environment);
    Result<> put(const Policy& policy);
    Result<> set_operation(const EnvironmentId& environment, const OperationId& operation);
    Result<> remove(const EnvironmentId& environment);
    /// Environments with a storage in their policy; with that one, unless it is "".
    Result<std::vector<EnvironmentId>> with_storage(std::string_view storage);

    Result<std::vector<Recipient>> recipients();
    Result<std::optional<SettingsMark>> settings_mark();
    Result<> put_recipients(const std::vector<Recipient>& recipients, const SettingsMark& mark);

private:
    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::backups
