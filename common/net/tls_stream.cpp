#include "common/net/tls_stream.hpp"

#include "common/net/tls_impl.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/tcp.h>

#include <cerrno>

namespace fairlead::net {

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

std::string address_text(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
}

} // namespace

TlsStream::TlsStream(asio::ip::tcp::socket socket, std::shared_ptr<Deadlines> deadlines)
    : socket_(std::move(socket)), deadlines_(std::move(deadlines)),
      notes_(std::make_unique<HandshakeNotes>()) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.native_non_blocking(true, ignored);
}

TlsStream::~TlsStream() {
    close();
}

void TlsStream::adopt(SslPtr ssl, bool client, std::string peer_name) {
    ssl_ = std::move(ssl);
    client_ = client;
    peer_name_ = std::move(peer_name);
    SSL_set_fd(ssl_.get(), static_cast<int>(socket_.native_handle()));
}

TlsStream::Tried TlsStream::judge(int returned, int saved_errno) {
    switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_NONE:
        return {Want::nothing, 0, {}};
    case SSL_ERROR_WANT_READ:
        return {Want::read, 0, {}};
    case SSL_ERROR_WANT_WRITE:
        return {Want::write, 0, {}};
    case SSL_ERROR_ZERO_RETURN:
        return {Want::nothing, 0, {}};
    default:
        break;
    }
    broken_ = true;
    // Browsers and curl often leave without close_notify. HTTP and WebSocket mark their own ends,
    // so that is an end here.
    auto reason = ERR_peek_error();
    bool just_gone = reason == 0 || ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    failure_ = std::make_unique<Error>(tls_error(
        notes_ ? *notes_ : HandshakeNotes(), client_, peer_name_, just_gone ? saved_errno : 0
    ));
    if (just_gone)
        return {
            Want::nothing, 0,
            saved_errno ? error_code(saved_errno, boost::system::system_category())
                        : error_code(asio::error::eof)};
    return {Want::nothing, 0, asio::error::connection_aborted};
}

TlsStream::Tried TlsStream::try_handshake() {
    if (timed_out_) return {Want::nothing, 0, asio::error::timed_out};
    ERR_clear_error();
    errno = 0;
    int returned = SSL_do_handshake(ssl_.get());
    if (returned == 1) return {};
    auto tried = judge(returned, errno);
    if (tried.want == Want::nothing && !tried.ec) tried.ec = asio::error::eof;
    return tried;
}

TlsStream::Tried TlsStream::try_read(void* into, std::size_t size) {
    if (timed_out_) return {Want::nothing, 0, asio::error::timed_out};
    if (!ssl_ || broken_ || !is_open()) return {Want::nothing, 0, asio::error::not_connected};
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    int returned = SSL_read_ex(ssl_.get(), into, size, &got);
    if (returned != 1) return judge(returned, errno);
    if (may_be_bulk_ && !bulk_ && got >= record / 2) {
        bulk_ = true;
        // From the next buffer on; idle links never get here, and keep none.
        SSL_set_default_read_buffer_len(ssl_.get(), 4 * record);
    }
    return {Want::nothing, got, {}};
}

TlsStream::Tried TlsStream::try_write(const void* from, std::size_t size) {
    if (timed_out_) return {Want::nothing, 0, asio::error::timed_out};
    if (!ssl_ || broken_ || !is_open()) return {Want::nothing, 0, asio::error::not_connected};
    if (size == 0) return {};
    ERR_clear_error();
    errno = 0;
    std::size_t sent = 0;
    int returned = SSL_write_ex(ssl_.get(), from, size, &sent);
    if (returned == 1) return {Want::nothing, sent, {}};
    auto tried = judge(returned, errno);
    if (tried.want == Want::nothing && !tried.ec) tried.ec = asio::error::broken_pipe;
    return tried;
}

TlsStream::Tried TlsStream::try_write_records(const char* from, std::size_t size) {
    auto all = try_write(from, size);
    while (all.want == Want::nothing && !all.ec && all.size < size) {
        auto more = try_write(from + all.size, size - all.size);
        if (more.want != Want::nothing || more.ec) break; // met again with the next write
        all.size += more.size;
    }
    return all;
}

error_code TlsStream::after_wait(error_code ec) const {
    if (ec == asio::error::operation_aborted && timed_out_) return asio::error::timed_out;
    return ec;
}

