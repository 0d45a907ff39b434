/// A keep-alive HTTPS connection to the controller, and its stream of events; as little HTTP as the
/// controller's own answers need.
#pragma once

#include "common/net/websocket_impl.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace fairlead::bench {

/// Where the controller is, and who asks.
struct Site {
    Site() = default;

    std::string address;
    std::uint16_t port = 0;
    std::string name;   ///< of its certificate
    std::string cookie; ///< of the administrator's session
    std::string org;    ///< "/api/v1/orgs/org_…"
};

struct Reply {
    int status = 0;
    std::string body;
};

class ApiConnection {
public:
    ApiConnection(const Site& site, net::TlsClientContext& tls) : site_(site), tls_(tls) {}

    Task<Result<>> open();
    /// One request and its whole answer, by content-length.
    Task<Result<Reply>> call(std::string method, std::string path, std::string body);
    /// Asks for a stream and reads the head of its answer.
    Task<Result<>> open_events(std::string path);
    /// What came next of the stream, as it is on the wire.
    Task<Result<std::string>> more();

private:
    Task<Result<>> send(std::string method, std::string path, std::string body);
    Task<Result<>> fill();

    const Site& site_;
    net::TlsClientContext& tls_;
    std::shared_ptr<net::TlsStream> stream_;
    std::string buffer_;
};

} // namespace fairlead::bench
