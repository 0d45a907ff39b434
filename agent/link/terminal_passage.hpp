/// One stream and the process of its terminal, which a connection to a local socket starts.
#pragma once

#include "agent/link/local_opening.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/result.hpp"
#include "common/stream/carrier.hpp"
#include "proto/messages.hpp"
#include "proto/terminal.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <string>

namespace fairlead::link {

inline constexpr const char* default_terminal_socket = "/run/fairlead/terminal.sock";

/// What the process says and hears passes through as it is; both directions are held against the
/// rules of a terminal's messages. Keeps no more than one piece each way.
class TerminalPassage {
public:
    /// `peer` and `both`, which inward() and outward() run in, outlive it.
    TerminalPassage(Executor executor, stream::Stream& peer, TaskGroup& both)
        : peer_(peer), both_(both), socket_(executor) {}

    /// See open_locally().
    Task<Result<std::optional<StreamRefusal>>>
    open(std::string path, proto::TerminalPurpose wanted);

    /// From the link to the terminal. The opener's end is a hang-up.
    Task<> inward();
    /// From the terminal to the link.
    Task<> outward();

private:
    void broken(const Error& error);

    stream::Stream& peer_;
    TaskGroup& both_;
    asio::local::stream_protocol::socket socket_;
};

} // namespace fairlead::link
