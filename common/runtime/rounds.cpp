#include "common/runtime/rounds.hpp"

#include "common/runtime/log.hpp"

#include <exception>

namespace fairlead {

void Rounds::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Rounds::stop() {
    thread_ = {};
}

void Rounds::wake() {
    std::lock_guard held(lock_);
    woken_ = true;
    news_.notify_one();
}

void Rounds::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            auto did = work_.round(stop);
            if (did && *did) continue;
            if (!did)
                log::error(
                    work_.what + " failed",
                    {{"reason", did.error().message()}, {"detail", did.error().detail()}}
                );
        } catch (const std::exception& broken) {
            log::error(work_.what + " failed", {{"reason", broken.what()}});
        }
        auto sleep = work_.pause();
        std::unique_lock held(lock_);
        news_.wait_for(held, stop, sleep, [&] { return woken_; });
        woken_ = false;
    }
}

} // namespace fairlead
