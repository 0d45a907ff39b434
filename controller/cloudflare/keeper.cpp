#include "controller/cloudflare/keeper.hpp"

#include "common/runtime/log.hpp"

#include <algorithm>

namespace fairlead::cloudflare {

Keeper::Keeper(Hostnames& hostnames, const Clock& clock)
    : hostnames_(hostnames), clock_(clock),
      rounds_(
          {"looking after custom hostnames",
           [this](const std::stop_token& stop) { return round(stop); }, [this] { return pause(); }}
      ) {}

void Keeper::start() {
    if (hostnames_.configured()) return rounds_.start();
    auto held = hostnames_.store().read([](store::Connection& db) { return held_in_all(db); });
    if (held && *held > 0)
        log::warning(
            "custom hostnames stay at Cloudflare: name their zone in controller.yaml (edge: "
            "cloudflare:) until no environment is exposed by the tunnel, or take them out there",
            {{"names", *held}}
        );
}

Result<bool> Keeper::round(const std::stop_token& stop) {
    FAIRLEAD_CHECK(hostnames_.sync());
    // One, and then the names again: many that wait do not hide what was taken away.
    FAIRLEAD_CHECK(hostnames_.step(stop));
    return false; // requests have a pause between them
}

std::chrono::milliseconds Keeper::pause() const {
    auto next = hostnames_.next();
    auto now = clock_.now();
    if (!next || !*next) return longest_sleep;
    // What is due and yet waits is a name that still leaves the zone.
    if (**next <= now) return std::chrono::seconds(1);
    return std::min<std::chrono::milliseconds>(**next - now, longest_sleep);
}

} // namespace fairlead::cloudflare