Task<error_code> TlsStream::wait_for(Want want) {
    auto kind = want == Want::read ? asio::socket_base::wait_read : asio::socket_base::wait_write;
    auto waited = co_await socket_.async_wait(kind, as_result);
    co_return after_wait(std::get<0>(waited));
}

Task<error_code> TlsStream::wait_for_first_byte() {
    return wait_for(Want::read);
}

Task<error_code> TlsStream::handshake() {
    for (;;) {
        auto tried = try_handshake();
        if (tried.want == Want::nothing) co_return tried.ec;
        auto ec = co_await wait_for(tried.want);
        if (ec) co_return ec;
    }
}

PeerInfo TlsStream::take_facts() {
    PeerInfo facts;
    error_code ec;
    auto remote = socket_.remote_endpoint(ec);
    if (!ec) {
        facts.address = address_text(remote.address());
        facts.port = remote.port();
    }
    const unsigned char* alpn = nullptr;
    unsigned alpn_size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &alpn, &alpn_size);
    facts.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
    may_be_bulk_ = facts.alpn == agent_alpn;
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
        name && !client_) {
        facts.server_name = name;
        for (auto& c : facts.server_name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    facts.tls_version = SSL_get_version(ssl_.get());
    facts.resumed = SSL_session_reused(ssl_.get()) == 1;
    if (X509Ptr certificate{SSL_get1_peer_certificate(ssl_.get())})
        facts.certificate = facts_of(*certificate);
    else if (!client_)
        facts.certificate = certificate_of_session(*ssl_);
    if (!client_) {
        attach_notes(*ssl_, nullptr);
        notes_.reset();
        forget_handshake(*ssl_);
    }
    return facts;
}

Task<std::size_t> TlsStream::read_some(char* into, std::size_t size, error_code& ec) {
    for (;;) {
        auto tried = try_read(into, size);
        if (tried.want == Want::nothing) {
            ec = tried.ec;
            if (ec == asio::error::eof) ec = {};
            co_return tried.size;
        }
        ec = co_await wait_for(tried.want);
        if (ec) co_return 0;
    }
}

Task<> TlsStream::wait_readable(error_code& ec) {
    ec = {};
    if (timed_out_) ec = asio::error::timed_out;
    if (ec || !is_open() || SSL_has_pending(ssl_.get()) == 1) co_return;
    ec = co_await wait_for(Want::read);
}

Task<> TlsStream::write_all(std::string_view first, std::string_view second, error_code& ec) {
    ec = {};
    while (!ec && !(first.empty() && second.empty())) {
        auto& piece = first.empty() ? second : first;
        auto tried = try_write(piece.data(), piece.size());
        if (tried.want != Want::nothing) {
            ec = co_await wait_for(tried.want);
            continue;
        }
        ec = tried.ec;
        piece.remove_prefix(tried.size);
    }
}

void TlsStream::set_deadline(std::chrono::steady_clock::duration limit) {
    timed_out_ = false;
    deadlines_->set(*this, limit);
}

void TlsStream::clear_deadline() {
    timed_out_ = false;
    deadlines_->clear(*this);
}

void TlsStream::limit_unsent(int bytes) {
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void TlsStream::expire() {
    timed_out_ = true;
    cancel();
}

void TlsStream::cancel() {
    error_code ignored;
    socket_.cancel(ignored);
}

void TlsStream::close() {
    if (!socket_.is_open()) return;
    if (ssl_ && !broken_ && SSL_is_init_finished(ssl_.get())) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    deadlines_->clear(*this);
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    socket_.close(ignored);
    ssl_.reset();
    std::string().swap(gathered_);
}

void TlsStream::break_off() {
    if (!socket_.is_open()) return;
    broken_ = true;
    deadlines_->clear(*this);
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

Error TlsStream::failure(const error_code& ec) const {
    auto peer = peer_name_.empty() ? std::string("the peer") : peer_name_;
    if (ec == asio::error::timed_out)
        return Error(Errc::timeout, "The connection with " + peer + " timed out.");
    if (failure_) return *failure_;
    if (!ec || ec == asio::error::eof)
        return Error(Errc::unavailable, "The connection was closed by " + peer + ".");
    return Error(
        Errc::unavailable, "The connection with " + peer + " was lost: " + ec.message() + "."
    );
}

} // namespace fairlead::net
