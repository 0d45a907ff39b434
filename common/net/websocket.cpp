#include "common/async/task_group.hpp"
#include "common/net/websocket_impl.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <array>

namespace fairlead::net {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ws = boost::beast::websocket;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t least_read = 1024, most_read = 64 * 1024;
/// A client masks a message in pieces of this size, and each is a write of its own.
constexpr std::size_t masked_at_once = 32 * 1024;

using Socket = ws::stream<TlsStream&, false>;
using Clock = std::chrono::steady_clock;

void prepare(Socket& socket, const WebSocketLimits& limits) {
    ws::permessage_deflate off;
    off.client_enable = off.server_enable = false;
    socket.set_option(off);
    ws::stream_base::timeout none{};
    none.handshake_timeout = none.idle_timeout = ws::stream_base::none();
    none.keep_alive_pings = false;
    socket.set_option(none);
    socket.read_message_max(limits.message_bytes);
    socket.auto_fragment(false);
    socket.write_buffer_bytes(masked_at_once);
}

http::request<http::string_body> as_beast(const HttpRequest& request) {
    http::request<http::string_body> copy(http::verb::get, request.target, 11);
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        auto name = request.headers.name(i);
        if (name == "connection" || name == "upgrade" || name == "host" ||
            name.starts_with("sec-websocket-"))
            copy.insert(std::string(name), std::string(request.headers.value(i)));
    }
    return copy;
}

} // namespace

struct WebSocket::Impl {
    Impl(std::shared_ptr<TlsStream> over, WebSocketLimits wanted)
        : stream(std::move(over)), socket(*stream), limits(wanted), heard(Clock::now()) {
        prepare(socket, limits);
        stream->limit_unsent(static_cast<int>(limits.unsent_bytes));
        socket.control_callback([this](ws::frame_type, std::string_view) { heard = Clock::now(); });
    }

    Error ended(const error_code& ec);
    Task<> close_by_hand(std::uint16_t code, std::string_view text);

    std::shared_ptr<TlsStream> stream;
    Socket socket;
    WebSocketLimits limits;
    std::shared_ptr<const PeerInfo> peer;
    CloseReason reason;
    Clock::time_point heard;
    std::array<char, 32> first{};
    bool client = false;
    bool mid_write = false; // a frame was begun and not finished
};

/// Beast counts a socket whose read was cancelled as failed, but its outgoing side is whole: our
/// own close frame can still go out. The peer's answer is not looked at, only awaited, so that it
/// sees the frame before the end.
Task<> WebSocket::Impl::close_by_hand(std::uint16_t code, std::string_view text) {
    text = text.substr(0, 123);
    std::string frame = {'\x88', static_cast<char>((client ? 0x80 : 0) | (2 + text.size()))};
    if (client) frame.append(4, '\0'); // a mask of zeros leaves the payload as it is
    frame += static_cast<char>(code >> 8);
    frame += static_cast<char>(code & 0xff);
    frame += text;
    stream->set_deadline(limits.close_time);
    error_code ec;
    co_await stream->write_all(frame, {}, ec);
    error_code ignored;
    if (!ec) stream->socket().shutdown(asio::socket_base::shutdown_send, ignored);
    char dropped[512];
    for (int i = 0; !ec && i < 1000; ++i) {
        auto size = co_await stream->read_some(dropped, sizeof dropped, ec);
        if (size == 0) break;
    }
}

Error WebSocket::Impl::ended(const error_code& ec) {
    if (ec == ws::error::closed) {
        reason.code = socket.reason().code;
        reason.text = std::string(socket.reason().reason.data(), socket.reason().reason.size());
        return Error(
            Errc::unavailable, "The other side closed the connection (" +
                                   std::to_string(reason.code) +
                                   (reason.text.empty() ? ")." : ", '" + reason.text + "').")
        );
    }
    if (ec == ws::error::message_too_big) {
        reason.code = 1009;
        return Error(
            Errc::invalid,
            "A message of more than " + std::to_string(limits.message_bytes) + " bytes came."
        );
    }
    if (ec == ws::condition::protocol_violation || ec == ws::error::bad_frame_payload) {
        reason.code = 1002;
        return Error(
            Errc::invalid, "The other side broke the WebSocket protocol: " + ec.message() + "."
        );
    }
    return stream->failure(ec);
}

WebSocket::WebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
    if (this != &other) {
        abort();
        impl_ = std::move(other.impl_);
    }
    return *this;
}
WebSocket::~WebSocket() {
    abort();
}

