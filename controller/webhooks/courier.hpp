/// Carries what waits in the queue to the receivers, on threads of its own.
#pragma once

#include "controller/webhooks/queue.hpp"
#include "controller/webhooks/turns.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace fairlead::webhooks {

/// Thread-safe. Each thread waits for one receiver at a time, for 15 s at most.
class Courier {
public:
    Courier(
        Queue& queue, outbound::Outbound& outbound, const Clock& clock, Turns::Limits limits = {}
    );
    /// As stop().
    ~Courier() { stop(); }
    Courier(const Courier&) = delete;

    /// What is left from before, and threads.
    void start();
    /// Ends the attempts under way, each of which is written down as that and made again after the
    /// next start; what is due stays in the store. Nothing is sent from now on.
    void stop();
    /// Cheap; never blocks.
    void due(const Turn& turn, Timestamp at);
    void forget(const WebhookId& webhook);

    /// What is left from before is known. start() does it.
    Result<> load();
    /// One attempt, as a thread makes it; false when nobody's turn has come.
    bool step();

    /// A receiver that takes longer, or does not answer, is slow.
    static constexpr auto quick = std::chrono::seconds(3);
    /// When the store could not be asked, it is asked again.
    static constexpr auto store_pause = std::chrono::seconds(5);

private:
    void run(const std::stop_token& stop);
    void serve(const Turn& turn);
    /// When it has more to send, and how it went.
    std::pair<Result<std::optional<Timestamp>>, Pace> attempt(const Turn& turn);
    void wake();

    Queue& queue_;
    outbound::Outbound& outbound_;
    const Clock& clock_;
    std::size_t threads_wanted_;
    std::stop_source stop_; ///< of the attempts under way
    std::mutex lock_;
    std::condition_variable_any news_;
    std::uint64_t changes_ = 0;
    Turns turns_;
    std::vector<std::jthread> threads_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead::webhooks
