/// The way from the public port to the environments: requests for their host names go through the
/// links of their servers.
#pragma once

#include "common/async/event.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/http_server.hpp"
#include "common/net/wire.hpp"
#include "common/stream/carrier.hpp"
#include "controller/edge/names.hpp"
#include "controller/edge/quota.hpp"
#include "controller/edge/table.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace fairlead::net {
class Deadlines;
}

namespace fairlead::edge {

/// Opens a byte stream to a port of the route's environment. Errc::unavailable with the codes
/// `server_offline`, `agent_too_old`, `too_many_streams`; others are answered as 502. On the edge's
/// thread, as all use of the stream.
using Opener =
    std::function<Task<Result<stream::Stream>>(std::shared_ptr<const Route>, std::uint16_t port)>;

/// Reads what is routed, on a worker thread; none when nothing has changed since the last time.
using Loader = std::function<Result<std::optional<Table>>()>;

struct EdgeLimits {
    EdgeLimits();

    /// Of a request's head, and of an answer's. Bodies have no limit.
    net::HttpLimits http;
    std::chrono::milliseconds body_time{60'000}; ///< that the client may be silent in a body
    /// From the last of the request to the answer's head, and for the site to take a piece of the
    /// request's body: 504.
    std::chrono::milliseconds answer_time{720'000};
    std::chrono::milliseconds stall_time{300'000}; ///< that the site may be silent in a body
    std::chrono::milliseconds quiet_time{300'000}; ///< that a WebSocket may carry nothing
    std::chrono::milliseconds write_time{60'000};  ///< for the client to take one piece

    std::size_t connections = 10'000; ///< of clients, all together; beyond: 503
    std::size_t of_address = 1'000;   ///< of one subscriber (IpAddress); beyond: 429
    std::size_t of_environment = 2'000;
    std::size_t of_org = 4'000;
    std::size_t streams_of_environment = 200; ///< requests under way, and streams kept for more
    std::size_t streams_of_org = 1'000;
    std::size_t sockets_of_environment = 1'500; ///< WebSockets, which are no requests any more
    std::size_t sockets_of_org = 3'000;
    /// One subscriber has at most this part of an environment's: 1 / 2. Whole companies come from
    /// one address.
    std::size_t address_part = 2;
    std::size_t kept_of_environment = 32;     ///< streams that wait for their client's next request
    std::chrono::milliseconds reload{10'000}; ///< how often the table is looked at anyway
};

struct EdgeCounters {
    std::size_t open = 0;
    std::size_t hosts = 0;
    std::uint64_t requests = 0;
    std::uint64_t refused = 0; ///< answered by a page of ours
};

class Proxy;

/// Everything happens on the executor's thread, but for changed().
class Edge {
public:
    Edge(Executor executor, Opener opener, Names names, EdgeLimits limits = EdgeLimits());
    Edge(const Edge&) = delete;
    ~Edge();

    /// From now on routed names are served to a proxy before this edge alone, which is told by its
    /// client certificate (net::TlsServerContext::set_visitor_authorities): others get 403, and
    /// who a visitor is says `address_field` of the request.
    void stand_behind(std::string address_field) { address_field_ = std::move(address_field); }

    /// For the listener: one connection of a client, for a name that is routed or nobody's.
    Task<> serve(net::Wire& wire);

    Side side_of(std::string_view name) const { return names_.side_of(name, *table_); }

    /// From now on. Connections for names that lead elsewhere now are ended.
    void use(std::shared_ptr<const Table> table);

    /// Keeps the table up to date. Runs until it is cancelled.
    Task<> watch(WorkerPool& pool, Loader load);
    /// Something was committed that may have changed it. Thread-safe, costs little.
    void changed();

    EdgeCounters counters() const;

private:
    friend class Proxy;

    /// A connection of the network before this edge, which brings many visitors.
    bool comes_through_network(const net::Wire& wire) const;

    Executor executor_;
    Opener opener_;
    Names names_;
    EdgeLimits limits_;
    std::string address_field_; ///< "": nothing stands before this edge
    std::shared_ptr<net::Deadlines> deadlines_;
    std::shared_ptr<const Table> table_;
    Quota clients_, kept_;
    Shares connections_, streams_, sockets_;
    std::list<Proxy*> proxies_;
    EdgeCounters counters_;
    Event news_;
    std::atomic<bool> told_ = false;
};

} // namespace fairlead::edge
