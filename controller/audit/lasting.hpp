/// Acts that last, such as a terminal: the log has an entry of their beginning and one of their
/// end. The end that a process could not write, because it was killed or the power failed, the next
/// one writes when it starts.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"

#include <string>
#include <string_view>

namespace fairlead::audit {

/// `reason` in the `after` of an end that the next process wrote. When it was is not known: at the
/// latest when the process before was gone.
inline constexpr std::string_view controller_died = "controller_died";

/// In the transaction of the beginning's entry. `end` is its end's entry, but for the reason;
/// nothing else of the organization has this `id` while it lasts.
Result<> begin_lasting(
    store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& id,
    const api::Actor& actor, const api::Act& end
);
/// In the transaction of the end's entry.
Result<> end_lasting(store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& id);

/// Writes the ends of all that the process before left open. Before anything begins.
Result<> end_what_was_left(store::Store& store, api::AuditLog& log);

} // namespace fairlead::audit
