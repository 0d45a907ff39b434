#include "controller/app/logs.hpp"

#include "controller/gateway/open_log.hpp"
#include "controller/gateway/open_mail.hpp"

namespace fairlead::app {

logs::Readings::Opener logs_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys) {
    return [&](logs::AskedPtr asked) {
        if (asked->mail)
            return gateway::open_mail(
                hub, pool, keys, asked->scope.org(), asked->server, *asked->mail
            );
        if (asked->recording)
            return gateway::open_recording(
                hub, pool, keys, asked->scope.org(), asked->server, *asked->recording
            );
        return gateway::open_log(hub, pool, keys, asked->scope.org(), asked->server, asked->what);
    };
}

std::function<Task<Result<logs::Readings::Body>>(std::string)> bodies_of(logs::Readings& readings) {
    return [&readings](std::string id) { return readings.open(std::move(id)); };
}

} // namespace fairlead::app
