/// Mail by an SMTP server (RFC 5321), through libcurl.
#pragma once

#include "common/runtime/secret.hpp"
#include "controller/mail/transport.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::mail {

/// starttls: begins in the clear and must change to TLS (port 587). implicit: TLS from the first
/// byte (465). none: for a server on the same machine alone.
BOOST_DEFINE_ENUM_CLASS(Tls, starttls, implicit, none)

struct SmtpOptions {
    std::string host;
    std::uint16_t port = 587;
    Tls tls = Tls::starttls;
    std::string user; ///< empty: the server asks for none
    Secret password;
    Mailbox from;
    std::string ca_file; ///< PEM; empty: the system's authorities
    std::string name;    ///< what the controller calls itself in EHLO
    std::string egress;  ///< fairlead-egress's socket, by which `host` is reached; empty: straight
};

/// A connection for each mail. The server's certificate must be good for `host`, whichever way
/// leads there: TLS begins here.
class Smtp final : public Transport {
public:
    explicit Smtp(SmtpOptions options) : options_(std::move(options)) {}

    Result<> send(const Message& message, Timestamp now, const std::stop_token& stop) override;

private:
    SmtpOptions options_;
};

/// True for localhost, 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view host);

} // namespace fairlead::mail
