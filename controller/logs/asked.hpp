/// One reading of a log, of captured mail, or of recordings of terminals, as the controller knows
/// it: who asked for it, and what of which server.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/call.hpp"
#include "proto/log.hpp"
#include "proto/mail.hpp"
#include "proto/recording.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::logs {

FAIRLEAD_ID(ReadingId, "log_", "reading of a log");
FAIRLEAD_ID(RecordedId, "term_", "recorded terminal");

/// Made from the request that the guard has let in, and never changed. Only the memory of this
/// process has it, and none of what is read.
struct Asked {
    ReadingId id;
    api::OrgScope scope;
    ServerId server;
    std::string server_name;
    std::optional<EnvironmentId> environment; ///< whose Odoo it is
    std::string environment_name;
    proto::LogPurpose what;
    UserId user;
    std::string reader; ///< Principal::id: whose readings are counted
    api::Actor actor;   ///< for the audit log
    Timestamp made{};
    std::optional<std::chrono::milliseconds> lasts;     ///< Principal::lasts
    std::vector<std::string> bonds;                     ///< the reading ends with any of these
    std::optional<proto::MailPurpose> mail{};           ///< captured mail of it is read, and no log
    std::optional<proto::RecordingPurpose> recording{}; ///< these are read, and no log

    /// It is whole or worth nothing.
    bool is_file() const { return recording || (mail ? !mail->message.empty() : what.text != 0); }
    bool is_replay() const { return recording && !recording->recording.empty(); }
    /// No more of it comes than a page or a file has.
    bool has_end() const { return recording || mail || what.order != "follow"; }
};

using AskedPtr = std::shared_ptr<const Asked>;

/// What the query asks for, beside the source. Errc::invalid, by the names of the contract.
Result<proto::LogPurpose> purpose_of(const api::Call& call);

/// What the audit log says of it: neither what was searched for nor what was found, but for the
/// name of a message.
api::Act act_on(const Asked& asked, std::string action);

/// The same for all that one look at a log is made of: who, from where, at what.
std::string look_of(const Asked& asked);

} // namespace fairlead::logs
