/// Browsers' terminals: from the ticket to the end.
#pragma once

#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_pool.hpp"
#include "common/stream/carrier.hpp"
#include "controller/api/response.hpp"
#include "controller/terminal/browser.hpp"
#include "controller/terminal/directory.hpp"
#include "controller/terminal/ending.hpp"
#include "controller/terminal/journal.hpp"
#include "controller/terminal/messages.hpp"
#include "controller/terminal/tickets.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace fairlead::terminal {

class Live;
struct Attendance;

struct TerminalOptions {
    TerminalOptions() = default;

    std::chrono::milliseconds first_message{10'000}; ///< from the WebSocket to the ticket
    std::chrono::milliseconds patience{60'000};      ///< for a browser whose connection broke
    std::chrono::milliseconds hang_up{5'000};        ///< for the server to end what was hung up
    std::chrono::milliseconds goodbye{1'000};        ///< to hear of a terminal that was cut
    std::chrono::milliseconds ping_after{15'000};    ///< of nothing to say
    std::chrono::milliseconds give_up_after{45'000}; ///< of silence
    std::size_t without_ticket = 256;                ///< connections that have shown none yet
};

/// All of it on the executor's thread, but for what says otherwise. stop() before it is destroyed.
class Terminals {
public:
    /// A stream to a shell on the seat's server. Errc::unavailable with a code.
    using Opener = std::function<Task<Result<stream::Stream>>(SeatPtr)>;
    struct Parts {
        Executor executor;
        WorkerPool& pool;
        const Clock& clock;
        Journal& journal;
        Directory& directory;
        const Tickets& tickets;
        Opener opener;
    };
    explicit Terminals(Parts parts, TerminalOptions options = TerminalOptions());
    Terminals(const Terminals&) = delete;
    ~Terminals();

    /// One connection, until it ends. Close codes are README.md's.
    Task<> serve(std::shared_ptr<const api::SocketOffer> offer, std::unique_ptr<Browser> browser);

    /// Ends one that was opened, within a second. Thread-safe.
    void cut(const TerminalId& id, Ending why);
    /// Whoever had this bond may not any more what they could: theirs end. Thread-safe.
    void end_bond(const std::string& bond);

    /// Ends all, and waits until that is written down.
    Task<> stop();

    std::size_t open() const { return lives_.size(); }

private:
    using LivePtr = std::shared_ptr<Live>;
    Task<Result<LivePtr>> enter(const api::SocketOffer& offer, Said& said, Attendance& who);
    Task<Result<LivePtr>> open_new(const api::SocketOffer& offer, Said& said, Attendance& who);
    Result<LivePtr> resume(const api::SocketOffer& offer, const Said& said, Attendance& who);
    Task<> converse(const api::SocketOffer& offer, Attendance& who);
    Task<> attend(LivePtr live, Attendance& who);
    Task<Result<Said>> hear_first(Browser& browser);
    Task<> listen(Live& live, Attendance& who);
    Task<> run(LivePtr live);
    Task<Result<>> write_down(SeatPtr seat);
    Task<> write_end(SeatPtr seat, Ending why, std::chrono::steady_clock::time_point since);
    Task<> hurry(LivePtr live);
    void cut_now(const TerminalId& id, Ending why);

    Parts parts_;
    TerminalOptions options_;
    TaskGroup group_;
    std::map<TerminalId, LivePtr> lives_;
    /// Between ticket and stream, with why they are not to be opened after all.
    std::map<TerminalId, std::optional<Ending>> opening_;
    std::size_t without_ticket_ = 0;
    bool stopping_ = false;
};

} // namespace fairlead::terminal
