/// One blocking HTTP/1.1 connection over TLS. Own, because Debian's cpp-httplib is a shared library
/// that servers lack, and because every wait here has to have an end and to heed a stop.
#pragma once

#include "agent/bucket/http_text.hpp"
#include "agent/bucket/stream.hpp"
#include "common/runtime/result.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::bucket {

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
    Connection(Endpoint endpoint, std::shared_ptr<const Trust> trust, AddressRule rule = {});
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

} // namespace fairlead::bucket