Task<Result<Message>> WebSocket::read() {
    auto& self = *impl_;
    Message message;
    // While nothing comes, a few bytes are all that waits for it, and one place in the frame:
    // thousands of links are idle most of the time.
    asio::mutable_buffer room = asio::buffer(self.first);
    for (std::size_t filled = 0;;) {
        auto [ec, size] = co_await self.socket.async_read_some(room, as_result);
        if (ec) co_return fail(self.ended(ec));
        if (room.data() == self.first.data())
            message.data.assign(self.first.data(), size);
        else
            message.data.resize(filled + size);
        if (self.socket.is_message_done()) break;
        filled = message.data.size();
        auto more = std::clamp(self.socket.read_size_hint(least_read), least_read, most_read);
        message.data.resize(filled + more);
        room = asio::buffer(message.data.data() + filled, more);
    }
    self.heard = Clock::now();
    message.kind = self.socket.got_text() ? MessageKind::text : MessageKind::binary;
    co_return message;
}

Task<Result<>> WebSocket::write(MessageKind kind, std::string_view data) {
    auto& self = *impl_;
    if (!self.socket.is_open()) co_return fail(self.stream->failure({}));
    self.socket.text(kind == MessageKind::text);
    self.stream->set_deadline(self.limits.write_time);
    self.mid_write = true;
    auto bytes = asio::const_buffer(data.data(), data.size());
    auto [ec, size] = co_await self.socket.async_write(bytes, as_result);
    self.stream->clear_deadline();
    if (ec) {
        self.stream->close();
        co_return fail(self.ended(ec));
    }
    self.mid_write = false;
    co_return Result<>();
}

Task<Result<>> WebSocket::ping() {
    auto& self = *impl_;
    self.stream->set_deadline(self.limits.write_time);
    ws::ping_data empty;
    auto [ec] = co_await self.socket.async_ping(empty, as_result);
    self.stream->clear_deadline();
    if (ec) co_return fail(self.ended(ec));
    co_return Result<>();
}

Task<> WebSocket::close(std::uint16_t code, std::string reason) {
    auto& self = *impl_;
    if (self.socket.is_open()) {
        ws::close_reason said(static_cast<ws::close_code>(code));
        said.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 123));
        self.stream->set_deadline(self.limits.close_time);
        auto closed = co_await self.socket.async_close(said, as_result);
        static_cast<void>(closed);
    } else if (self.reason.code == 1006 && !self.mid_write && self.stream->is_open()) {
        co_await self.close_by_hand(code, reason);
    }
    if (self.reason.code == 1006) {
        self.reason.code = code;
        self.reason.text = std::move(reason);
    }
    abort();
}

void WebSocket::abort() {
    if (impl_) impl_->stream->close();
}

const PeerInfo& WebSocket::peer() const {
    return *impl_->peer;
}
const CloseReason& WebSocket::close_reason() const {
    return impl_->reason;
}
Clock::time_point WebSocket::last_heard() const {
    return impl_->heard;
}

Task<Result<WebSocket>> accept_websocket(
    std::shared_ptr<TlsStream> stream, HttpRequest request, Headers extra, WebSocketLimits limits
) {
    auto impl = std::make_unique<WebSocket::Impl>(stream, limits);
    impl->peer = request.peer;
    auto decorate = [&extra](ws::response_type& answer) {
        for (std::size_t i = 0; i < extra.size(); ++i)
            answer.insert(std::string(extra.name(i)), std::string(extra.value(i)));
    };
    impl->socket.set_option(ws::stream_base::decorator(decorate));
    auto copy = as_beast(request);
    stream->set_deadline(limits.write_time);
    auto [ec] = co_await impl->socket.async_accept(copy, as_result);
    stream->clear_deadline();
    if (ec) co_return fail(stream->failure(ec));
    impl->heard = Clock::now();
    co_return WebSocket(std::move(impl));
}

Task<Result<WebSocket>>
WebSocket::connect(Endpoint to, TlsClientContext& tls, WebSocketLimits limits) {
    auto connected = co_await connect_tls(to.host, to.port, to.alpn, tls, limits.handshake_time);
    if (!connected) co_return fail(std::move(connected).error());
    auto stream = connected->stream;
    auto impl = std::make_unique<WebSocket::Impl>(stream, limits);
    impl->peer = std::make_shared<PeerInfo>(std::move(connected->peer));
    impl->client = true;
    auto host = to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]";
    ws::response_type answer;
    stream->set_deadline(limits.handshake_time);
    auto [ec] = co_await impl->socket.async_handshake(answer, host, to.path, as_result);
    stream->clear_deadline();
    if (ec == ws::error::upgrade_declined) {
        auto status = answer.result_int();
        auto kind = status == 401 || status == 403 ? Errc::forbidden : Errc::unavailable;
        co_return fail(
            kind, to.host + " answered " + std::to_string(status) + " instead of opening the link.",
            answer.body().substr(0, 500)
        );
    }
    if (ec) co_return fail(stream->failure(ec));
    impl->heard = Clock::now();
    co_return WebSocket(std::move(impl));
}

} // namespace fairlead::net
