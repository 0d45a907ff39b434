#include "controller/logs/journal.hpp"

namespace fairlead::logs {

Result<> AuditJournal::refused(const Asked& asked, const std::string& reason) {
    return desk_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        auto act = act_on(
            asked, asked.recording ? "recordings.refuse"
                   : asked.mail    ? "mail.refuse"
                                   : "logs.refuse"
        );
        act.outcome = api::Act::Outcome::refused;
        if (!act.after) act.after.emplace();
        (*act.after)["reason"] = reason;
        desk_.audit.record(unit, asked.scope, asked.actor, std::move(act));
        return {};
    });
}

} // namespace fairlead::logs
