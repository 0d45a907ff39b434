#include "controller/terminal/live.hpp"

#include "common/async/cancelled.hpp"
#include "common/crypto/token.hpp"
#include "common/runtime/log.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::terminal {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;

constexpr std::size_t piece = 32 * 1024; // of output in one message, and of input in one

} // namespace

Live::Live(Executor executor, SeatPtr whose, stream::Stream to, const TerminalOptions& options)
    : executor_(executor), seat_(std::move(whose)), options_(options), stream_(std::move(to)),
      space_(executor), input_(executor), changed_(executor) {
    // What lies unread in the stream and what the browser has not taken are bounded alike.
    stream_.limit_window(Room::output_window);
    if (seat_->until) until_ = Steady::now() + (*seat_->until - seat_->made);
}

// ---- the server's side

Task<> Live::run() {
    TaskGroup group(executor_);
    group.spawn(pump(group));
    group.spawn(feed());
    group.spawn(watch());
    group.spawn(keep_time());
    try {
        co_await group.join();
    } catch (const std::exception& broken) {
        if (!is_cancellation(std::current_exception()))
            log::error(
                "a terminal failed", {{"terminal", seat_->id.str()}, {"reason", broken.what()}}
            );
        cut(Ending("failed", "The controller failed; its log says why."));
    }
    over_ = true;
    tell();
    changed_.notify();
}

/// Output to the room, as far as that has space: beyond it the stream's window fills, and with that
/// the program on the server waits.
Task<> Live::pump(TaskGroup& group) {
    proto::TerminalReader reader(proto::TerminalSide::agent);
    for (;;) {
        while (room_.space() == 0 && !stream_.has_failed()) co_await space_.wait();
        auto most = std::min(room_.space(), stream::max_data_payload);
        auto bytes = co_await stream_.read(most);
        if (!bytes) {
            end(ending_of_reset(stream_.reset_code(), bytes.error(), heard_));
            break;
        }
        if (bytes->empty()) {
            end(Ending("lost", "The server ended the terminal without a word."));
            stream_.close();
            break;
        }
        heard_ = true;
        auto taken = take(reader, *bytes);
        if (!taken) {
            end(Ending("lost", "The server's agent broke the rules: " + taken.error().message()));
            auto code = static_cast<std::uint32_t>(stream::ResetCode::cancelled);
            stream_.reset(code, taken.error().message());
            break;
        }
        tell();
    }
    group.cancel();
}

/// A server that is gone ends the terminal also while its output waits for the browser.
Task<> Live::watch() {
    co_await stream_.failed();
    space_.notify();
}

Result<> Live::take(proto::TerminalReader& reader, std::string_view bytes) {
    for (;;) {
        FAIRLEAD_TRY(part, reader.next(bytes));
        if (!part) return {};
        if (part->type == proto::TerminalMessage::output) {
            room_.output(part->bytes);
        } else if (part->type == proto::TerminalMessage::end) {
            end(ending_of(part->end));
            stream_.close();
        }
    }
}

/// Sizes and what is typed take turns, so that a storm of sizes holds no Ctrl-C up.
Task<> Live::feed() {
    bool sized = false; // last
    for (;;) {
        if (hung_up_) co_return stream_.close();
        std::string message;
        std::size_t typed = 0;
        if (size_ && !(sized && room_.has_input())) {
            message = proto::write_resize(*std::exchange(size_, std::nullopt));
            sized = true;
        } else if (room_.has_input()) {
            sized = false;
            auto bytes = room_.next_input(piece);
            typed = bytes.size();
            message = proto::write_input(bytes);
        } else {
            co_await input_.wait();
            continue;
        }
        auto written = co_await stream_.write(message);
        if (!written) co_return; // pump() learns why
        room_.passed(typed);
        tell();
    }
}

std::optional<Live::Steady::time_point> Live::next_deadline() const {
    if (hung_up_) return *hung_up_ + options_.hang_up;
    auto next = until_;
    if (!shown_by_) {
        auto given_up = away_since_ + options_.patience;
        next = next ? std::min(*next, given_up) : given_up;
    }
    return next;
}

Task<> Live::keep_time() {
    for (;;) {
        auto deadline = next_deadline();
        if (!deadline) {
            co_await changed_.wait();
            continue;
        }
        auto now = Steady::now();
        if (*deadline > now) {
            auto left = ceil<milliseconds>(*deadline - now);
            auto woken = co_await changed_.wait_for(left);
            static_cast<void>(woken);
        } else if (hung_up_) {
            auto code = static_cast<std::uint32_t>(stream::ResetCode::cancelled);
            stream_.reset(code, "It was hung up, and has not ended.");
            co_return;
        } else if (until_ && *until_ <= now) {
            until_.reset();
            cut(Ending("access_ended", "The access that this terminal was opened with is over."));
        } else {
            hang_up(Ending("left", "Its browser did not come back in time."));
        }
    }
}

