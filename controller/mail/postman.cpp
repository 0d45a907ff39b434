#include "controller/mail/postman.hpp"

#include "common/runtime/log.hpp"

#include <chrono>
#include <exception>

namespace fairlead::mail {
namespace {

constexpr std::int64_t at_once = 20;
constexpr auto longest_sleep = std::chrono::seconds(15);

} // namespace

void Postman::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Postman::wake() {
    {
        std::lock_guard held(lock_);
        woken_ = true;
    }
    news_.notify_one();
}

Result<std::size_t> Postman::carry(const std::stop_token& stop) {
    std::size_t count = 0;
    for (;;) {
        FAIRLEAD_TRY(letters, outbox_.due(clock_.now(), at_once));
        for (const auto& letter : letters) {
            if (stop.stop_requested()) return count;
            auto done = transport_.send(letter.message, clock_.now(), stop);
            if (done) {
                FAIRLEAD_CHECK(outbox_.sent(letter.mail.id));
                ++count;
                continue;
            }
            if (stop.stop_requested()) return count;
            FAIRLEAD_CHECK(outbox_.failed(letter.mail, done.error(), clock_.now()));
            bool for_good = done.error().kind() == Errc::invalid;
            log::warning(
                for_good ? "a mail was refused" : "a mail could not be sent",
                {{"mail", letter.mail.id.str()},
                 {"kind", letter.mail.kind},
                 {"attempts", letter.mail.attempts + 1},
                 {"reason", done.error().message()}}
            );
            // The others would fare no better; they are tried in the next rounds.
            if (!for_good) return count;
        }
        if (letters.size() < static_cast<std::size_t>(at_once)) return count;
    }
}

void Postman::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            if (auto done = carry(stop); !done)
                log::error("sending mail failed", {{"reason", done.error().message()}});
        } catch (const std::exception& broken) {
            log::error("sending mail failed", {{"reason", broken.what()}});
        }
        std::unique_lock held(lock_);
        news_.wait_for(held, stop, longest_sleep, [this] { return woken_; });
        woken_ = false;
    }
}

} // namespace fairlead::mail
