/// When a request is worth another try, and how long to wait for it.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

namespace fairlead::bucket {

/// Waiting and chance, from outside, so that a test does not wait. Thread-safe.
class Pause {
public:
    virtual ~Pause() = default;
    /// False when it was ended by the token.
    virtual bool wait(std::chrono::milliseconds time, const std::stop_token& stop) = 0;
    /// In [0, 1).
    virtual double draw() = 0;
};

class RealPause final : public Pause {
public:
    bool wait(std::chrono::milliseconds time, const std::stop_token& stop) override;
    double draw() override;
};

/// What a try came to. Status 0: there was no answer.
struct Failed {
    int status = 0;
    std::string code; ///< the server's word, or ours for a lost connection
    std::optional<std::chrono::seconds> retry_after;
};

/// True for what may go away by itself.
bool is_passing(const Failed& failed);

struct RetryLimits {
    unsigned tries = 8;
    std::chrono::milliseconds first{250};      ///< the upper end of the first wait; it doubles
    std::chrono::milliseconds longest{20'000}; ///< of one wait, and of a Retry-After that is heeded
    std::chrono::milliseconds total{120'000};  ///< of all waits
};

/// The tries of one request: full jitter, that is a wait between 0 and an end that doubles.
class Retries {
public:
    Retries(const RetryLimits& limits, Pause& pause) : limits_(limits), pause_(pause) {}

    /// How long to wait before the next try; nothing when there is to be none.
    std::optional<std::chrono::milliseconds> next(const Failed& failed);
    /// Something was gained, so that the count begins anew.
    void gained() {
        made_ = 0;
        waited_ = std::chrono::milliseconds(0);
    }
    unsigned failures() const { return made_; }

private:
    RetryLimits limits_;
    Pause& pause_;
    unsigned made_ = 0;
    std::chrono::milliseconds waited_{0};
};

} // namespace fairlead::bucket
