/// TLS straight on a non-blocking socket. asio::ssl::stream keeps about 68 KiB for each connection,
/// this keeps what OpenSSL needs. Satisfies Beast's AsyncStream. For this folder's .cpp files.
#pragma once

#include "common/async/task.hpp"
#include "common/net/deadlines.hpp"
#include "common/net/openssl.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace fairlead::net {

using boost::system::error_code;

/// One reader and one writer at a time. A cancelled operation leaves the stream fit for nothing but
/// close().
class TlsStream : Deadlines::Member {
public:
    using executor_type = Executor;

    /// `ssl` is in accept or connect state. Takes over the socket.
    TlsStream(asio::ip::tcp::socket socket, std::shared_ptr<Deadlines> deadlines);
    TlsStream(const TlsStream&) = delete;
    ~TlsStream() override;

    executor_type get_executor() { return socket_.get_executor(); }

    /// Set before the handshake; the notes belong to the stream.
    HandshakeNotes& notes() { return *notes_; }
    void adopt(SslPtr ssl, bool client, std::string peer_name);

    /// An error is explained by failure().
    Task<error_code> handshake();
    /// What was agreed and who the peer is; call once after the handshake. Frees what only the
    /// handshake needed.
    PeerInfo take_facts();

    /// Zero bytes without an error: the peer has ended its side.
    Task<std::size_t> read_some(char* into, std::size_t size, error_code& ec);
    /// Returns when something can be read, or the peer is gone. Needs no buffer.
    Task<> wait_readable(error_code& ec);
    /// Both pieces, in as few records as possible.
    Task<> write_all(std::string_view first, std::string_view second, error_code& ec);

    /// Fails what is under way, and what is begun later, with timed_out, until it is set anew.
    void set_deadline(std::chrono::steady_clock::duration limit);
    void clear_deadline();

    /// What the kernel takes beyond what is on its way to the peer: less of it, and what is written
    /// next comes sooner; more, and the peer is kept busy by fewer turns of the loop. In bytes.
    void limit_unsent(int bytes);

    /// Sends close_notify if that is possible at once, then closes.
    void close();
    /// Closes without a word, so that the peer takes what it has for broken. What is under way
    /// fails.
    void break_off();
    /// Wakes whoever waits on the socket with an error.
    void cancel();
    bool is_open() const { return socket_.is_open(); }
    /// For what happens before TLS.
    asio::ip::tcp::socket& socket() { return socket_; }
    Task<error_code> wait_for_first_byte();

    /// The error behind the last failed operation, by name.
    Error failure(const error_code& ec) const;

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        asio::mutable_buffer into;
        for (auto at = asio::buffer_sequence_begin(buffers);
             at != asio::buffer_sequence_end(buffers); ++at) {
            into = *at;
            if (into.size() > 0) break;
        }
        return asio::async_compose<Token, void(error_code, std::size_t)>(
            ReadOp{*this, into}, token, socket_
        );
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(error_code, std::size_t)>(
            WriteOp{
                *this,
                gather(asio::buffer_sequence_begin(buffers), asio::buffer_sequence_end(buffers))},
            token, socket_
        );
    }

private:
    enum class Want { nothing, read, write };
    struct Tried {
        Want want = Want::nothing;
        std::size_t size = 0;
        error_code ec;
    };

    Tried try_handshake();
    Tried try_read(void* into, std::size_t size);
    Tried try_write(const void* from, std::size_t size);
    Tried try_write_records(const char* from, std::size_t size);
    Tried judge(int returned, int saved_errno);
    error_code after_wait(error_code ec) const;
    Task<error_code> wait_for(Want want);
    void expire() override;

    /// Beast writes a frame's header and payload as two buffers, which travel in as few records as
    /// possible.
    template <class Iterator>
    asio::const_buffer gather(Iterator at, Iterator end) {
        asio::const_buffer first;
        while (at != end && first.size() == 0) first = asio::const_buffer(*at++);
        if (at == end || first.size() >= record) return asio::buffer(first, gather_limit);
        gathered_.assign(static_cast<const char*>(first.data()), first.size());
        for (; at != end && gathered_.size() < gather_limit; ++at) {
            asio::const_buffer next(*at);
            gathered_.append(
                static_cast<const char*>(next.data()),
                std::min(next.size(), gather_limit - gathered_.size())
            );
        }
        return asio::const_buffer(gathered_.data(), gathered_.size());
    }

    struct ReadOp {
        TlsStream& stream;
        asio::mutable_buffer into;
        Tried tried{};
        bool suspended = false, waiting = false, done = false;

        template <class Self>
        void operator()(Self& self, error_code ec = {}) {
            stream.step(self, *this, ec, [this] {
                return stream.try_read(into.data(), into.size());
            });
        }
        error_code end_of_stream() const { return asio::error::eof; }
        void finished() {}
    };

    struct WriteOp {
        TlsStream& stream;
        asio::const_buffer from;
        Tried tried{};
        bool suspended = false, waiting = false, done = false;

        template <class Self>
        void operator()(Self& self, error_code ec = {}) {
            stream.step(self, *this, ec, [this] {
                return stream.try_write_records(static_cast<const char*>(from.data()), from.size());
            });
        }
        error_code end_of_stream() const { return {}; }
        void finished() {
            std::string().swap(stream.gathered_); // thousands of links are idle most of the time
        }
    };

    template <class Self, class Op, class Try>
    void step(Self& self, Op& op, error_code ec, Try attempt) {
        if (!op.done) {
            if (op.waiting) ec = after_wait(ec);
            op.waiting = false;
            op.tried = ec ? Tried{Want::nothing, 0, ec} : attempt();
            if (op.tried.want != Want::nothing) {
                op.suspended = op.waiting = true;
                auto wait = op.tried.want == Want::read ? asio::socket_base::wait_read
                                                        : asio::socket_base::wait_write;
                socket_.async_wait(wait, std::move(self));
                return;
            }
            if (!op.tried.ec && op.tried.size == 0) op.tried.ec = op.end_of_stream();
            op.done = true;
            op.finished();
            if (!op.suspended) { // Asio forbids completing inside the initiating call
                auto executor = get_executor();
                asio::post(executor, std::move(self));
                return;
            }
        }
        auto result = op.tried;
        self.complete(result.ec, result.size);
    }

    static constexpr std::size_t record = 16 * 1024;        ///< what TLS puts into one at most
    static constexpr std::size_t gather_limit = 4 * record; ///< in one turn: others wait meanwhile

    asio::ip::tcp::socket socket_;
    std::shared_ptr<Deadlines> deadlines_;
    std::unique_ptr<HandshakeNotes> notes_;
    SslPtr ssl_;
    std::string peer_name_;
    std::string gathered_;
    mutable std::unique_ptr<Error> failure_;
    bool client_ = false;
    bool timed_out_ = false;
    bool broken_ = false;
    bool may_be_bulk_ = false; ///< a link: of whom to expect no harm
    bool bulk_ = false;        ///< so much came at once that several records are read together
};

/// What Beast's WebSocket asks of a stream that is not a plain socket.
inline void beast_close_socket(TlsStream& stream) {
    stream.close();
}

inline void teardown(boost::beast::role_type, TlsStream& stream, error_code& ec) {
    stream.close();
    ec = {};
}

template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
    stream.close();
    asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
        handler(error_code{});
    });
}

} // namespace fairlead::net
