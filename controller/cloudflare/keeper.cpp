#include "controller/cloudflare/keeper.hpp"

#include "common/runtime/log.hpp"

#include <algorithm>
#include <exception>

namespace fairlead::cloudflare {

void Keeper::start() {
    if (hostnames_.configured()) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
        return;
    }
    auto held = hostnames_.store().read([](store::Connection& db) { return held_in_all(db); });
    if (held && *held > 0)
        log::warning(
            "custom hostnames stay at Cloudflare: name their zone in controller.yaml (edge: "
            "cloudflare:) until no environment is exposed by the tunnel, or take them out there",
            {{"names", *held}}
        );
}

void Keeper::stop() {
    thread_ = {};
}

void Keeper::wake() {
    std::lock_guard held(lock_);
    woken_ = true;
    news_.notify_one();
}

Result<bool> Keeper::round(const std::stop_token& stop) {
    FAIRLEAD_CHECK(hostnames_.sync());
    // One, and then the names again: many that wait do not hide what was taken away.
    return hostnames_.step(stop);
}

std::chrono::milliseconds Keeper::pause() const {
    auto next = hostnames_.next();
    auto now = clock_.now();
    if (!next || !*next) return longest_sleep;
    // What is due and yet waits is a name that still leaves the zone.
    if (**next <= now) return std::chrono::seconds(1);
    return std::min<std::chrono::milliseconds>(**next - now, longest_sleep);
}

void Keeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            auto did = round(stop);
            if (!did)
                log::error(
                    "looking after custom hostnames failed",
                    {{"reason", did.error().message()}, {"detail", did.error().detail()}}
                );
        } catch (const std::exception& broken) {
            log::error("looking after custom hostnames failed", {{"reason", broken.what()}});
        }
        auto sleep = pause();
        std::unique_lock held(lock_);
        news_.wait_for(held, stop, sleep, [&] { return woken_; });
        woken_ = false;
    }
}

} // namespace fairlead::cloudflare
