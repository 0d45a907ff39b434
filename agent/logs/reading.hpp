/// One reading of a log, from its first entry to its last: a pump between journalctl and the link.
#pragma once

#include "agent/logs/entry.hpp"
#include "agent/logs/journalctl.hpp"
#include "common/runtime/file.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::logs {

struct ReadingOptions {
    using Steady = std::chrono::steady_clock;

    bool text = false;       ///< lines for people
    bool back = false;       ///< journalctl goes into the past
    bool follows = false;    ///< no end of journalctl's is expected
    std::uint32_t lines = 0; ///< at most; 0: any number
    std::uint64_t bytes = 0; ///< the same
    std::int64_t since_us = 0, until_us = 0;
    std::string skip; ///< the entry with this cursor is left out
    /// Without an entry from journalctl, which is searching; 0: for ever.
    std::chrono::milliseconds quiet{0};
    std::chrono::milliseconds longest{0};    ///< altogether; 0: for ever
    std::chrono::milliseconds flush{60'000}; ///< for the last bytes to be taken
    std::function<bool()> allowed;           ///< by the policy as it is now; asked after a change
    int policy_fd = -1;                      ///< readable after a change
    int stop_fd = -1;                        ///< readable when this process is to end
};

/// Keeps a few pages whatever either side does: journalctl is read only when the socket has taken
/// what was read before, so that it waits in `write` for a reader that is slow. One thread.
class Reading {
public:
    /// `peer` is non-blocking.
    Reading(Descriptor peer, Journalctl journal, ReadingOptions options);

    /// Runs until all is told and the byte that says so, or nobody is there to hear it. Gives why
    /// it ended: "done", "lines", "bytes", "time", "policy", "stopped", "failed", "gone".
    std::string run();

    /// Of "failed": what journalctl complained of.
    const std::string& message() const { return message_; }
    std::uint64_t sent_entries() const { return count_; }

private:
    using Steady = ReadingOptions::Steady;

    void wait();
    int patience() const;
    void read_journal();
    void read_errors();
    void take(std::string_view bytes);
    void take_line(std::string_view line);
    void send();
    void look();
    void journal_ended();
    void end(std::string word, std::string message = {});
    void farewell();
    bool owes() const { return sent_ < out_.size(); }

    Descriptor peer_;
    std::optional<Journalctl> journal_;
    ReadingOptions options_;
    std::string line_; // of journalctl, while it is incomplete
    bool too_long_ = false;
    std::string out_; // for the peer
    std::size_t sent_ = 0;
    std::string complaint_;
    std::uint64_t count_ = 0, total_ = 0;
    bool readable_ = false, complains_ = false;
    Steady::time_point began_ = Steady::now(), heard_ = Steady::now();
    std::optional<Steady::time_point> look_at_; // at the policy, once it has settled
    std::string word_, message_;
};

} // namespace fairlead::logs
