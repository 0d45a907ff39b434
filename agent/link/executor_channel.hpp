/// The local socket to the executor: frames of four bytes of length and that much JSON
/// (proto/README.md section 9).
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/runtime/result.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace fairlead::link {

inline constexpr const char* default_executor_socket = "/run/fairlead/executor.sock";

/// One connection at a time. One coroutine reads; any may send. Connecting starts the executor
/// (systemd).
class ExecutorChannel {
public:
    ExecutorChannel(Executor executor, std::string path);

    /// Errc::unavailable names socket and reason.
    Task<Result<>> connect();
    bool connected() const { return socket_.is_open(); }

    /// The next message. Errc::unavailable when the executor has gone, which it does when idle.
    Task<Result<std::string>> read();
    Task<Result<>> send(std::string_view body);

    void close();

private:
    Task<Result<>> read_exactly(char* into, std::size_t size);

    std::string path_;
    asio::local::stream_protocol::socket socket_;
    Event turn_; // notified when nobody sends
    bool sending_ = false;
};

} // namespace fairlead::link
