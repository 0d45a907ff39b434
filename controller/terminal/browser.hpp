/// A browser's WebSocket as terminals use it.
#pragma once

#include "common/async/task.hpp"
#include "common/net/websocket.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::terminal {

/// net::WebSocket, whose rules hold here; tests have another one.
class Browser {
public:
    virtual ~Browser() = default;
    virtual Task<Result<net::Message>> read() = 0;
    virtual Task<Result<>> write(net::MessageKind kind, std::string_view data) = 0;
    virtual Task<Result<>> ping() = 0;
    virtual Task<> close(std::uint16_t code, std::string reason) = 0;
    virtual void abort() = 0;
    /// Of the peer's close frame; 1006 where there was none.
    virtual std::uint16_t close_code() const = 0;
    /// How long nothing has come from it.
    virtual std::chrono::steady_clock::duration silence() const = 0;
};

std::unique_ptr<Browser> browser_of(net::WebSocket socket);

/// What the listener makes such sockets with.
net::WebSocketLimits browser_limits();

} // namespace fairlead::terminal
