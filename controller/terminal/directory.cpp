#include "controller/terminal/directory.hpp"

#include "controller/terminal/tickets.hpp"

#include <algorithm>

namespace fairlead::terminal {
namespace {

tl::unexpected<Error> too_many(std::string whose, std::size_t most) {
    return fail(Error(
                    Errc::conflict, whose + " " + std::to_string(most) +
                                        " terminals open, which is as many as may be. Close one "
                                        "that is not needed any more."
    )
                    .with_code("too_many_terminals"));
}

} // namespace

void Directory::forget_expired(Timestamp now) {
    std::erase_if(listed_, [&](const auto& entry) {
        return entry.second.state == State::waiting && entry.second.seat->expires <= now;
    });
}

Result<SeatPtr> Directory::reserve(Seat seat) {
    std::scoped_lock lock(mutex_);
    forget_expired(seat.made);
    auto count = [&](auto fits) {
        return static_cast<std::size_t>(std::ranges::count_if(listed_, [&](const auto& entry) {
            return fits(*entry.second.seat);
        }));
    };
    auto of_user = count([&](const Seat& one) { return one.user == seat.user; });
    if (of_user >= limits_.of_user) return too_many("You have", limits_.of_user);
    auto of_server = count([&](const Seat& one) { return one.server == seat.server; });
    if (of_server >= limits_.of_server) return too_many("The server has", limits_.of_server);
    auto of_org = count([&](const Seat& one) { return one.scope.org() == seat.scope.org(); });
    if (of_org >= limits_.of_org) return too_many("The organization has", limits_.of_org);
    if (listed_.size() >= limits_.of_all) return too_many("This controller has", limits_.of_all);
    auto held = std::make_shared<const Seat>(std::move(seat));
    listed_[held->id] = Listed{held, State::waiting};
    return held;
}

Result<SeatPtr> Directory::take(const TerminalId& id, Timestamp now) {
    std::scoped_lock lock(mutex_);
    forget_expired(now);
    auto found = listed_.find(id);
    if (found == listed_.end() || found->second.state != State::waiting) return ticket_refused();
    found->second.state = State::open;
    return found->second.seat;
}

void Directory::mark(const TerminalId& id, State state) {
    std::scoped_lock lock(mutex_);
    if (auto found = listed_.find(id); found != listed_.end()) found->second.state = state;
}

void Directory::remove(const TerminalId& id) {
    std::scoped_lock lock(mutex_);
    listed_.erase(id);
}

SeatPtr Directory::find(const OrgId& org, const TerminalId& id) const {
    std::scoped_lock lock(mutex_);
    auto found = listed_.find(id);
    bool there = found != listed_.end() && found->second.state != State::ended &&
                 found->second.seat->scope.org() == org;
    return there ? found->second.seat : nullptr;
}

bool Directory::is_of(const TerminalId& id, const UserId& user, const SessionId& session) const {
    std::scoped_lock lock(mutex_);
    auto found = listed_.find(id);
    return found != listed_.end() && found->second.seat->user == user &&
           found->second.seat->session == session;
}

std::vector<Listed>
Directory::of_server(const OrgId& org, const ServerId& server, Timestamp now) const {
    std::vector<Listed> rows;
    std::scoped_lock lock(mutex_);
    for (const auto& [id, one] : listed_) {
        bool over =
            one.state == State::ended || (one.state == State::waiting && one.seat->expires <= now);
        if (!over && one.seat->scope.org() == org && one.seat->server == server)
            rows.push_back(one);
    }
    return rows;
}

std::vector<TerminalId> Directory::drop_at(std::vector<Place> places) {
    std::vector<TerminalId> open;
    for (auto place : places) {
        if (place->second.state == State::waiting)
            listed_.erase(place);
        else
            open.push_back(place->first);
    }
    return open;
}

std::vector<TerminalId> Directory::drop(const TerminalId& id) {
    std::scoped_lock lock(mutex_);
    auto found = listed_.find(id);
    if (found == listed_.end()) return {};
    return drop_at({found});
}

std::vector<TerminalId> Directory::drop_bond(std::string_view bond) {
    std::scoped_lock lock(mutex_);
    std::vector<Place> bound;
    for (auto at = listed_.begin(); at != listed_.end(); ++at)
        if (std::ranges::find(at->second.seat->bonds, bond) != at->second.seat->bonds.end())
            bound.push_back(at);
    return drop_at(std::move(bound));
}

std::size_t Directory::size() const {
    std::scoped_lock lock(mutex_);
    return listed_.size();
}

} // namespace fairlead::terminal
