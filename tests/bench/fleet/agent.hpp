/// One agent as far as a controller can tell: its own key and certificate, the real link with
/// heartbeats and facts, and an answer to each operation. Everything on one thread.
#pragma once

#include "agent/link/backoff.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/net/websocket.hpp"
#include "proto/messages.hpp"
#include "tests/bench/fleet/numbers.hpp"

#include <deque>
#include <optional>
#include <string>

namespace fairlead::bench {

/// What all agents share.
struct Fleet {
    explicit Fleet(Executor on) : executor(on), group(on), changed(on) {}

    Executor executor;
    net::Endpoint controller;
    TaskGroup group;
    Event changed;         ///< something was counted
    std::size_t slots = 0; ///< who may still dial; only counts while `limited`
    bool limited = false;  ///< no more than `slots` dial at once
    bool facts = true;     ///< sent after the welcome and then as the welcome asks
    int journal = -1;      ///< file descriptor: reports are made durable there, as an executor does
    std::size_t online = 0;
    std::size_t resumed = 0; ///< links that came by a session ticket
    std::size_t failed = 0;  ///< tries that did not end in a welcome
    std::string failure;     ///< the last one
    std::size_t pings = 0;
    std::size_t operations = 0;
    std::vector<double> dial_times; ///< TCP to welcome
    std::vector<double> outages;    ///< link lost to welcome
};

class FakeAgent {
public:
    FakeAgent(Fleet& fleet, net::TlsClientContext tls, std::string name);

    /// Comes and comes back until it is told to leave.
    void start();
    /// The link breaks; the agent notices and comes back.
    void cut();
    /// Hangs up for good, until start().
    void leave();
    /// The next dial is a full handshake.
    void forget_session() { tls_.forget_sessions(); }
    /// Now and then: heartbeat and facts, where due.
    void tick(Steady::time_point now);

    bool online() const { return online_; }
    bool running() const { return running_; }

private:
    Task<> live();
    Task<Result<>> dial();
    Task<Result<>> greet();
    Task<> read();
    void handle(const proto::ToAgent& message);
    void answer(const proto::Operation& operation);
    void report(std::vector<proto::Report> reports);
    void send(const proto::FromAgent& message);
    void start_writer();
    Task<> write();
    proto::FactsMessage facts() const;

    Fleet& fleet_;
    net::TlsClientContext tls_;
    std::string name_;
    link::Backoff backoff_;
    std::optional<net::WebSocket> socket_;
    std::deque<std::string> queue_;
    Event written_;
    std::uint64_t last_seq_ = 0, acknowledged_ = 0, fence_ = 0;
    std::chrono::seconds heartbeat_{15}, facts_every_{30};
    Steady::time_point facts_at_{}, lost_at_{};
    bool running_ = false, leaving_ = false, online_ = false, writing_ = false, ping_ = false;
    bool came_before_ = false;
};

} // namespace fairlead::bench
