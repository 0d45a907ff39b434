/// The log of acts: appended in the transaction of each change, never altered.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/route_table.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::audit {

/// One row, as it is stored and shown.
struct Entry {
    AuditId id;
    Timestamp at;
    std::string actor_type;
    std::optional<std::string> actor_id;
    std::string actor_label;
    std::string action;
    std::optional<std::string> target_type;
    std::optional<std::string> target_id;
    std::optional<std::string> target_name;
    std::string result;
    std::optional<std::string> address;
    std::optional<std::string> user_agent;
    std::optional<std::string> request_id;
    std::optional<std::string> before; ///< JSON
    std::optional<std::string> after;
};

/// Empty members do not filter. `action` is a whole action, or what stands before its dots.
struct Filter {
    std::string actor;
    std::string action;
    std::string target;
    std::optional<Timestamp> after;
    std::optional<Timestamp> before;
    std::string below; ///< id of the last entry seen
    std::int64_t limit = 50;
};

class AuditRepo {
public:
    AuditRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> append(const Entry& entry);
    /// Newest first.
    Result<std::vector<Entry>> list(const Filter& filter);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What the subjects write to. An entry that cannot be stored undoes the change: record throws.
class Log final : public api::AuditLog {
public:
    explicit Log(const Clock& clock) : clock_(clock) {}
    void record(
        store::UnitOfWork& unit, const api::OrgScope& scope, const api::Actor& actor, api::Act act
    ) override;

private:
    const Clock& clock_;
};

/// GET /api/v1/orgs/{org}/audit
void add_audit_routes(api::RouteTable& table, store::Store& store);

} // namespace fairlead::audit
