/// The agent's end of streams: bytes between the link and what they were opened for on this server,
/// ports of environments, sshd, terminals, logs, captured mail and recordings.
#pragma once

#include "agent/link/log_passage.hpp"
#include "agent/link/stream_keys.hpp"
#include "agent/link/terminal_passage.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/stream/carrier.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::link {

/// Where processes answer that a connection starts.
struct TunnelSockets {
    std::string terminals = default_terminal_socket;
    std::string logs = default_logs_socket;
    std::string mailbox = default_mailbox_socket;
    std::string recordings = default_recordings_socket;
};

/// Outlives links: a short cut interrupts no transfer. A stream is opened by a capability alone
/// (stream_keys.hpp), and reaches what the executor's last inventory named, on 127.0.0.1 (ports of
/// environments, and sshd's), or the process of a terminal or a reading, which decides for itself,
/// and nothing else, whatever the controller asks for. Single-threaded.
class Tunnel {
public:
    /// `server` is our own id; `clock` outlives the tunnel.
    Tunnel(
        Executor executor, std::string server, const Clock& clock,
        TunnelSockets sockets = TunnelSockets()
    );

    /// What can be reached from now on. Streams that are open to what cannot be reached any more
    /// end.
    void take(const proto::Inventory& inventory);

    /// The keys that count from now on; when they make no sense none does, and the log says so.
    /// What was opened under another one ends.
    void take(const proto::TunnelKeys& keys);
    /// The same for keys that the policy pins.
    void pin(std::optional<std::vector<std::string>> keys);

    /// For the link.
    stream::Carrier& streams() { return streams_; }

    /// Gives streams up that wait too long for a link. Runs until it is cancelled, and then ends
    /// everything that is open.
    Task<> run();

private:
    struct Passage;
    struct Goal;
    struct Opened;
    void accept(stream::Stream stream);
    Task<> serve(stream::Stream stream);
    Task<> serve_port(stream::Stream& stream, const Goal& goal);
    Task<> serve_terminal(stream::Stream& stream, const Goal& goal);
    Task<> serve_log(stream::Stream& stream, const Goal& goal);
    Task<> serve_mail(stream::Stream& stream, const Goal& goal);
    Task<> serve_recording(stream::Stream& stream, const Goal& goal);
    template <class Way, class Wanted>
    Task<std::optional<StreamRefusal>>
    pass_locally(stream::Stream& stream, const Goal& goal, std::string socket, Wanted wanted);
    Task<> join(Opened& opened);
    tl::expected<Goal, StreamRefusal> goal_of(std::string_view text);
    tl::expected<Goal, StreamRefusal> goal_of(const boost::json::object& members) const;
    std::optional<StreamRefusal> refusal_of(const Goal& goal) const;
    void end_what_may_not_stay();
    std::string slug_of(const std::string& environment) const;
    bool offers(const std::string& environment, std::uint16_t port) const;

    Executor executor_;
    const Clock& clock_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    StreamKeys keys_;
    std::map<std::string, std::vector<std::uint16_t>> doors_; // by environment
    std::map<std::string, std::string> slugs_;                // of every environment here, by id
    std::uint16_t ssh_port_ = 0;                              // 0: none
    TunnelSockets sockets_;
    // Open, or being opened; a recording is a log.
    std::size_t terminals_ = 0, logs_ = 0, mails_ = 0;
    std::vector<Opened*> opened_; // what serve() has open
    TaskGroup children_;
    stream::Carrier streams_;
};

} // namespace fairlead::link