Task<> Live::linger() {
    while (!told_ && !cut_) {
        if (shown_by_) {
            co_await changed_.wait();
            continue;
        }
        auto left = ceil<milliseconds>(away_since_ + options_.patience - Steady::now());
        if (left.count() <= 0) co_return;
        auto woken = co_await changed_.wait_for(left);
        static_cast<void>(woken);
    }
}

void Live::end(Ending why) {
    if (ending_.reason.empty()) ending_ = std::move(why);
}

void Live::hang_up(Ending why) {
    end(std::move(why));
    if (!hung_up_) hung_up_ = Steady::now();
    room_.drop_output(); // so that the server's last word gets here
    space_.notify();
    input_.notify();
    changed_.notify();
}

void Live::cut(Ending why) {
    end(std::move(why));
    cut_ = true;
    room_.drop_output();
    auto code = static_cast<std::uint32_t>(stream::ResetCode::cancelled);
    stream_.reset(code, "The controller ended this terminal.");
    space_.notify();
    changed_.notify();
    tell();
}

// ---- the browser's side

Secret Live::next_secret(const Secret& used) {
    auto secret = crypto::make_token("fltr_");
    old_secret_hash_ = used.empty() ? std::string() : crypto::token_hash(used.reveal());
    secret_hash_ = crypto::token_hash(secret.reveal());
    return secret;
}

bool Live::knows(const Secret& secret) const {
    if (secret.empty()) return false;
    auto hash = Secret(crypto::token_hash(secret.reveal()));
    return hash.equals(secret_hash_) ||
           (!old_secret_hash_.empty() && hash.equals(old_secret_hash_));
}

void Live::attach(Attendance& who) {
    if (shown_by_) shown_by_->end(4409, "replaced");
    shown_by_ = &who;
    changed_.notify();
}

void Live::detach(const Attendance& who) {
    if (shown_by_ != &who) return;
    shown_by_ = nullptr;
    away_since_ = Steady::now();
    changed_.notify();
}

Result<> Live::hear(const net::Message& message) {
    old_secret_hash_.clear();
    if (message.kind == net::MessageKind::binary) {
        FAIRLEAD_CHECK(room_.typed(message.data));
        input_.notify();
        return {};
    }
    FAIRLEAD_TRY(said, read_said(message.data));
    switch (said.what) {
    case Said::What::took:
        FAIRLEAD_CHECK(room_.took(said.bytes));
        space_.notify();
        return {};
    case Said::What::resize:
        size_ = said.size;
        input_.notify();
        return {};
    case Said::What::close:
        hang_up(Ending("closed", "It was closed here."));
        return {};
    default:
        return fail(Errc::invalid, "The terminal is open on this connection already.");
    }
}

void Live::leave() {
    told_ = true;
    if (over_)
        changed_.notify();
    else
        hang_up(Ending("left", "The page was closed."));
}

void Live::tell() {
    if (shown_by_) shown_by_->news.notify();
}

void Live::drop_browser() {
    if (!shown_by_) return;
    shown_by_->broken = true;
    shown_by_->browser.abort();
    shown_by_->news.notify();
}

Task<> Live::speak(Attendance& who) {
    while (!who.broken && who.code == 0 && is_shown_by(who)) {
        auto said = co_await say_next(who);
        if (said) continue;
        auto patience = who.said_end ? options_.hang_up : options_.ping_after;
        auto woken = co_await who.news.wait_for(patience);
        if (woken) continue;
        if (who.said_end) { // a browser closes the connection when it has heard the end
            told_ = true;
            who.end(1000, ending_.reason);
        } else if (who.browser.silence() > options_.give_up_after) {
            who.broken = true;
            who.browser.abort();
        } else {
            auto pinged = co_await who.browser.ping();
            if (!pinged) who.broken = true;
        }
    }
}

/// One message; false when there is none.
Task<bool> Live::say_next(Attendance& who) {
    std::string text;
    auto kind = net::MessageKind::text;
    bool last = false;
    if (!who.first.empty()) {
        text = std::exchange(who.first, {});
    } else if (who.said_end) {
        co_return false;
    } else if (over_ && (cut_ || room_.all_sent())) {
        text = say_ended(ending_);
        last = true;
    } else if (cut_) {
        co_return false; // until it is over
    } else if (who.told_input != room_.input_passed()) {
        who.told_input = room_.input_passed();
        text = say_took(who.told_input);
    } else {
        text = room_.next_output(piece);
        kind = net::MessageKind::binary;
    }
    if (text.empty()) co_return false;
    auto written = co_await who.browser.write(kind, text);
    if (!written) who.broken = true;
    who.said_end = who.said_end || last;
    co_return true;
}

} // namespace fairlead::terminal
