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

Result<> Keeper::round(const std::stop_token& stop) {
    FAIRLEAD_CHECK(certificates_.sync());
    FAIRLEAD_CHECK(certificates_.watch());
    // One, and then the names again: many that wait do not hide what was taken away.
    FAIRLEAD_TRY(did, certificates_.step(stop));
    if (did) wake();
    return {};
}

std::chrono::milliseconds Keeper::pause() const {
    auto next = certificates_.next();
    if (!next || !*next) return longest_sleep;
    // What is due and yet waits has used up what is allowed in an hour.
    return std::clamp<std::chrono::milliseconds>(
        **next - clock_.now(), std::chrono::seconds(1), longest_sleep
    );
}

void Keeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            if (auto done = round(stop); !done)
                log::error(
                    "looking after certificates failed",
                    {{"reason", done.error().message()}, {"detail", done.error().detail()}}
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
