/// What is forwarded of a request's and of an answer's head, and what is refused. Plain functions.
#pragma once

#include "common/net/http.hpp"
#include "controller/edge/table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::edge {

struct Refusal {
    Refusal(int code, std::string_view why) : status(code), sentence(why) {}
    int status;
    std::string sentence;
};

/// What net::HttpReader lets through and an edge must not: methods that are for proxies, a target
/// with another authority than Host, no Host, a Host that is not `server_name` (of SNI, plain;
/// 421).
std::optional<Refusal> refusal_of(const net::HttpRequest& request, std::string_view server_name);

/// The visitor's address, where a proxy that may be believed says it in one field of that name;
/// else the connection's own.
std::string visitor_of(
    const net::HttpRequest& request, std::string_view field, std::string_view connection_address
);

/// The port of the environment that a request is for: the live bus has its own where Odoo runs
/// workers.
std::uint16_t port_for(const Route& route, const net::HttpRequest& request);

/// How a body is delimited.
enum class Framing {
    none,
    counted, ///< by Content-Length
    chunked,
    to_end, ///< of the connection; answers to HTTP/1.0 alone
};

Framing framing_of(const net::HttpRequest& request);

/// The head for Odoo. Fields of one hop go, and so does whatever claims to be a proxy's word:
/// X-Forwarded-*, Forwarded, X-Real-IP, also spelled with underscores, which Python's gateways take
/// for the same. They are set anew from the connection.
std::string request_head(const net::HttpRequest& request, std::string_view client_address);

/// The head for the client.
std::string answer_head(
    int status, const net::Headers& headers, Framing framing, std::optional<std::uint64_t> length,
    bool keep_alive, bool to_http_1_0
);

/// "1f40" and a line break.
void append_chunk_size(std::string& out, std::size_t size);

} // namespace fairlead::edge
