#include "agent/link/executor_channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

namespace fairlead::link {

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t largest_frame = 1 << 20;

} // namespace

ExecutorChannel::ExecutorChannel(Executor executor, std::string path)
    : path_(std::move(path)), socket_(executor), turn_(executor) {}

Task<Result<>> ExecutorChannel::connect() {
    close();
    asio::local::stream_protocol::endpoint where(path_);
    auto connected = co_await socket_.async_connect(where, as_result);
    auto failed = std::get<0>(connected);
    if (!failed) {
        // Whoever could put a socket there could ask anything of us, so it must be root's, or ours
        // in a test.
        ucred who{};
        socklen_t size = sizeof who;
        if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
            (who.uid != 0 && who.uid != ::geteuid())) {
            close();
            co_return fail(
                Errc::forbidden, path_ + " is not the executor's: it belongs to the user " +
                                     std::to_string(who.uid) + "."
            );
        }
        co_return Result<>();
    }
    close();
    co_return fail(
        Errc::unavailable, "The executor cannot be reached at " + path_ + ": " + failed.message() +
                               ". Look at: systemctl status fairlead-executor.socket"
    );
}

Task<Result<>> ExecutorChannel::read_exactly(char* into, std::size_t size) {
    auto got = co_await asio::async_read(socket_, asio::buffer(into, size), as_result);
    if (!std::get<0>(got)) co_return Result<>();
    close();
    co_return fail(Errc::unavailable, "The executor has gone.");
}

Task<Result<std::string>> ExecutorChannel::read() {
    unsigned char head[4];
    auto got = co_await read_exactly(reinterpret_cast<char*>(head), sizeof head);
    if (!got) co_return fail(std::move(got).error());
    std::size_t size = std::size_t(head[0]) << 24 | std::size_t(head[1]) << 16 |
                       std::size_t(head[2]) << 8 | head[3];
    if (size == 0 || size > largest_frame) {
        close();
        co_return fail(
            Errc::invalid, "The executor sent a frame of " + std::to_string(size) + " bytes."
        );
    }
    std::string body(size, '\0');
    got = co_await read_exactly(body.data(), size);
    if (!got) co_return fail(std::move(got).error());
    co_return body;
}

Task<Result<>> ExecutorChannel::send(std::string_view body) {
    std::string frame;
    frame.reserve(4 + body.size());
    for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift);
    frame += body;
    while (sending_) co_await turn_.wait();
    sending_ = true;
    auto sent = co_await asio::async_write(socket_, asio::buffer(frame), as_result);
    sending_ = false;
    turn_.notify();
    if (!std::get<0>(sent)) co_return Result<>();
    close();
    co_return fail(Errc::unavailable, "The executor has gone.");
}

void ExecutorChannel::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

} // namespace fairlead::link
