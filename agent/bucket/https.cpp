#include "agent/bucket/https.hpp"

#include "common/crypto/x509.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace fairlead::bucket {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t slowest = 32 * 1024; // bytes a second, below which an exchange is given up
constexpr std::size_t max_addresses = 8;

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

Error cancelled() {
    return Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled");
}
Error cut(std::string message) {
    return Error(Errc::unavailable, std::move(message)).with_code("storage_cut");
}
Error unreachable(std::string message) {
    return Error(Errc::unavailable, std::move(message)).with_code("storage_unreachable");
}

/// The reason that OpenSSL knows, and none of them stays for the next call.
std::string take_reason() {
    auto code = ERR_peek_last_error();
    const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
    std::string reason = text ? text : "";
    ERR_clear_error();
    return reason;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes;
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

} // namespace

std::string peer_of(const Endpoint& endpoint) {
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<std::shared_ptr<const Trust>> Trust::make(std::string_view ca) {
    std::shared_ptr<Trust> trust(new Trust(SSL_CTX_new(TLS_client_method()), !ca.empty()));
    auto* context = static_cast<SSL_CTX*>(trust->context_);
    if (!context) throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                     SSL_MODE_RELEASE_BUFFERS
    );
    if (ca.empty()) {
        SSL_CTX_set_default_verify_paths(context);
        return {trust};
    }
    auto wrong = [](std::string why) {
        std::vector<FieldError> fields;
        fields.push_back({"ca", why});
        return fail(Error(Errc::invalid, std::move(why))
                        .with_code("storage_invalid")
                        .with_fields(std::move(fields)));
    };
    auto parts = crypto::split_certificates(ca);
    if (!parts)
        return wrong("The storage's ca is no certificate in PEM: " + parts.error().message());
    for (const auto& pem : *parts) {
        std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
            BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all
        );
        std::unique_ptr<X509, decltype(&X509_free)> one(
            PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free
        );
        if (!one || X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()) != 1)
            return wrong(
                "The storage's ca has a certificate that cannot be used: " + take_reason()
            );
    }
    return {trust};
}

