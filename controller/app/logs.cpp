#include "controller/app/logs.hpp"

#include "controller/gateway/open_log.hpp"

namespace fairlead::app {

logs::Readings::Opener logs_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys) {
    return [&](logs::AskedPtr asked) {
        return gateway::open_log(hub, pool, keys, asked->scope.org(), asked->server, asked->what);
    };
}

std::function<Task<Result<logs::Readings::Body>>(std::string)> bodies_of(logs::Readings& readings) {
    return [&readings](std::string id) { return readings.open(std::move(id)); };
}

} // namespace fairlead::app
