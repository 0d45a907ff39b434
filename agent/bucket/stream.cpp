#include "agent/bucket/stream.hpp"

#include "common/crypto/x509.hpp"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fairlead::bucket {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t slowest = 32 * 1024; // bytes a second, below which an exchange is given up
constexpr std::size_t max_addresses = 8;

milliseconds time_for(std::uint64_t bytes) {
    return milliseconds(bytes / slowest * 1000);
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

Error cancelled() {
    return Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled");
}
Error cut(std::string message) {
    return Error(Errc::unavailable, std::move(message)).with_code("storage_cut");
}

std::string peer_of(const Endpoint& endpoint) {
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<std::shared_ptr<const Trust>> Trust::make(std::string_view ca) {
    std::shared_ptr<Trust> trust(new Trust(SSL_CTX_new(TLS_client_method()), !ca.empty()));
    auto* context = trust->context_;
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
    SSL_CTX_free(context_);
}

Stream::Stream(Endpoint endpoint, std::shared_ptr<const Trust> trust, AddressRule rule)
    : endpoint_(std::move(endpoint)), trust_(std::move(trust)), rule_(std::move(rule)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Stream::~Stream() {
    close();
}

void Stream::FreeSsl::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

void Stream::begin(const Patience& patience, std::uint64_t bytes, const std::stop_token& stop) {
    stop_ = &stop;
    patience_ = patience;
    waited_ = milliseconds(0);
    allowance_ = patience.total + time_for(bytes);
    std::uint64_t count = 0;
    while (::read(wake_.get(), &count, sizeof count) > 0) {
    }
}

void Stream::expect(std::uint64_t bytes) {
    allowance_ += time_for(bytes);
}

void Stream::wake() const noexcept {
    std::uint64_t one = 1;
    [[maybe_unused]] auto done = ::write(wake_.get(), &one, sizeof one);
}

Stream::Ready Stream::wait(short events, milliseconds limit, short* seen) {
    auto from = Steady::now();
    std::array<pollfd, 2> fds{{{socket_.get(), events, 0}, {wake_.get(), POLLIN, 0}}};
    for (;;) {
        auto spent = std::chrono::duration_cast<milliseconds>(Steady::now() - from);
        auto left = std::min(limit - spent, allowance_ - waited_ - spent);
        int count =
            ::poll(fds.data(), fds.size(), std::max<int>(0, static_cast<int>(left.count())));
        if (count < 0 && errno == EINTR) continue;
        waited_ += std::chrono::duration_cast<milliseconds>(Steady::now() - from);
        if (stop_->stop_requested()) return Ready::stopped;
        if (seen) *seen = fds[0].revents;
        return count > 0 && fds[0].revents != 0 ? Ready::yes : Ready::late;
    }
}

Result<> Stream::until(short events) {
    switch (wait(events, patience_.idle)) {
    case Ready::yes:
        return {};
    case Ready::stopped:
        return fail(cancelled());
    default:
        return fail(
            cut(waited_ >= allowance_ ? peer_of(endpoint_) + " is too slow."
                                      : peer_of(endpoint_) + " does not answer any more.")
        );
    }
}

Result<> Stream::connect() {
    close();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    if (is_address(endpoint_.host)) hints.ai_flags = AI_NUMERICHOST;
    addrinfo* list = nullptr;
    auto port = std::to_string(endpoint_.port);
    if (int code = ::getaddrinfo(endpoint_.host.c_str(), port.c_str(), &hints, &list); code != 0)
        return fail(unreachable(fmt::format(
            "The name {} has no address: {}. Correct the endpoint, or the name servers of "
            "this server.",
            endpoint_.host, ::gai_strerror(code)
        )));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
    FAIRLEAD_CHECK(permit(list));
    std::string why;
    std::size_t tried = 0;
    for (auto* one = list; one && tried < max_addresses; one = one->ai_next, ++tried) {
        auto done = connect_to(*one, why);
        if (!done) return done;
        if (socket_) break;
    }
    if (!socket_)
        return fail(unreachable(fmt::format(
            "{} cannot be reached: {}. Check the endpoint, and that the firewall of this "
            "server lets it out to there.",
            peer_of(endpoint_), why
        )));
    return endpoint_.tls ? handshake() : Result<>();
}

Result<> Stream::permit(const addrinfo* list) const {
    if (!rule_) return {};
    std::size_t seen = 0;
    for (auto* one = list; one && seen < max_addresses; one = one->ai_next, ++seen) {
        FAIRLEAD_TRY(address, IpAddress::of(*one->ai_addr));
        FAIRLEAD_CHECK(rule_(address));
    }
    return {};
}

Result<> Stream::connect_to(const addrinfo& address, std::string& why) {
    socket_ = Descriptor(
        ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
    );
    if (!socket_) {
        why = std::strerror(errno);
        return {};
    }
    int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int error = 0;
    if (::connect(socket_.get(), address.ai_addr, address.ai_addrlen) != 0) error = errno;
    if (error == EINPROGRESS) {
        error = ETIMEDOUT;
        auto ready = wait(POLLOUT, patience_.connect);
        if (ready == Ready::stopped) return fail(cancelled());
        socklen_t size = sizeof error;
        if (ready == Ready::yes) ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error != 0) {
        why = std::strerror(error);
        socket_.reset();
    }
    return {};
}

Result<> Stream::handshake() {
    ssl_.reset(SSL_new(trust_->native()));
    if (!ssl_) throw std::bad_alloc();
    SSL_set_fd(ssl_.get(), socket_.get());
    if (is_address(endpoint_.host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), endpoint_.host.c_str());
    } else {
        SSL_set1_host(ssl_.get(), endpoint_.host.c_str());
        SSL_set_tlsext_host_name(ssl_.get(), endpoint_.host.c_str());
    }
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(ssl_.get());
        if (done == 1) return {};
        auto events = wanted(done);
        if (!events) return fail(handshake_failed());
        auto ready = wait(*events, patience_.connect);
        if (ready == Ready::stopped) return fail(cancelled());
        if (ready == Ready::late)
            return fail(unreachable(fmt::format(
                "{} takes connections, but begins no TLS. Check the endpoint's port.",
                peer_of(endpoint_)
            )));
    }
}

Error Stream::handshake_failed() {
    auto verified = SSL_get_verify_result(ssl_.get());
    auto reason = take_reason();
    close();
    if (verified == X509_V_OK && reason.empty())
        return cut(peer_of(endpoint_) + " closed the connection before TLS was up.");
    std::string text = "TLS with " + peer_of(endpoint_) + " failed: ";
    switch (verified) {
    case X509_V_OK:
        text += reason + ". Check that the endpoint's port speaks HTTPS.";
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        text += "its certificate is for another name. Correct the endpoint; a bucket whose name "
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
        text += trust_->own() ? "). The storage's field ca has other authorities than its own: "
                                "put the right one there, or none for a public one."
                              : "). If it is from a private authority, put that authority's "
                                "certificate into the storage's field ca.";
    }
    return Error(Errc::unavailable, std::move(text), reason).with_code("storage_tls_failed");
}

std::optional<short> Stream::wanted(int done) const {
    switch (SSL_get_error(ssl_.get(), done)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        return std::nullopt;
    }
}

void Stream::close() {
    // A polite end of TLS is worth one try, never a wait.
    if (ssl_ && clean) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ssl_.reset();
    socket_.reset();
    buffer.clear();
    clean = false;
}

long Stream::some(bool sending, void* data, std::size_t size, short& events) {
    long count = 0;
    if (ssl_) {
        ERR_clear_error();
        auto part = static_cast<int>(std::min<std::size_t>(size, 1 << 20));
        count = sending ? SSL_write(ssl_.get(), data, part) : SSL_read(ssl_.get(), data, part);
        if (count > 0) return count;
        auto want = wanted(static_cast<int>(count));
        if (!want) return -1;
        events = *want;
        return 0;
    }
    count = sending ? ::send(socket_.get(), data, size, MSG_NOSIGNAL)
                    : ::recv(socket_.get(), data, size, 0);
    if (count > 0) return count;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        events = sending ? POLLOUT : POLLIN;
        return 0;
    }
    return -1;
}

