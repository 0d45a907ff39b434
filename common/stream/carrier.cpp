#include "common/stream/carrier.hpp"

#include <random>
#include <utility>

namespace fairlead::stream {

struct Stream::State {
    State(Executor context, Carrier* owner, StreamId number, std::string what)
        : executor(context), carrier(owner), id(number), text(std::move(what)), readable(context),
          writable(context) {}

    Executor executor;
    Carrier* carrier; // none after the end
    StreamId id;
    std::string text;
    fairlead::Event readable, writable;
    std::optional<fairlead::Event> failing; // once somebody waits for it
    bool closed = false;                    // by the peer
    bool read_all = false;                  // and read() has said so
    bool wants_close = false;               // by us
    std::optional<Error> failure;
    std::uint32_t code = 0; // of the peer's reset
};

namespace {

Error end_of(std::string code, std::string reason) {
    return Error(Errc::unavailable, std::move(reason)).with_code(std::move(code));
}

std::uint64_t random_life() {
    std::random_device device;
    return std::uint64_t(device()) << 32 | device();
}

} // namespace

Stream::~Stream() {
    if (!state_ || (state_->read_all && state_->wants_close)) return; // what is left is sent
    reset(static_cast<std::uint32_t>(ResetCode::cancelled), "It is not needed any more.");
}

const std::string& Stream::text() const {
    return state_->text;
}

std::uint32_t Stream::reset_code() const {
    return state_->code;
}

Task<Result<std::string>> Stream::read(std::size_t limit) {
    for (;;) {
        if (state_->failure) co_return fail(*state_->failure);
        std::string bytes;
        if (auto* carrier = state_->carrier) {
            bytes = carrier->mux_->read(state_->id, limit);
            // Reading gives credit, and may be the last that the stream waited for.
            carrier->dispatch();
            carrier->wake();
        }
        if (bytes.empty() && state_->closed) state_->read_all = true;
        if (!bytes.empty() || state_->closed) co_return bytes;
        co_await state_->readable.wait();
    }
}

Task<Result<>> Stream::write(std::string_view bytes) {
    for (;;) {
        if (state_->failure) co_return fail(*state_->failure);
        if (bytes.empty()) co_return Result<>();
        auto* carrier = state_->carrier;
        if (!carrier) co_return fail(Errc::conflict, "This stream has ended.");
        auto taken = carrier->mux_->write(state_->id, bytes);
        if (!taken) co_return fail(std::move(taken).error());
        carrier->wake();
        bytes.remove_prefix(*taken);
        if (!bytes.empty()) co_await state_->writable.wait();
    }
}

Task<> Stream::ended() {
    while (state_->carrier) co_await state_->readable.wait();
}

Task<> Stream::failed() {
    auto state = state_;
    while (!state->failure) {
        if (!state->failing) state->failing.emplace(state->executor);
        co_await state->failing->wait();
    }
}

bool Stream::has_failed() const {
    return state_->failure.has_value();
}

void Stream::limit_window(std::size_t most) {
    if (auto* carrier = state_->carrier) carrier->mux_->limit_window(state_->id, most);
}

bool Stream::quiet() const {
    const auto* carrier = state_->carrier;
    return carrier && !state_->closed && !state_->wants_close &&
           carrier->mux_->unread(state_->id) == 0;
}

void Stream::close() {
    auto* carrier = state_->carrier;
    state_->wants_close = true;
    if (!carrier) return;
    auto closed = carrier->mux_->close(state_->id);
    static_cast<void>(closed); // of one that has ended
    carrier->wake();
}

void Stream::reset(std::uint32_t code, std::string_view reason) {
    auto* carrier = state_->carrier;
    if (!carrier) return;
    carrier->mux_->reset(state_->id, code, reason);
    carrier->fail_stream(*state_, "stream_reset", std::string(reason));
    carrier->wake();
}

Carrier::Carrier(Executor executor, Role role, Limits limits, Accept accept)
    : executor_(std::move(executor)), role_(role), limits_(limits), accept_(std::move(accept)) {}

Carrier::~Carrier() {
    give_up("The link is not used any more.");
}

Mux& Carrier::mux() {
    if (mux_) return *mux_;
    mux_ = std::make_unique<Mux>(role_, random_life(), limits_);
    mux_->connected();
    return *mux_;
}

Result<Stream> Carrier::open(std::string_view text) {
    if (!attached()) return fail(Errc::unavailable, "No link is there that carries streams.");
    FAIRLEAD_TRY(id, mux().open(text));
    auto stream = add(id, "");
    wake();
    return stream;
}

Stream Carrier::add(StreamId id, std::string text) {
    auto state = std::make_shared<Stream::State>(executor_, this, id, std::move(text));
    states_.emplace(id, state);
    return Stream(std::move(state));
}

void Carrier::attach(std::function<void()> wake_up) {
    wake_ = std::move(wake_up);
    if (!mux_) return;
    mux_->disconnected();
    mux_->connected();
    wake();
}

void Carrier::detach(Time now) {
    if (!attached()) return;
    wake_ = nullptr;
    away_since_ = now;
    if (mux_) mux_->disconnected();
}

Result<> Carrier::receive(std::string_view message) {
    auto taken = mux().receive(message);
    dispatch();
    wake();
    return taken;
}

bool Carrier::next(std::string& frame) {
    if (!mux_ || !mux_->next(frame)) return false;
    dispatch(); // the last acknowledgement finishes a stream
    return true;
}

void Carrier::expire(Time now, std::chrono::milliseconds patience) {
    if (!mux_ || attached() || now - away_since_ < patience) return;
    give_up("The link was away for more than " + std::to_string(patience.count() / 1000) + " s.");
}

/// The next stream begins another life, in which the peer loses what it still had.
void Carrier::give_up(std::string_view reason) {
    auto states = std::exchange(states_, {});
    mux_.reset();
    for (auto& [id, state] : states) fail_stream(*state, "stream_lost", std::string(reason));
}

void Carrier::dispatch() {
    for (auto& event : mux_->take_events()) {
        if (event.kind == Event::opened) {
            auto stream = add(event.stream, std::move(event.text));
            if (accept_)
                accept_(std::move(stream));
            else
                stream.reset(
                    static_cast<std::uint32_t>(ResetCode::refused), "No streams are taken here."
                );
            continue;
        }
        auto found = states_.find(event.stream);
        if (found == states_.end()) continue;
        auto state = found->second;
        if (event.kind == Event::reset) {
            state->code = event.code;
            bool lost = event.code == static_cast<std::uint32_t>(ResetCode::lost);
            fail_stream(*state, lost ? "stream_lost" : "stream_reset", std::move(event.text));
        } else if (event.kind == Event::finished) {
            state->carrier = nullptr;
            state->closed = true;
            states_.erase(found);
            state->readable.notify();
        } else {
            if (event.kind == Event::closed) state->closed = true;
            auto& waiter = event.kind == Event::writable ? state->writable : state->readable;
            waiter.notify();
        }
    }
}

void Carrier::fail_stream(Stream::State& state, std::string code, std::string reason) {
    state.failure = end_of(std::move(code), std::move(reason));
    state.carrier = nullptr;
    state.readable.notify();
    state.writable.notify();
    if (state.failing) state.failing->notify();
    states_.erase(state.id);
}

void Carrier::wake() {
    if (wake_ && has_next()) wake_();
}

} // namespace fairlead::stream
