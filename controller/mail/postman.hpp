/// Carries the outbox's letters to the mail server, on a thread of its own.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/mail/outbox.hpp"
#include "controller/mail/transport.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <thread>

namespace fairlead::mail {

/// Thread-safe. A slow mail server holds up nothing but mails.
class Postman {
public:
    Postman(Outbox& outbox, Transport& transport, const Clock& clock)
        : outbox_(outbox), transport_(transport), clock_(clock) {}
    /// Ends the transfer under way; its letter stays in the outbox.
    ~Postman() = default;

    void start();
    /// There is a new letter. Cheap; never blocks.
    void wake();

    /// One round, as the thread does it: what is due now, oldest first, until the server cannot be
    /// reached. How many went out.
    Result<std::size_t> carry(const std::stop_token& stop = {});

private:
    void run(const std::stop_token& stop);

    Outbox& outbox_;
    Transport& transport_;
    const Clock& clock_;
    std::mutex lock_;
    std::condition_variable_any news_;
    bool woken_ = false;
    std::jthread thread_; ///< last: stopped and joined before the rest goes away
};

} // namespace fairlead::mail
