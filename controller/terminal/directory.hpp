/// Which terminals there are, and how many there may be.
#pragma once

#include "controller/terminal/seat.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::terminal {

/// Handed-out tickets count until they have run out.
struct DirectoryLimits {
    std::size_t of_user = 16;
    std::size_t of_server = proto::most_terminals; ///< the same that an agent opens
    std::size_t of_org = 256;
    std::size_t of_all = 2048;
};

using SeatPtr = std::shared_ptr<const Seat>;

struct Listed {
    SeatPtr seat;
    State state = State::waiting;
};

/// Thread-safe, and nothing in it waits.
class Directory {
public:
    explicit Directory(DirectoryLimits limits = DirectoryLimits()) : limits_(limits) {}

    /// A place for a terminal whose ticket is about to be handed out. Errc::conflict
    /// (too_many_terminals) says of whom.
    Result<SeatPtr> reserve(Seat seat);

    /// The ticket of it was shown: from now on it is open. Gives each once. Errc::unauthenticated
    /// (ticket_refused) when it was taken, has run out or was never there.
    Result<SeatPtr> take(const TerminalId& id, Timestamp now);

    /// Of one that was taken.
    void mark(const TerminalId& id, State state);
    void remove(const TerminalId& id);

    /// Null where this organization has none of that id, or it has ended.
    SeatPtr find(const OrgId& org, const TerminalId& id) const;
    /// Whether this person, in this session, has one of that id.
    bool is_of(const TerminalId& id, const UserId& user, const SessionId& session) const;
    /// Of a server, oldest first.
    std::vector<Listed> of_server(const OrgId& org, const ServerId& server, Timestamp now) const;

    /// Those that wait are forgotten; the others are named, for whoever closes them.
    std::vector<TerminalId> drop(const TerminalId& id);
    std::vector<TerminalId> drop_bond(std::string_view bond);

    std::size_t size() const;

private:
    using Place = std::map<TerminalId, Listed>::iterator;
    void forget_expired(Timestamp now);
    std::vector<TerminalId> drop_at(std::vector<Place> places);

    DirectoryLimits limits_;
    mutable std::mutex mutex_;
    std::map<TerminalId, Listed> listed_; // ids grow with time
};

} // namespace fairlead::terminal
