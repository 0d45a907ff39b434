/// One blocking HTTP/1.1 connection over TLS. Own, because Debian's cpp-httplib is a shared library
/// that servers lack, and because every wait here has to have an end and to heed a stop.
#pragma once

#include "agent/bucket/address.hpp"
#include "agent/bucket/http_text.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

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

    /// For https.cpp.
    void* native() const { return context_; }
    bool own() const { return own_; }

private:
    Trust(void* context, bool own) : context_(context), own_(own) {}
    void* context_;
    bool own_;
};

struct Request {
    std::string method;
    std::string target;
    Pairs headers;
    std::span<const std::byte> body{};
};

/// Gets the body of an answer in pieces. Its errors end the exchange and are passed on.
using BodyTaker = std::function<Result<>(const Head&, std::string_view)>;

/// One thread at a time. Connects when it has to; keeps the connection for the next exchange.
class Connection {
public:
    Connection(Endpoint endpoint, std::shared_ptr<const Trust> trust);
    ~Connection();
    Connection(const Connection&) = delete;

    /// Sends, and reads the answer to its end. Codes: "storage_unreachable" (name, connect),
    /// "storage_tls_failed", "storage_cut" (after the connection was there: lost, silent, no
    /// HTTP), "cancelled". A kept connection that the server closed meanwhile is made anew once. A
    /// name is looked up by the system's resolver, whose own limits apply.
    Result<Head> exchange(
        const Request& request, const BodyTaker& body, const Patience& patience,
        const std::stop_token& stop
    );

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// As messages name it: "s3.example.com:443".
std::string peer_of(const Endpoint& endpoint);

} // namespace fairlead::bucket
