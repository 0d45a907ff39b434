/// Asking a process that a connection to a local socket starts, for a terminal or for some of a
/// log, whether it opens what a stream is for.
#pragma once

#include "common/async/task.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <string>

namespace fairlead::link {

/// Why a stream is reset, for its opener and our log.
struct StreamRefusal {
    proto::StreamEnd code = proto::StreamEnd::not_offered;
    std::string reason;
};

/// Where it answers, and what people call it.
struct LocalService {
    LocalService(std::string socket, std::string called, std::string in_systemd)
        : path(std::move(socket)), name(std::move(called)), unit(std::move(in_systemd)) {}

    std::string path;
    std::string name; ///< "Terminals"
    std::string unit; ///< "fairlead-terminal"
};

/// Connects and sends `body` as a frame. Nothing: it is open, and the socket carries what follows.
/// An error is one of ours (Errc::unavailable, Errc::forbidden).
Task<Result<std::optional<StreamRefusal>>>
open_locally(asio::local::stream_protocol::socket& socket, LocalService service, std::string body);

} // namespace fairlead::link
