#include "controller/terminal/browser.hpp"

#include "controller/terminal/room.hpp"

#include <utility>

namespace fairlead::terminal {
namespace {

class Socket final : public Browser {
public:
    explicit Socket(net::WebSocket socket) : socket_(std::move(socket)) {}

    Task<Result<net::Message>> read() override { return socket_.read(); }
    Task<Result<>> write(net::MessageKind kind, std::string_view data) override {
        return socket_.write(kind, data);
    }
    Task<Result<>> ping() override { return socket_.ping(); }
    Task<> close(std::uint16_t code, std::string reason) override {
        return socket_.close(code, std::move(reason));
    }
    void abort() override { socket_.abort(); }
    std::uint16_t close_code() const override { return socket_.close_reason().code; }
    std::chrono::steady_clock::duration silence() const override {
        return std::chrono::steady_clock::now() - socket_.last_heard();
    }

private:
    net::WebSocket socket_;
};

} // namespace

std::unique_ptr<Browser> browser_of(net::WebSocket socket) {
    return std::make_unique<Socket>(std::move(socket));
}

net::WebSocketLimits browser_limits() {
    net::WebSocketLimits limits;
    limits.message_bytes = Room::input_window; // no more can be typed ahead anyway
    return limits;
}

} // namespace fairlead::terminal
