/// Where the opening and the end of each terminal are written down.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/terminal/ending.hpp"
#include "controller/terminal/seat.hpp"

#include <chrono>

namespace fairlead::terminal {

/// Worker threads only.
class Journal {
public:
    virtual ~Journal() = default;
    /// Before anything is opened: what is not written down does not happen.
    virtual Result<> opened(const Seat& seat) = 0;
    virtual Result<>
    closed(const Seat& seat, const Ending& ending, std::chrono::milliseconds lasted) = 0;
};

/// The organization's audit log, and its events.
class AuditJournal final : public Journal {
public:
    explicit AuditJournal(const api::Desk& desk) : desk_(desk) {}
    Result<> opened(const Seat& seat) override;
    Result<>
    closed(const Seat& seat, const Ending& ending, std::chrono::milliseconds lasted) override;

private:
    api::Desk desk_;
};

/// What the log says of an act on this terminal.
api::Act act_on(const Seat& seat, std::string action);
/// `terminal.updated`, for who watches the organization.
api::Event event_of(const Seat& seat, State state);

} // namespace fairlead::terminal
