#include "agent/link/terminal_passage.hpp"

#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <unistd.h>

namespace fairlead::link {

namespace {

using Local = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece = 16 * 1024;
constexpr std::size_t largest_answer = 4096;

tl::unexpected<Error> gone() {
    return fail(
        Errc::unavailable, "The terminal's process ended without an answer. Look at: journalctl -u "
                           "'fairlead-terminal@*'"
    );
}

} // namespace

Task<Result<>> TerminalPassage::connect(const std::string& path) {
    Local::endpoint where(path);
    auto connected = co_await socket_.async_connect(where, as_result);
    auto failed = std::get<0>(connected);
    if (failed)
        co_return fail(
            Errc::unavailable, "Terminals cannot be reached at " + path + ": " + failed.message() +
                                   ". Look at: systemctl status fairlead-terminal.socket"
        );
    // Whoever puts a socket there would hear what is typed (executor_channel.cpp).
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
        (who.uid != 0 && who.uid != ::geteuid()))
        co_return fail(
            Errc::forbidden, path + " is not of the agent's terminals: it belongs to the user " +
                                 std::to_string(who.uid) + "."
        );
    co_return Result<>();
}

Task<Result<std::optional<StreamRefusal>>>
TerminalPassage::open(std::string path, proto::TerminalPurpose wanted) {
    FAIRLEAD_CO_CHECK(co_await connect(path));
    auto body = proto::write_text(wanted);
    std::string frame;
    for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift & 0xFF);
    frame += body;
    auto sent = co_await asio::async_write(socket_, asio::buffer(frame), as_result);
    if (std::get<0>(sent)) co_return gone();
    unsigned char head[4];
    auto got = co_await asio::async_read(socket_, asio::buffer(head), as_result);
    if (std::get<0>(got)) co_return gone();
    std::size_t size = std::size_t(head[0]) << 24 | std::size_t(head[1]) << 16 |
                       std::size_t(head[2]) << 8 | head[3];
    if (size == 0 || size > largest_answer)
        co_return fail(Errc::unavailable, "The terminal's process answered what makes no sense.");
    std::string text(size, '\0');
    auto room = asio::buffer(text);
    got = co_await asio::async_read(socket_, room, as_result);
    if (std::get<0>(got)) co_return gone();
    auto answer = proto::read_text<proto::TerminalAnswer>(text);
    if (!answer) co_return fail(Errc::unavailable, answer.error().message());
    std::optional<StreamRefusal> refusal;
    if (answer->code != 0) {
        refusal.emplace();
        refusal->code = static_cast<proto::StreamEnd>(answer->code);
        refusal->reason = answer->reason;
    }
    co_return refusal;
}

void TerminalPassage::broken(const Error& error) {
    log::warning("a terminal's stream was reset", {{"reason", error.message()}});
    peer_.reset(static_cast<std::uint32_t>(stream::ResetCode::cancelled), error.message());
    both_.cancel();
}

/// A process that hears no more may still have its last words to say.
Task<> TerminalPassage::inward() {
    proto::TerminalReader reader(proto::TerminalSide::controller);
    bool deaf = false;
    for (;;) {
        auto bytes = co_await peer_.read(piece);
        if (!bytes) co_return both_.cancel();
        if (bytes->empty()) {
            boost::system::error_code ignored;
            socket_.shutdown(Local::socket::shutdown_send, ignored);
            co_await peer_.ended(); // a reset also ends the wait for the terminal's end
            co_return both_.cancel();
        }
        for (std::string_view left = *bytes; !left.empty();)
            if (auto part = reader.next(left); !part) co_return broken(part.error());
        if (deaf) continue;
        auto buffer = asio::buffer(*bytes);
        auto written = co_await asio::async_write(socket_, buffer, as_result);
        deaf = bool(std::get<0>(written));
    }
}

Task<> TerminalPassage::outward() {
    proto::TerminalReader reader(proto::TerminalSide::agent);
    for (;;) {
        // Most terminals are quiet most of the time, and have no buffer then.
        auto ready = co_await socket_.async_wait(Local::socket::wait_read, as_result);
        if (std::get<0>(ready)) co_return both_.cancel();
        std::string buffer(piece, '\0');
        auto room = asio::buffer(buffer);
        auto got = co_await socket_.async_read_some(room, as_result);
        auto failed = std::get<0>(got);
        if (failed) {
            // Without a word about its end it was killed, or has failed.
            if (reader.ended()) co_return peer_.close();
            peer_.reset(
                static_cast<std::uint32_t>(proto::StreamEnd::failed),
                "The terminal's process ended without a word; the server's log says why."
            );
            log::error("a terminal's process ended without a word", {{"reason", failed.message()}});
            co_return both_.cancel();
        }
        auto bytes = std::string_view(buffer).substr(0, std::get<1>(got));
        for (auto left = bytes; !left.empty();)
            if (auto part = reader.next(left); !part) co_return broken(part.error());
        auto sent = co_await peer_.write(bytes);
        if (!sent) co_return both_.cancel();
    }
}

} // namespace fairlead::link
