#include "agent/link/log_passage.hpp"

#include "agent/link/local_pieces.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead::link {
namespace {

using Local = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece = 16 * 1024;

} // namespace

Task<Result<std::optional<StreamRefusal>>>
LogPassage::open(std::string path, proto::LogOpening wanted) {
    auto service = LocalService(std::move(path), "Logs", "fairlead-logs");
    auto body = proto::write_text(wanted);
    auto opened = co_await open_locally(socket_, std::move(service), std::move(body));
    co_return opened;
}

Task<Result<std::optional<StreamRefusal>>>
LogPassage::open(std::string path, proto::MailOpening wanted) {
    auto service = LocalService(std::move(path), "Captured mail", "fairlead-mailbox");
    auto body = proto::write_text(wanted);
    auto opened = co_await open_locally(socket_, std::move(service), std::move(body));
    co_return opened;
}

Task<Result<std::optional<StreamRefusal>>>
LogPassage::open(std::string path, proto::RecordingPurpose wanted) {
    auto service = LocalService(std::move(path), "Recordings", "fairlead-recordings");
    auto body = proto::write_text(wanted);
    auto opened = co_await open_locally(socket_, std::move(service), std::move(body));
    co_return opened;
}

Task<> LogPassage::inward() {
    for (;;) {
        auto bytes = co_await peer_.read(piece);
        if (!bytes) co_return both_.cancel();
        if (!bytes->empty()) {
            constexpr std::string_view why = "Nothing is said to what is read.";
            peer_.reset(static_cast<std::uint32_t>(stream::ResetCode::cancelled), why);
            co_return both_.cancel();
        }
        co_await peer_.ended();
        co_return both_.cancel();
    }
}

Task<> LogPassage::outward() {
    bool whole = false;
    LocalPieces pieces(socket_);
    for (;;) {
        auto failed = co_await pieces.next(stream::Limits().quantum);
        if (failed == asio::error::operation_aborted) co_return both_.cancel();
        if (failed) {
            if (whole) co_return peer_.close();
            // It was killed, or has failed.
            peer_.reset(
                static_cast<std::uint32_t>(proto::StreamEnd::failed),
                "The process that reads it ended without a word; the server's log says why."
            );
            log::error(
                "the process of a reading ended without a word", {{"reason", failed.message()}}
            );
            co_return both_.cancel();
        }
        whole = pieces.bytes().ends_with(proto::log_whole);
        auto sent = co_await peer_.write(pieces.bytes());
        if (!sent) co_return both_.cancel();
    }
}

} // namespace fairlead::link
