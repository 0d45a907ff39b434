#include "agent/link/terminal_passage.hpp"

#include "agent/link/local_pieces.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace fairlead::link {

namespace {

using Local = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece = 16 * 1024;

} // namespace

Task<Result<std::optional<StreamRefusal>>>
TerminalPassage::open(std::string path, proto::TerminalPurpose wanted) {
    auto service = LocalService(std::move(path), "Terminals", "fairlead-terminal");
    auto body = proto::write_text(wanted);
    auto opened = co_await open_locally(socket_, std::move(service), std::move(body));
    co_return opened;
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
    LocalPieces pieces(socket_);
    for (;;) {
        auto failed = co_await pieces.next(stream::Limits().quantum);
        if (failed == asio::error::operation_aborted) co_return both_.cancel();
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
        for (auto left = pieces.bytes(); !left.empty();)
            if (auto part = reader.next(left); !part) co_return broken(part.error());
        auto sent = co_await peer_.write(pieces.bytes());
        if (!sent) co_return both_.cancel();
    }
}

} // namespace fairlead::link
