#include "tests/bench/fleet/agent.hpp"

#include "common/async/within.hpp"
#include "common/runtime/clock.hpp"
#include "proto/codec.hpp"

#include <unistd.h>

#include <random>

namespace fairlead::bench {

namespace {

using namespace std::chrono_literals;

std::uint64_t random_up_to(std::uint64_t most) {
    static std::mt19937_64 engine(std::random_device{}());
    return std::uniform_int_distribution<std::uint64_t>(0, most)(engine);
}

std::int64_t now_ms() {
    return to_ms(SystemClock().now());
}

} // namespace

FakeAgent::FakeAgent(Fleet& fleet, net::TlsClientContext tls, std::string name)
    : fleet_(fleet), tls_(std::move(tls)), name_(std::move(name)), backoff_(random_up_to),
      written_(fleet.executor) {}

void FakeAgent::start() {
    leaving_ = false;
    if (running_) return;
    running_ = true;
    came_before_ = false;
    fleet_.group.spawn(live());
}

void FakeAgent::cut() {
    if (socket_) socket_->abort();
}

void FakeAgent::leave() {
    leaving_ = true;
    cut();
}

Task<> FakeAgent::live() {
    while (!leaving_) {
        while (fleet_.limited && fleet_.slots == 0) {
            co_await sleep_for(2ms);
            if (leaving_) break;
        }
        if (fleet_.limited) --fleet_.slots;
        auto began = Steady::now();
        auto dialled = co_await dial();
        if (fleet_.limited) ++fleet_.slots;
        if (dialled) {
            if (came_before_) fleet_.outages.push_back(seconds_since(lost_at_));
            fleet_.dial_times.push_back(seconds_since(began));
            came_before_ = online_ = true;
            ++fleet_.online;
            fleet_.changed.notify();
            began = Steady::now();
            facts_at_ = began;
            if (fleet_.facts) send(facts());
            co_await read();
            lost_at_ = Steady::now();
            online_ = false;
            --fleet_.online;
            fleet_.changed.notify();
            backoff_.link_lasted(lost_at_ - began);
        } else {
            ++fleet_.failed;
            fleet_.failure = dialled.error().message();
        }
        while (writing_) co_await written_.wait();
        socket_.reset();
        queue_.clear();
        if (!leaving_) co_await sleep_for(backoff_.next());
    }
    running_ = false;
    fleet_.changed.notify();
}

Task<Result<>> FakeAgent::dial() {
    auto link = co_await net::WebSocket::connect(fleet_.controller, tls_, net::WebSocketLimits());
    if (!link) co_return fail(std::move(link).error());
    socket_.emplace(*std::move(link));
    if (socket_->peer().resumed) ++fleet_.resumed;
    co_return co_await greet();
}

Task<Result<>> FakeAgent::greet() {
    proto::Hello hello;
    hello.protocol = hello.oldest_protocol = proto::protocol;
    hello.version = "bench";
    hello.journal = "journal-of-" + name_;
    hello.highest_fence = fence_;
    hello.last_seq = last_seq_;
    hello.acknowledged = acknowledged_;
    hello.time_ms = now_ms();
    auto text = proto::encode(proto::FromAgent(hello));
    FAIRLEAD_CO_CHECK(co_await socket_->write(net::MessageKind::text, text));
    auto answer = co_await within<net::Message>(10s, socket_->read());
    if (!answer) co_return fail(std::move(answer).error());
    auto message = proto::decode_to_agent(answer->data);
    if (!message) co_return fail(std::move(message).error());
    const auto* welcome = std::get_if<proto::Welcome>(&*message);
    if (!welcome) co_return fail(Errc::forbidden, answer->data);
    heartbeat_ = std::chrono::seconds(welcome->heartbeat_s);
    facts_every_ = std::chrono::seconds(welcome->facts_s);
    co_return Result<>();
}

Task<> FakeAgent::read() {
    for (;;) {
        auto message = co_await socket_->read();
        if (!message) co_return;
        auto decoded = proto::decode_to_agent(message->data);
        if (!decoded || std::holds_alternative<proto::Refused>(*decoded)) co_return;
        handle(*decoded);
    }
}

void FakeAgent::handle(const proto::ToAgent& message) {
    if (const auto* ack = std::get_if<proto::Ack>(&message))
        acknowledged_ = std::max(acknowledged_, ack->seq);
    else if (const auto* deliver = std::get_if<proto::Deliver>(&message))
        answer(deliver->operation);
}

/// Accepted, one step with its line, done: durable in one piece before it is sent, as the executor
/// takes a ping.
void FakeAgent::answer(const proto::Operation& operation) {
    if (operation.fence <= fence_) return; // delivered again
    fence_ = operation.fence;
    ++fleet_.operations;
    auto made = [&](proto::ReportKind kind) {
        proto::Report one;
        one.seq = ++last_seq_;
        one.operation = operation.id;
        one.at_ms = now_ms();
        one.kind = kind;
        return one;
    };
    auto accepted = made(proto::ReportKind::accepted);
    auto begun = made(proto::ReportKind::step);
    begun.step = proto::StepReport{0, 1, "ping", "Answer", proto::StepState::running, 0, ""};
    auto line = made(proto::ReportKind::log);
    line.lines.push_back({now_ms(), proto::LogLevel::info, "ping", "pong"});
    auto step = made(proto::ReportKind::step);
    step.step = proto::StepReport{0, 1, "ping", "Answer", proto::StepState::done, 100, ""};
    auto done = made(proto::ReportKind::finished);
    done.finished = proto::Finished();
    done.finished->outcome = proto::Outcome::succeeded;
    report(
        {std::move(accepted), std::move(begun), std::move(line), std::move(step), std::move(done)}
    );
}

void FakeAgent::report(std::vector<proto::Report> reports) {
    proto::Reports message;
    message.reports = std::move(reports);
    proto::FromAgent wire(std::move(message));
    if (fleet_.journal >= 0) {
        auto text = proto::encode(wire);
        if (::pwrite(fleet_.journal, text.data(), text.size(), 0) < 0 ||
            ::fdatasync(fleet_.journal) != 0)
            throw std::runtime_error("the journal cannot be written");
    }
    send(wire);
}

void FakeAgent::send(const proto::FromAgent& message) {
    queue_.push_back(proto::encode(message));
    start_writer();
}

void FakeAgent::start_writer() {
    if (writing_) return;
    writing_ = true;
    fleet_.group.spawn(write());
}

Task<> FakeAgent::write() {
    while (online_ && (!queue_.empty() || ping_)) {
        Result<> sent;
        if (!queue_.empty()) {
            auto text = std::move(queue_.front());
            queue_.pop_front();
            sent = co_await socket_->write(net::MessageKind::text, text);
        } else {
            ping_ = false;
            ++fleet_.pings;
            sent = co_await socket_->ping();
        }
        if (!sent) {
            socket_->abort();
            break;
        }
    }
    std::deque<std::string>().swap(queue_);
    ping_ = false;
    writing_ = false;
    written_.notify();
}

void FakeAgent::tick(Steady::time_point now) {
    if (!online_ || leaving_) return;
    if (now - socket_->last_heard() >= heartbeat_) {
        ping_ = true;
        start_writer();
    }
    if (fleet_.facts && now - facts_at_ >= facts_every_) {
        facts_at_ = now;
        send(facts());
    }
}

/// As a small Debian server tells them.
proto::FactsMessage FakeAgent::facts() const {
    proto::FactsMessage message;
    auto& f = message.facts;
    f.at_ms = now_ms();
    f.agent_version = "bench";
    f.hostname = name_;
    f.os = {"debian", "12", "Debian GNU/Linux 12 (bookworm)"};
    f.arch = "x86_64";
    f.kernel = "6.1.0-28-amd64";
    f.uptime_s = 1'000'000;
    f.cpu = {"AMD EPYC 7713 64-Core Processor", 4, 7.5};
    f.memory = {8ull << 30, 3ull << 30};
    f.disk = {"/", 160ull << 30, 90ull << 30};
    f.load = {0.3, 0.2, 0.1};
    f.addresses = {"192.0.2.10", "2001:db8::10"};
    f.postgresql = {true, "15", true};
    f.policy = {std::string(64, 'a'), {"Deployments of Odoo may be made.", "No shell."}};
    return message;
}

} // namespace fairlead::bench
