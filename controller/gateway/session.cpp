#include "controller/gateway/session.hpp"

#include "common/async/cancelled.hpp"
#include "common/async/offload.hpp"
#include "common/runtime/log.hpp"
#include "proto/messages.hpp"

#include <boost/asio/this_coro.hpp>

namespace fairlead::gateway {

namespace {

using Steady = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(5); // for a goodbye that the agent does not take

} // namespace

std::uint16_t close_code(std::string_view code) {
    if (code == "going_away") return 1001;
    if (code == "server_unknown") return 4001;
    if (code == "revoked") return 4002;
    if (code == "clock_wrong") return 4003;
    if (code == "protocol_too_old" || code == "protocol_too_new") return 4004;
    if (code == "replaced") return 4005;
    if (code == "too_slow") return 4006;
    if (code == "hello_timeout") return 4007;
    return 1002;
}

Session::Session(Hub& hub, Executor executor, net::WebSocket socket)
    : hub_(hub), socket_(std::move(socket)), children_(executor), turn_(executor) {}

Task<> Session::run() {
    std::exception_ptr thrown;
    try {
        co_await talk();
    } catch (...) {
        thrown = std::current_exception();
    }
    auto asked = co_await asio::this_coro::cancellation_state;
    bool stopping =
        asked.cancelled() != asio::cancellation_type::none || (thrown && is_cancellation(thrown));
    // From here on the link is told goodbye and forgotten, also when the listener stops.
    co_await asio::this_coro::reset_cancellation_state();
    if (attached_) hub_.detach(*this);
    if (stopping)
        end("going_away", "The controller stops; try again in a moment.");
    else if (thrown)
        end("going_away", "The controller failed to handle a message.");
    if (end_code_.empty() || !writing_) children_.cancel();
    try {
        co_await children_.join();
    } catch (const std::exception& error) {
        if (!is_cancellation(std::current_exception()))
            log::error("a link failed", {{"reason", error.what()}});
    }
    if (link_) {
        auto forget = [this] { hub_.core_.closed(*link_); };
        co_await offload(hub_.pool_, forget);
    }
    if (thrown && !is_cancellation(thrown)) std::rethrow_exception(thrown);
}

Task<> Session::talk() {
    auto known = co_await identify();
    if (!known) co_return refuse(known.error());
    // Before the hello: a revocation that comes meanwhile must find this link.
    hub_.attach(*this);
    auto greeted = co_await greet();
    if (!greeted) co_return refuse_hello(greeted.error());
    note_connected();
    co_await read_loop();
    note_gone();
}

// What says something to the log are functions of their own: what they need for it would be in the
// frames of the coroutines for as long as the link lives.

void Session::refuse(const Error& why) {
    const auto& certificate = socket_.peer().certificate;
    log::warning(
        "an agent was refused", {{"address", socket_.peer().address},
                                 {"certificate", certificate ? certificate->common_name : ""},
                                 {"code", why.code()},
                                 {"reason", why.message()}}
    );
    end(why.code(), why.message());
}

void Session::refuse_hello(Error why) {
    if (!end_code_.empty()) why = Error(Errc::timeout, end_message_).with_code(end_code_);
    log::warning(
        "a link ended at its hello",
        {{"server", server().str()}, {"code", why.code()}, {"reason", why.message()}}
    );
    auto unavailable = why.kind() == Errc::unavailable || why.code().empty();
    end(unavailable ? "going_away" : why.code(), why.message());
}

void Session::note_connected() {
    log::info(
        "an agent is connected", {{"server", server().str()}, {"address", socket_.peer().address}}
    );
}

void Session::note_gone() {
    log::info(
        "an agent is gone", {{"server", server().str()}, {"code", socket_.close_reason().code}}
    );
}

void Session::refuse_message(const Error& why) {
    log::warning(
        "a link ends over a message", {{"server", server().str()},
                                       {"code", why.code()},
                                       {"reason", why.message()},
                                       {"detail", why.detail()}}
    );
    end(why.kind() == Errc::unavailable ? "going_away" : why.code(), why.message());
}

Task<Result<>> Session::identify() {
    const auto& certificate = socket_.peer().certificate;
    if (!certificate)
        co_return fail(Error(Errc::unauthenticated, "No certificate.").with_code("server_unknown"));
    auto ask = [&] { return hub_.core_.identify(*certificate); };
    auto link = co_await offload(hub_.pool_, ask);
    if (!link) co_return fail(std::move(link).error());
    link_ = *std::move(link);
    co_return Result<>();
}

Task<Result<>> Session::greet() {
    auto first = co_await socket_.read(); // check() ends the wait
    if (!first) co_return fail(std::move(first).error());
    if (first->kind != net::MessageKind::text)
        co_return fail(
            Error(Errc::invalid, "The first message must be a hello.").with_code("protocol_error")
        );
    Ask<Replies> ask = [this, text = std::move(first->data)] {
        return hub_.core_.hello(*link_, text);
    };
    auto replies = co_await in_turn(std::move(ask));
    if (!replies) co_return fail(std::move(replies).error());
    greeted_ = true;
    send(std::move(replies->messages));
    for (auto& [link, messages] : std::exchange(early_, {}))
        deliver(std::move(link), std::move(messages));
    resume_streams();
    wake();
    co_return Result<>();
}

Task<> Session::read_loop() {
    while (end_code_.empty()) {
        auto message = co_await socket_.read();
        if (!message) co_return;
        if (message->kind != net::MessageKind::text) {
            auto taken = take_frame(message->data);
            if (!taken) co_return refuse_message(taken.error());
            continue;
        }
        Ask<Replies> ask = [this, text = std::move(message->data)] {
            return hub_.core_.message(*link_, text);
        };
        auto replies = co_await in_turn(std::move(ask));
        if (!replies) co_return refuse_message(replies.error());
        send(std::move(replies->messages));
    }
    // The writer says goodbye; until the agent answers, somebody has to read.
    for (;;) {
        auto last = co_await socket_.read();
        if (!last) co_return;
    }
}

template <class T>
Task<Result<T>> Session::in_turn(Ask<T> ask) {
    while (busy_) co_await turn_.wait();
    busy_ = true;
    std::exception_ptr thrown;
    Result<T> replies;
    try {
        replies = co_await offload(hub_.pool_, ask);
    } catch (...) {
        thrown = std::current_exception();
    }
    busy_ = false;
    turn_.notify();
    if (thrown) std::rethrow_exception(thrown);
    co_return replies;
}

void Session::deliver(std::string link, std::vector<std::string> messages) {
    if (!greeted_)
        early_.emplace_back(std::move(link), std::move(messages));
    else if (link == link_->id())
        send(std::move(messages));
}

void Session::wake() {
    due_wanted_ = true;
    if (due_running_ || !end_code_.empty()) return;
    due_running_ = true;
    children_.spawn(run_due());
}

Task<> Session::run_due() {
    while (due_wanted_ && end_code_.empty()) {
        due_wanted_ = false;
        Ask<bool> ask = [this] { return hub_.core_.due(*link_); };
        auto more = co_await in_turn(std::move(ask));
        if (!more) {
            auto unavailable = more.error().kind() == Errc::unavailable;
            end(unavailable ? "going_away" : more.error().code(), more.error().message());
            break;
        }
        // Its messages are in the queue by now, or written: they came before it returned.
        due_after_write_ = *more;
        if (due_after_write_ && queue_.empty()) due_wanted_ = true;
    }
    due_running_ = false;
}

bool Session::carries_streams() const {
    return link_->protocol() >= proto::streams_since;
}

/// Streams that were open on the link before go on, behind the welcome.
void Session::resume_streams() {
    if (carries_streams() && hub_.known_streams(*this)) hub_.streams_of(*this);
}

Result<> Session::take_frame(std::string_view frame) {
    // Another link of the server may have the streams by now, or this one ends.
    if (!attached_ || !end_code_.empty()) return {};
    if (!carries_streams())
        return fail(Error(Errc::invalid, "An agent of this protocol has no byte streams.")
                        .with_code("protocol_error"));
    auto taken = hub_.streams_of(*this).receive(frame);
    if (taken) return taken;
    return fail(Error(Errc::invalid, taken.error().message()).with_code("protocol_error"));
}

bool Session::next_frame(std::string& frame) {
    if (!greeted_) return false;
    auto* streams = hub_.known_streams(*this);
    return streams && streams->attached() && streams->next(frame);
}

void Session::send(std::vector<std::string> messages) {
    for (auto& message : messages) {
        queue_bytes_ += message.size();
        queue_.push_back(std::move(message));
    }
    if (queue_bytes_ > hub_.options_.queue_bytes)
        end("too_slow", "More than " + std::to_string(hub_.options_.queue_bytes) +
                            " bytes wait for this agent.");
    else if (!queue_.empty())
        start_writer();
}

void Session::start_writer() {
    if (writing_) return;
    writing_ = true;
    children_.spawn(write_out());
}

/// Messages first: a frame is small, so they wait for one at most.
Task<> Session::write_out() {
    std::string frame;
    for (;;) {
        if (!end_code_.empty()) {
            co_await farewell();
            break;
        }
        Result<> written;
        if (!queue_.empty()) {
            auto message = std::move(queue_.front());
            queue_.pop_front();
            queue_bytes_ -= message.size();
            written = co_await socket_.write(net::MessageKind::text, message);
        } else if (ping_wanted_) {
            ping_wanted_ = false;
            written = co_await socket_.ping();
        } else if (due_after_write_) {
            due_after_write_ = false;
            wake();
            continue;
        } else if (next_frame(frame)) {
            written = co_await socket_.write(net::MessageKind::binary, frame);
        } else {
            break;
        }
        if (!written) {
            socket_.abort();
            break;
        }
    }
    queue_.clear();
    writing_ = false;
}

Task<> Session::farewell() {
    auto text = hub_.core_.refusal(end_code_, end_message_);
    // A socket whose read was cancelled takes no messages any more, but a close frame still goes
    // out.
    auto told = co_await socket_.write(net::MessageKind::text, text);
    static_cast<void>(told);
    co_await socket_.close(close_code(end_code_), end_message_);
}

void Session::end(std::string code, std::string message) {
    if (!end_code_.empty()) return;
    end_code_ = code.empty() ? "protocol_error" : std::move(code);
    end_message_ = std::move(message);
    ended_at_ = Steady::now();
    start_writer();
}

void Session::check(Steady::time_point now) {
    auto silent = now - socket_.last_heard();
    if (silent > hub_.options_.give_up_after ||
        (!end_code_.empty() && now - ended_at_ > patience)) {
        socket_.abort();
    } else if (!greeted_ && now - began_ > hub_.options_.hello_time) {
        end("hello_timeout", "No hello came in time; it must be the first message, within " +
                                 std::to_string(hub_.options_.hello_time.count() / 1000) + " s.");
    } else if (silent > hub_.options_.ping_after && end_code_.empty()) {
        ping_wanted_ = true;
        start_writer();
    }
}

} // namespace fairlead::gateway
