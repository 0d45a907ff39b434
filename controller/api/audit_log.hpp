/// What a change tells the audit log; `audit` stores it.
#pragma once

#include "common/runtime/id.hpp"
#include "controller/api/principal.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::store {
class UnitOfWork;
}

namespace fairlead::api {

/// One act, as the log keeps it.
struct Act {
    enum class Outcome { ok, refused, failed };

    std::string action; ///< "environment.deploy"
    std::string target_type;
    std::string target_id;
    std::string target_name;
    Outcome outcome = Outcome::ok;
    std::optional<boost::json::object>
        before{}; ///< members that changed, as they were; never a secret
    std::optional<boost::json::object> after{};
};

/// UnitOfWork::note of a unit that holds an entry.
inline constexpr std::string_view audited = "audited";

/// Thread-safe. Written in the transaction of the change: no change without its entry, no entry
/// without its change. `record` notes `audited` in the unit.
class AuditLog {
public:
    virtual ~AuditLog() = default;
    virtual void
    record(store::UnitOfWork& unit, const OrgScope& scope, const Actor& actor, Act act) = 0;
};

} // namespace fairlead::api
