#include "controller/edge/edge.hpp"

#include "common/async/offload.hpp"
#include "common/net/deadlines.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/log.hpp"
#include "controller/edge/pages.hpp"
#include "controller/edge/proxy.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <limits>

namespace fairlead::edge {
namespace {

// Many changes at once make one table.
constexpr auto least_pause = std::chrono::milliseconds(50);

std::size_t part_of(std::size_t all, const EdgeLimits& limits) {
    return std::max<std::size_t>(all / limits.address_part, 1);
}

} // namespace

EdgeLimits::EdgeLimits() {
    http.header_bytes = 32 * 1024;
    http.header_count = 128;
    http.target_bytes = 16 * 1024;
    http.body_bytes = std::numeric_limits<std::int64_t>::max();
    http.header_time = std::chrono::seconds(20);
    http.idle_time = std::chrono::seconds(60);
}

Edge::Edge(Executor executor, Opener opener, Names names, EdgeLimits limits)
    : executor_(executor), opener_(std::move(opener)), names_(std::move(names)), limits_(limits),
      deadlines_(std::make_shared<net::Deadlines>(executor)),
      table_(std::make_shared<const Table>()), clients_(limits.of_address),
      kept_(limits.kept_of_environment),
      connections_(limits.of_org, limits.of_environment, part_of(limits.of_environment, limits)),
      streams_(
          limits.streams_of_org, limits.streams_of_environment,
          part_of(limits.streams_of_environment, limits)
      ),
      sockets_(
          limits.sockets_of_org, limits.sockets_of_environment,
          part_of(limits.sockets_of_environment, limits)
      ),
      news_(executor) {}

Edge::~Edge() = default;

Task<> Edge::serve(net::Wire& wire) {
    bool full = proxies_.size() >= limits_.connections;
    bool one_client = !comes_through_network(wire);
    auto of_client = one_client ? clients_.take(subscriber_of(wire.peer().address))
                                : std::optional<Quota::Place>();
    if (full || (one_client && !of_client)) {
        ++counters_.refused;
        auto busy = full ? page(503, "There are too many visitors here at the moment.", "", "GET")
                         : page(429, "Your address has too many connections open.", "", "GET");
        auto written = co_await wire.write(busy, {}, limits_.write_time);
        if (written) co_await wire.finish();
        co_return;
    }
    Proxy proxy(*this, wire);
    auto place = proxies_.insert(proxies_.end(), &proxy);
    std::exception_ptr thrown;
    try {
        co_await proxy.run();
    } catch (...) {
        thrown = std::current_exception();
    }
    proxies_.erase(place);
    if (thrown) std::rethrow_exception(thrown);
}

bool Edge::comes_through_network(const net::Wire& wire) const {
    return !address_field_.empty() && wire.peer().certificate;
}

void Edge::use(std::shared_ptr<const Table> table) {
    table_ = std::move(table);
    for (auto* proxy : proxies_) proxy->look_again();
}

void Edge::changed() {
    if (told_.exchange(true)) return;
    asio::post(executor_, [this] { news_.notify(); });
}

Task<> Edge::watch(WorkerPool& pool, Loader load) {
    for (;;) {
        told_ = false;
        auto guarded = [&]() -> Result<std::optional<Table>> {
            try {
                return load();
            } catch (const std::exception& failed) {
                return fail(Errc::internal, failed.what());
            }
        };
        auto table = co_await offload(pool, guarded);
        if (!table)
            log::error(
                "the edge's table could not be read; the one before stays",
                {{"reason", table.error().message()}, {"detail", table.error().detail()}}
            );
        else if (*table)
            use(std::make_shared<const Table>(**std::move(table)));
        co_await sleep_for(least_pause);
        auto news = co_await news_.wait_for(limits_.reload);
        static_cast<void>(news);
    }
}

EdgeCounters Edge::counters() const {
    auto counters = counters_;
    counters.open = proxies_.size();
    counters.hosts = table_->size();
    return counters;
}

} // namespace fairlead::edge