Trust::~Trust() {
    SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

struct Connection::State {
    State(Endpoint where, std::shared_ptr<const Trust> trusted)
        : endpoint(std::move(where)), trust(std::move(trusted)),
          wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    // ---- waiting

    enum class Ready { yes, late, stopped };

    /// Until the socket can do `events` (what it can: `seen`). Time spent counts against the
    /// exchange.
    Ready wait(short events, milliseconds limit, short* seen = nullptr) {
        auto from = Steady::now();
        std::array<pollfd, 2> fds{{{socket.get(), events, 0}, {wake.get(), POLLIN, 0}}};
        for (;;) {
            auto spent = std::chrono::duration_cast<milliseconds>(Steady::now() - from);
            auto left = std::min(limit - spent, allowance - waited - spent);
            int count =
                ::poll(fds.data(), fds.size(), std::max<int>(0, static_cast<int>(left.count())));
            if (count < 0 && errno == EINTR) continue;
            waited += std::chrono::duration_cast<milliseconds>(Steady::now() - from);
            if (stop->stop_requested()) return Ready::stopped;
            if (seen) *seen = fds[0].revents;
            return count > 0 && fds[0].revents != 0 ? Ready::yes : Ready::late;
        }
    }

    Result<> until(short events) {
        switch (wait(events, patience.idle)) {
        case Ready::yes:
            return {};
        case Ready::stopped:
            return fail(cancelled());
        default:
            return fail(
                cut(waited >= allowance ? peer_of(endpoint) + " is too slow."
                                        : peer_of(endpoint) + " does not answer any more.")
            );
        }
    }

    // ---- connecting

    Result<> connect() {
        close();
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_ADDRCONFIG;
        if (is_address(endpoint.host)) hints.ai_flags = AI_NUMERICHOST;
        addrinfo* list = nullptr;
        auto port = std::to_string(endpoint.port);
        if (int code = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &list); code != 0)
            return fail(unreachable(fmt::format(
                "The name {} has no address: {}. Correct the endpoint, or the name servers of "
                "this server.",
                endpoint.host, ::gai_strerror(code)
            )));
        std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
        std::string why;
        std::size_t tried = 0;
        for (auto* one = list; one && tried < max_addresses; one = one->ai_next, ++tried) {
            auto done = connect_to(*one, why);
            if (!done) return done;
            if (socket) break;
        }
        if (!socket)
            return fail(unreachable(fmt::format(
                "{} cannot be reached: {}. Check the endpoint, and that the firewall of this "
                "server lets it out to there.",
                peer_of(endpoint), why
            )));
        return endpoint.tls ? handshake() : Result<>();
    }

    /// Leaves `socket` empty and `why` filled where this address does not answer.
    Result<> connect_to(const addrinfo& address, std::string& why) {
        socket = Descriptor(
            ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
        );
        if (!socket) {
            why = std::strerror(errno);
            return {};
        }
        int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        int error = 0;
        if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) error = errno;
        if (error == EINPROGRESS) {
            error = ETIMEDOUT;
            auto ready = wait(POLLOUT, patience.connect);
            if (ready == Ready::stopped) return fail(cancelled());
            socklen_t size = sizeof error;
            if (ready == Ready::yes)
                ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        }
        if (error != 0) {
            why = std::strerror(error);
            socket.reset();
        }
        return {};
    }

    Result<> handshake() {
        ssl.reset(SSL_new(static_cast<SSL_CTX*>(trust->native())));
        if (!ssl) throw std::bad_alloc();
        SSL_set_fd(ssl.get(), socket.get());
        if (is_address(endpoint.host)) {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), endpoint.host.c_str());
        } else {
            SSL_set1_host(ssl.get(), endpoint.host.c_str());
            SSL_set_tlsext_host_name(ssl.get(), endpoint.host.c_str());
        }
        for (;;) {
            ERR_clear_error();
            int done = SSL_connect(ssl.get());
            if (done == 1) return {};
            auto events = wanted(done);
            if (!events) return fail(handshake_failed());
            auto ready = wait(*events, patience.connect);
            if (ready == Ready::stopped) return fail(cancelled());
            if (ready == Ready::late)
                return fail(unreachable(fmt::format(
                    "{} takes connections, but begins no TLS. Check the endpoint's port.",
                    peer_of(endpoint)
                )));
        }
    }

    Error handshake_failed() {
        auto verified = SSL_get_verify_result(ssl.get());
        auto reason = take_reason();
        close();
        if (verified == X509_V_OK && reason.empty())
            return cut(peer_of(endpoint) + " closed the connection before TLS was up.");
        std::string text = "TLS with " + peer_of(endpoint) + " failed: ";
        switch (verified) {
        case X509_V_OK:
            text += reason + ". Check that the endpoint's port speaks HTTPS.";
            break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            text +=
                "its certificate is for another name. Correct the endpoint; a bucket whose name "
                "has dots needs the addressing \"path\".";
            break;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            text += std::string(X509_verify_cert_error_string(verified)) +
                    ". Renew it, or set the clock of this server.";
            break;
        default:
            text += "its certificate is not trusted (";
            text += X509_verify_cert_error_string(verified);
            text += trust->own() ? "). The storage's field ca has other authorities than its own: "
                                   "put the right one there, or none for a public one."
                                 : "). If it is from a private authority, put that authority's "
                                   "certificate into the storage's field ca.";
        }
        return Error(Errc::unavailable, std::move(text), reason).with_code("storage_tls_failed");
    }

    /// What to wait for after OpenSSL could not go on; nothing where it failed.
    std::optional<short> wanted(int done) const {
        switch (SSL_get_error(ssl.get(), done)) {
        case SSL_ERROR_WANT_READ:
            return POLLIN;
        case SSL_ERROR_WANT_WRITE:
            return POLLOUT;
        default:
            return std::nullopt;
        }
    }

    void close() {
        // A polite end of TLS is worth one try, never a wait.
        if (ssl && clean) SSL_shutdown(ssl.get());
        ERR_clear_error();
        ssl.reset();
        socket.reset();
        buffer.clear();
        clean = false;
    }

    // ---- moving bytes

    /// How many; 0: not now, wait for `events`; -1: it failed or ended.
    long some(bool sending, void* data, std::size_t size, short& events) {
        long count = 0;
        if (ssl) {
            ERR_clear_error();
            auto part = static_cast<int>(std::min<std::size_t>(size, 1 << 20));
            count = sending ? SSL_write(ssl.get(), data, part) : SSL_read(ssl.get(), data, part);
            if (count > 0) return count;
            auto want = wanted(static_cast<int>(count));
            if (!want) return -1;
            events = *want;
            return 0;
        }
        count = sending ? ::send(socket.get(), data, size, MSG_NOSIGNAL)
                        : ::recv(socket.get(), data, size, 0);
        if (count > 0) return count;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            events = sending ? POLLOUT : POLLIN;
            return 0;
        }
        return -1;
    }

    /// True when all of it is out; false when the server answers already, or is gone: then what it
    /// said, if anything, is to be read.
    Result<bool> send(std::string_view data) {
        while (!data.empty()) {
            if (stop->stop_requested()) return fail(cancelled());
            short events = POLLOUT;
            auto count = some(true, const_cast<char*>(data.data()), data.size(), events);
            if (count < 0) return false;
            if (count > 0) {
                data.remove_prefix(static_cast<std::size_t>(count));
                continue;
            }
            short seen = 0;
            auto ready = wait(static_cast<short>(events | POLLIN), patience.idle, &seen);
            if (ready == Ready::stopped) return fail(cancelled());
            if (ready == Ready::late) return fail(cut(peer_of(endpoint) + " takes no more bytes."));
            if ((seen & POLLIN) != 0 && events != POLLIN) {
                std::array<char, 4096> early;
                auto got = some(false, early.data(), early.size(), events);
                if (got < 0) return false;
                if (got > 0) {
                    buffer.append(early.data(), static_cast<std::size_t>(got));
                    return false;
                }
            }
        }
        return true;
    }

    /// Appends to `buffer`. False at the end of the stream.
    Result<bool> fill() {
        std::array<char, 16 * 1024> piece;
        for (;;) {
            if (stop->stop_requested()) return fail(cancelled());
            short events = POLLIN;
            auto count = some(false, piece.data(), piece.size(), events);
            if (count < 0) return false;
            if (count > 0) {
                buffer.append(piece.data(), static_cast<std::size_t>(count));
                return true;
            }
            FAIRLEAD_CHECK(until(events));
        }
    }

    // ---- one exchange

    Result<Head> read_head() {
        for (int interim = 0; interim < 8; ++interim) {
            std::size_t from = 0, end = 0;
            while ((end = buffer.find("\r\n\r\n", from)) == std::string::npos) {
                if (buffer.size() > max_head_bytes)
                    return fail(cut(peer_of(endpoint) + " sends a head without an end."));
                from = buffer.size() < 3 ? 0 : buffer.size() - 3;
                FAIRLEAD_TRY(more, fill());
                if (!more) return fail(cut(peer_of(endpoint) + " closed the connection."));
            }
            auto head = parse_head(std::string_view(buffer).substr(0, end + 4));
            buffer.erase(0, end + 4);
            if (!head)
                return fail(cut(peer_of(endpoint) + ": " + std::move(head).error().message()));
            if (head->status >= 200) return head;
        }
        return fail(cut(peer_of(endpoint) + " sends no answer, only interim ones."));
    }

    Result<> take(std::uint64_t size, const Head& head, const BodyTaker& body) {
        while (size > 0) {
            if (buffer.empty()) {
                FAIRLEAD_TRY(more, fill());
                if (!more)
                    return fail(cut(peer_of(endpoint) + " cut the connection in the middle."));
            }
            auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size()));
            FAIRLEAD_CHECK(body(head, std::string_view(buffer).substr(0, part)));
            buffer.erase(0, part);
            size -= part;
        }
        return {};
    }

    Result<std::string> line() {
        std::size_t end = 0;
        while ((end = buffer.find('\n')) == std::string::npos) {
            if (buffer.size() > max_head_bytes)
                return fail(cut(peer_of(endpoint) + " sends a line without an end."));
            FAIRLEAD_TRY(more, fill());
            if (!more) return fail(cut(peer_of(endpoint) + " cut the connection in the middle."));
        }
        auto text = buffer.substr(0, end);
        buffer.erase(0, end + 1);
        if (text.ends_with('\r')) text.pop_back();
        return text;
    }

    Result<> take_chunks(const Head& head, const BodyTaker& body) {
        for (;;) {
            FAIRLEAD_TRY(text, line());
            std::uint64_t size = 0;
            auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), size, 16);
            if (ec != std::errc() ||
                (end != text.data() + text.size() && *end != ';' && *end != ' '))
                return fail(cut(peer_of(endpoint) + " sends chunks that are none."));
            if (size == 0) break;
            FAIRLEAD_CHECK(take(size, head, body));
            FAIRLEAD_TRY(after, line());
            if (!after.empty())
                return fail(cut(peer_of(endpoint) + " sends chunks that are none."));
        }
        for (int trailers = 0; trailers < 64; ++trailers) {
            FAIRLEAD_TRY(text, line());
            if (text.empty()) return {};
        }
        return fail(cut(peer_of(endpoint) + " sends too many trailers."));
    }

    Result<> take_body(const Request& request, const Head& head, const BodyTaker& body) {
        if (request.method == "HEAD" || head.status == 204 || head.status == 304) return {};
        if (head.chunked()) return take_chunks(head, body);
        if (auto length = head.length()) {
            allowance += milliseconds(*length / slowest * 1000);
            return take(*length, head, body);
        }
        clean = false; // the end of the connection is the end of the body
        for (;;) {
            if (!buffer.empty()) FAIRLEAD_CHECK(take(buffer.size(), head, body));
            FAIRLEAD_TRY(more, fill());
            if (!more) return {};
        }
    }

    std::string head_of(const Request& request) const {
        auto text = request.method + " " + request.target + " HTTP/1.1\r\n";
        for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
        if (!request.body.empty() || request.method == "PUT" || request.method == "POST")
            text += fmt::format("Content-Length: {}\r\n", request.body.size());
        return text + "\r\n";
    }

    Result<Head> once(const Request& request, const BodyTaker& body) {
        clean = false;
        auto text = head_of(request);
        auto bytes = request.body;
        FAIRLEAD_TRY(whole, [&]() -> Result<bool> {
            FAIRLEAD_TRY(out, send(text));
            if (!out) return false;
            return send({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        }());
        FAIRLEAD_TRY(head, read_head());
        answered = true;
        clean = whole && !head.closes();
        FAIRLEAD_CHECK(take_body(request, head, body));
        return std::move(head);
    }

    /// Nothing may be there to read on a connection that waits for its next request.
    bool still_open() {
        if (!socket || !clean || !buffer.empty()) return false;
        pollfd fd{socket.get(), POLLIN, 0};
        if (::poll(&fd, 1, 0) == 0) return true;
        if (!ssl) return false;
        // A session ticket, perhaps.
        char byte = 0;
        ERR_clear_error();
        int got = SSL_peek(ssl.get(), &byte, 1);
        return got <= 0 && SSL_get_error(ssl.get(), got) == SSL_ERROR_WANT_READ;
    }

    Endpoint endpoint;
    std::shared_ptr<const Trust> trust;
    Patience patience;
    Descriptor wake, socket;
    std::unique_ptr<SSL, FreeSsl> ssl;
    std::string buffer; ///< read, and not yet taken
    bool clean = false; ///< the next request may follow on this connection
    bool answered = false;
    milliseconds waited{0}, allowance{0};
    const std::stop_token* stop = nullptr;
};

Connection::Connection(Endpoint endpoint, std::shared_ptr<const Trust> trust)
    : state_(std::make_unique<State>(std::move(endpoint), std::move(trust))) {}

Connection::~Connection() {
    state_->close();
}

Result<Head> Connection::exchange(
    const Request& request, const BodyTaker& body, const Patience& patience,
    const std::stop_token& stop
) {
    auto& s = *state_;
    if (stop.stop_requested()) return fail(cancelled());
    s.stop = &stop;
    s.patience = patience;
    s.answered = false;
    s.waited = milliseconds(0);
    s.allowance = s.patience.total + milliseconds(request.body.size() / slowest * 1000);
    std::uint64_t count = 0;
    while (::read(s.wake.get(), &count, sizeof count) > 0) {
    }
    std::stop_callback waker(stop, [fd = s.wake.get()] {
        std::uint64_t one = 1;
        [[maybe_unused]] auto done = ::write(fd, &one, sizeof one);
    });

    bool kept = s.still_open();
    if (!kept) FAIRLEAD_CHECK(s.connect());
    auto head = s.once(request, body);
    if (!head && kept && !s.answered && head.error().code() == "storage_cut" &&
        s.waited < s.patience.idle) {
        FAIRLEAD_CHECK(s.connect());
        head = s.once(request, body);
    }
    if (!head || !s.clean) {
        s.clean = s.clean && head.has_value();
        s.close();
    }
    return head;
}

} // namespace fairlead::bucket