Result<bool> Stream::send(std::string_view data) {
    while (!data.empty()) {
        if (stop_->stop_requested()) return fail(cancelled());
        short events = POLLOUT;
        auto count = some(true, const_cast<char*>(data.data()), data.size(), events);
        if (count < 0) return false;
        if (count > 0) {
            data.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        short seen = 0;
        auto ready = wait(static_cast<short>(events | POLLIN), patience_.idle, &seen);
        if (ready == Ready::stopped) return fail(cancelled());
        if (ready == Ready::late) return fail(cut(peer_of(endpoint_) + " takes no more bytes."));
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

Result<bool> Stream::fill() {
    std::array<char, 16 * 1024> piece;
    for (;;) {
        if (stop_->stop_requested()) return fail(cancelled());
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

bool Stream::still_open() {
    if (!socket_ || !clean || !buffer.empty()) return false;
    pollfd fd{socket_.get(), POLLIN, 0};
    if (::poll(&fd, 1, 0) == 0) return true;
    if (!ssl_) return false;
    // A session ticket, perhaps.
    char byte = 0;
    ERR_clear_error();
    int got = SSL_peek(ssl_.get(), &byte, 1);
    return got <= 0 && SSL_get_error(ssl_.get(), got) == SSL_ERROR_WANT_READ;
}

} // namespace fairlead::bucket
