/// One reading of a log: a server's stream on one side, the body of an answer on the other.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/net/http_server.hpp"
#include "common/stream/carrier.hpp"
#include "controller/logs/asked.hpp"
#include "controller/logs/last_words.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace fairlead::logs {

struct ReadingOptions {
    ReadingOptions() = default;

    std::chrono::milliseconds opening{20'000};        ///< for the server to say that it is open
    std::chrono::milliseconds still_here{20'000};     ///< of nothing to say
    std::chrono::milliseconds goodbye{700};           ///< to hear of a reading that was cut
    std::chrono::milliseconds longest{12 * 3600'000}; ///< whoever follows comes back by the cursor
};

/// Holds one piece and never looks into it: what is read passes through as it is, and while the
/// reader takes nothing, nothing is taken from the server. Everything on the executor's thread.
class Reading {
public:
    Reading(Executor executor, AskedPtr asked, stream::Stream from, const ReadingOptions& options);

    /// The server's word that it is open: Errc and codes of refusal_of().
    Task<Result<>> open();

    /// Writes the body until it is over. Throws where a file is not whole, so that nobody takes a
    /// part for it. Once, after open().
    Task<> write(net::BodyWriter& writer);

    /// Nothing more comes from the server; the reader is told, where it hears. The first counts.
    void cut(LastWords why);
    /// Whoever still waits for the reader does so no longer: write() throws.
    void drop();

    const Asked& asked() const { return *asked_; }

private:
    Task<> take();
    Task<> give(net::BodyWriter& writer);
    void accept(std::string bytes);
    void finish(LastWords why);
    std::optional<std::chrono::milliseconds> left() const;

    Executor executor_;
    AskedPtr asked_;
    ReadingOptions options_;
    stream::Stream stream_;
    Event space_, news_;
    TaskGroup* both_ = nullptr; // while write() runs
    std::string held_;          // for the reader
    std::uint64_t total_ = 0;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool between_lines_ = true; // as far as the reader has it
    bool over_ = false, whole_ = false, dropped_ = false;
    LastWords why_;
};

} // namespace fairlead::logs
