/// Bytes to and from a bucket's server: TCP, and TLS over it. For this folder.
#pragma once

#include "agent/bucket/address.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

struct addrinfo;
struct ssl_ctx_st;
struct ssl_st;

namespace fairlead::bucket {

struct Patience {
    std::chrono::milliseconds connect{10'000}; ///< for each address of a name, TLS included
    std::chrono::milliseconds idle{60'000};    ///< in which no byte comes or goes
    /// Spent waiting in one exchange, beside a second for each 32 KiB of its bodies.
    std::chrono::milliseconds total{300'000};
};

/// Whose certificates are good, for all connections to one endpoint. Thread-safe.
class Trust {
public:
    /// `ca`: PEM of the only authorities; empty: those of the system. Errc::invalid with code
    /// "storage_invalid" and field "ca".
    static Result<std::shared_ptr<const Trust>> make(std::string_view ca);
    ~Trust();
    Trust(const Trust&) = delete;

    /// For stream.cpp.
    ssl_ctx_st* native() const { return context_; }
    bool own() const { return own_; }

private:
    Trust(ssl_ctx_st* context, bool own) : context_(context), own_(own) {}
    ssl_ctx_st* context_;
    bool own_;
};

/// May this address be connected to? Asked of every address that a name has before the first is
/// tried, and what it was asked of is what is connected to. Its error is the connection's.
using AddressRule = std::function<Result<>(const IpAddress&)>;

/// Blocking; every wait has an end and heeds a stop. One thread at a time, but for wake().
/// Codes: "storage_unreachable" (name, connect), "storage_tls_failed", "storage_cut" (after the
/// connection was there), "cancelled".
class Stream {
public:
    /// Without a rule, every address will do.
    Stream(Endpoint endpoint, std::shared_ptr<const Trust> trust, AddressRule rule = {});
    ~Stream();
    Stream(const Stream&) = delete;

    const Endpoint& endpoint() const { return endpoint_; }

    /// An exchange of `bytes` begins: waiting is counted anew. `stop` must outlive it.
    void begin(const Patience& patience, std::uint64_t bytes, const std::stop_token& stop);
    /// As many bytes more belong to it.
    void expect(std::uint64_t bytes);
    /// The time that was spent waiting is less than a silent server gets.
    bool prompt() const { return waited_ < patience_.idle; }
    /// Ends a wait, when `stop` was requested. From any thread.
    void wake() const noexcept;

    /// A name is looked up by the system's resolver, whose own limits apply.
    Result<> connect();
    /// Says goodbye where `clean`.
    void close();
    /// True where the next request may go out: clean, and nothing there to read.
    bool still_open();

    /// True when all of it is out; false when the server answers already, or is gone: then what it
    /// said, if anything, is to be read.
    Result<bool> send(std::string_view data);
    /// Appends to `buffer`. False at the end of the stream.
    Result<bool> fill();

    std::string buffer; ///< read, and not yet taken
    bool clean = false; ///< the next request may follow on this connection

private:
    enum class Ready { yes, late, stopped };

    /// Until the socket can do `events` (what it can: `seen`).
    Ready wait(short events, std::chrono::milliseconds limit, short* seen = nullptr);
    Result<> until(short events);
    /// Leaves `socket_` empty and `why` filled where this address does not answer.
    Result<> connect_to(const addrinfo& address, std::string& why);
    Result<> permit(const addrinfo* list) const;
    Result<> handshake();
    Error handshake_failed();
    /// What to wait for after OpenSSL could not go on; nothing where it failed.
    std::optional<short> wanted(int done) const;
    /// How many; 0: not now, wait for `events`; -1: it failed or ended.
    long some(bool sending, void* data, std::size_t size, short& events);

    struct FreeSsl {
        void operator()(ssl_st* ssl) const;
    };

    Endpoint endpoint_;
    std::shared_ptr<const Trust> trust_;
    AddressRule rule_;
    Patience patience_;
    Descriptor wake_, socket_;
    std::unique_ptr<ssl_st, FreeSsl> ssl_;
    std::chrono::milliseconds waited_{0}, allowance_{0};
    const std::stop_token* stop_ = nullptr;
};

Error cancelled();
/// Code "storage_cut".
Error cut(std::string message);

/// As messages name it: "s3.example.com:443".
std::string peer_of(const Endpoint& endpoint);

} // namespace fairlead::bucket
