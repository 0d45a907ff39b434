#include "controller/certificates/keeper.hpp"

#include "common/runtime/log.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace fairlead::certificates {

void Keeper::start() {
    if (auto loaded = certificates_.load(); !loaded)
        throw std::runtime_error("certificates cannot be read: " + loaded.error().message());
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
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
    FAIRLEAD_CHECK(certificates_.sync());
    FAIRLEAD_CHECK(certificates_.watch());
    // One, and then the names again: many that wait do not hide what was taken away.
    return certificates_.step(stop);
}

std::chrono::milliseconds Keeper::pause() const {
    auto next = certificates_.next();
    auto now = clock_.now();
    // What is due and yet waits has used up what is allowed in an hour.
    if (!next || !*next || **next <= now) return longest_sleep;
    return std::min<std::chrono::milliseconds>(**next - now, longest_sleep);
}

void Keeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            auto did = round(stop);
            if (did && *did) continue;
            if (!did)
                log::error(
                    "looking after certificates failed",
                    {{"reason", did.error().message()}, {"detail", did.error().detail()}}
                );
        } catch (const std::exception& broken) {
            log::error("looking after certificates failed", {{"reason", broken.what()}});
        }
        auto sleep = pause();
        std::unique_lock held(lock_);
        news_.wait_for(held, stop, sleep, [&] { return woken_; });
        woken_ = false;
    }
}

} // namespace fairlead::certificates
