/// One open terminal: a server's stream on one side, whichever connection its browser has on the
/// other. For terminals.cpp and live.cpp alone.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/secret.hpp"
#include "common/stream/carrier.hpp"
#include "controller/terminal/browser.hpp"
#include "controller/terminal/directory.hpp"
#include "controller/terminal/ending.hpp"
#include "controller/terminal/messages.hpp"
#include "controller/terminal/room.hpp"
#include "controller/terminal/terminals.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::terminal {

/// One connection of the browser while it shows this terminal.
struct Attendance {
    Attendance(Executor executor, Browser& connection) : browser(connection), news(executor) {}

    /// The connection is closed with this code and word; the first counts.
    void end(std::uint16_t with, std::string word) {
        if (code == 0) {
            code = with;
            reason = std::move(word);
        }
        news.notify();
    }

    Browser& browser;
    Event news;
    std::string first; ///< said before all else
    std::uint64_t told_input = 0;
    std::uint16_t code = 0;
    std::string reason;
    bool said_end = false;
    bool broken = false;
};

/// Everything on the executor's thread.
class Live {
public:
    using Steady = std::chrono::steady_clock;

    Live(Executor executor, SeatPtr whose, stream::Stream to, const TerminalOptions& options);

    /// Until the server's side is over.
    Task<> run();
    /// Waits until the browser has been told, or does not come back. After run().
    Task<> linger();

    /// A secret for the next connection. The one that the browser has used now counts until it has
    /// shown by a message that it knows the new one.
    Secret next_secret(const Secret& used);
    bool knows(const Secret& secret) const;

    /// Output goes on from here. Errc::invalid when that is not kept.
    Result<> resume_at(std::uint64_t received) { return room_.resume(received); }
    /// This connection has it now; the one before is closed.
    void attach(Attendance& who);
    void detach(const Attendance& who);
    bool is_shown_by(const Attendance& who) const { return shown_by_ == &who; }
    bool is_shown() const { return shown_by_ != nullptr; }

    /// From the browser. Errc::invalid: it broke the rules.
    Result<> hear(const net::Message& message);
    /// The browser has closed the connection and does not come back.
    void leave();
    /// Writes to the connection until that is not to be used any more.
    Task<> speak(Attendance& who);

    /// The shell is hung up, and may still say how it ended. The first reason counts.
    void hang_up(Ending why);
    /// Nothing more goes either way.
    void cut(Ending why);
    /// Cuts off a connection that has not ended by itself.
    void drop_browser();

    const Seat& seat() const { return *seat_; }
    const SeatPtr& shared_seat() const { return seat_; }
    const Ending& ending() const { return ending_; }
    bool is_cut() const { return cut_; }
    const Room& room() const { return room_; }

private:
    Task<> pump(TaskGroup& group);
    Task<> feed();
    Task<> watch();
    Task<> keep_time();
    Task<bool> say_next(Attendance& who);
    Result<> take(proto::TerminalReader& reader, std::string_view bytes);
    void end(Ending why);
    void tell();
    std::optional<Steady::time_point> next_deadline() const;

    Executor executor_;
    SeatPtr seat_;
    TerminalOptions options_;
    stream::Stream stream_;
    Room room_;
    Event space_, input_, changed_;
    std::optional<proto::TerminalSize> size_; // to be told
    Attendance* shown_by_ = nullptr;
    Steady::time_point away_since_ = Steady::now();
    std::optional<Steady::time_point> hung_up_, until_;
    std::string secret_hash_, old_secret_hash_;
    Ending ending_;
    bool heard_ = false; // something from the server
    bool over_ = false;
    bool cut_ = false;
    bool told_ = false;
};

} // namespace fairlead::terminal
