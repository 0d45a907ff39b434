/// One stream and the process that reads a log or captured mail for it, which a connection to a
/// local socket starts.
#pragma once

#include "agent/link/local_opening.hpp"
#include "common/async/task_group.hpp"
#include "common/stream/carrier.hpp"
#include "proto/log.hpp"
#include "proto/mail.hpp"
#include "proto/recording.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <string>

namespace fairlead::link {

inline constexpr const char* default_logs_socket = "/run/fairlead/logs.sock";
inline constexpr const char* default_mailbox_socket = "/run/fairlead/mailbox.sock";
inline constexpr const char* default_recordings_socket = "/run/fairlead/recordings.sock";

/// Of a log, of captured mail, or of recordings. What the process reads passes through unread.
/// Keeps no more than one piece of it: the process waits while the stream takes nothing.
class LogPassage {
public:
    /// `peer` and `both`, which inward() and outward() run in, outlive it.
    LogPassage(Executor executor, stream::Stream& peer, TaskGroup& both)
        : peer_(peer), both_(both), socket_(executor) {}

    /// See open_locally().
    Task<Result<std::optional<StreamRefusal>>> open(std::string path, proto::LogOpening wanted);
    Task<Result<std::optional<StreamRefusal>>> open(std::string path, proto::MailOpening wanted);
    Task<Result<std::optional<StreamRefusal>>>
    open(std::string path, proto::RecordingPurpose wanted);

    /// The opener says nothing more; its reset ends both.
    Task<> inward();
    Task<> outward();

private:
    stream::Stream& peer_;
    TaskGroup& both_;
    asio::local::stream_protocol::socket socket_;
};

} // namespace fairlead::link
