/// Clients of mosquitto, the peer for what an idle link costs: mutual TLS, one CONNECT, a PINGREQ
/// each 15 s.
#pragma once

#include "common/async/task_group.hpp"
#include "common/net/websocket_impl.hpp"
#include "tests/bench/fleet/numbers.hpp"

#include <memory>
#include <string>
#include <vector>

namespace fairlead::bench {

class MqttClients {
public:
    explicit MqttClients(Executor executor) : group_(executor) {}

    /// Opens `count` connections, `at_once` at a time, each with a TLS context (and so tickets) of
    /// its own. The certificate is everybody's.
    Task<Result<>> open(
        std::uint16_t port, std::size_t count, std::size_t at_once, std::string ca,
        std::string certificate, const Secret& key
    );
    /// Hangs up; the next open() dials with the tickets that came.
    void close();
    void tick(Steady::time_point now);

    std::size_t online() const;
    std::string failure;

private:
    struct Client {
        explicit Client(net::TlsClientContext context) : tls(std::move(context)) {}
        net::TlsClientContext tls;
        std::shared_ptr<net::TlsStream> stream;
        Steady::time_point last_ping{};
        bool writing = false;
    };

    Task<> dial_some(std::uint16_t port);
    Task<Result<>> dial(Client& client, std::uint16_t port, std::size_t number);
    Task<> drain(Client& client);
    Task<> ping(Client& client);

    TaskGroup group_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::size_t next_ = 0;
};

} // namespace fairlead::bench
