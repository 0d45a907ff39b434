#include "controller/webhooks/courier.hpp"

#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"

#include <algorithm>
#include <exception>

namespace fairlead::webhooks {
namespace {

constexpr auto longest_sleep = std::chrono::seconds(15);

/// 0 … 1
double chance() {
    auto bytes = crypto::random_bytes(2);
    auto number = static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1]);
    return number / 65535.0;
}

} // namespace

Courier::Courier(
    Queue& queue, outbound::Outbound& outbound, const Clock& clock, Turns::Limits limits
)
    : queue_(queue), outbound_(outbound), clock_(clock), threads_wanted_(limits.in_flight),
      turns_(limits) {}

void Courier::start() {
    if (auto loaded = load(); !loaded)
        throw std::runtime_error("waiting webhooks cannot be read: " + loaded.error().message());
    for (std::size_t i = 0; i < threads_wanted_; ++i)
        threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

void Courier::stop() {
    // The threads first: what is cut off stays due, and nobody is to begin it once more.
    for (auto& thread : threads_) thread.request_stop();
    stop_.request_stop();
    threads_.clear();
}

Result<> Courier::load() {
    FAIRLEAD_TRY(waiting, queue_.waiting());
    for (const auto& [turn, at] : waiting) due(turn, at);
    return {};
}

void Courier::wake() {
    ++changes_;
    news_.notify_one();
}

void Courier::due(const Turn& turn, Timestamp at) {
    std::lock_guard held(lock_);
    turns_.due(turn, at);
    wake();
}

void Courier::forget(const WebhookId& webhook) {
    std::lock_guard held(lock_);
    turns_.forget(webhook);
}

std::pair<Result<std::optional<Timestamp>>, Pace> Courier::attempt(const Turn& turn) {
    auto job = queue_.job(turn);
    if (!job) return {fail(std::move(job).error()), Pace::quick};
    if (!*job) return {queue_.next_due(turn), Pace::quick};

    Queue::Attempted attempted;
    attempted.began = clock_.now();
    attempted.chance = chance();
    auto began = std::chrono::steady_clock::now();
    (*job)->request.stop = stop_.get_token();
    auto answer = outbound_.send((*job)->request);
    attempted.took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began
    );
    attempted.outcome = judge(answer, clock_.now());
    bool slow = attempted.took > quick;
    auto next = queue_.record(turn, (*job)->delivery.id, attempted);
    return {std::move(next), slow ? Pace::slow : Pace::quick};
}

void Courier::serve(const Turn& turn) {
    std::optional<Timestamp> next = clock_.now() + store_pause;
    auto pace = Pace::quick;
    try {
        auto [result, how] = attempt(turn);
        pace = how;
        if (result)
            next = *result;
        else
            log::error(
                "a webhook could not be served",
                {{"webhook", turn.webhook.str()}, {"reason", result.error().message()}}
            );
    } catch (const std::exception& broken) {
        log::error(
            "a webhook could not be served",
            {{"webhook", turn.webhook.str()}, {"reason", broken.what()}}
        );
    }
    std::lock_guard held(lock_);
    turns_.give_back(turn, pace, next, clock_.now());
    wake();
}

bool Courier::step() {
    std::optional<Turn> turn;
    {
        std::lock_guard held(lock_);
        turn = turns_.take(clock_.now());
        // There may be more for others.
        if (turn) wake();
    }
    if (turn) serve(*turn);
    return turn.has_value();
}

void Courier::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::uint64_t seen = 0;
        std::chrono::milliseconds pause = longest_sleep;
        {
            std::lock_guard held(lock_);
            seen = changes_;
        }
        if (step()) continue;
        std::unique_lock held(lock_);
        auto now = clock_.now();
        if (auto at = turns_.next_at(now))
            pause = std::clamp<std::chrono::milliseconds>(
                *at - now, std::chrono::milliseconds(1), longest_sleep
            );
        news_.wait_for(held, stop, pause, [&] { return changes_ != seen; });
    }
}

} // namespace fairlead::webhooks
