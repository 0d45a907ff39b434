#include "agent/link/session.hpp"

#include "agent/link/memory.hpp"
#include "common/async/offload.hpp"
#include "common/async/within.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/overload.hpp"
#include "proto/codec.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace fairlead::link {

namespace {

using namespace std::chrono_literals;

constexpr auto hello_time = 10s; // for the executor's status, and for the welcome
constexpr std::size_t most_unanswered = 256;
constexpr std::size_t most_bytes = 8 << 20; // of deliveries that are unanswered
constexpr std::size_t most_controllers = 16;
constexpr auto executor_pause = 3s; // between tries to start an executor that fails
constexpr auto executor_rest = 1s;  // before one that has gone without a word is called again

std::int64_t now_ms() {
    return to_ms(SystemClock().now());
}

} // namespace

void LinkSession::end(Ending ending) {
    if (!ending_) ending_ = std::move(ending);
    children_.cancel();
}

Task<Ending> LinkSession::run() {
    auto greeted = co_await greet();
    if (!greeted) {
        co_await socket_.close(1000, "");
        co_return Ending(greeted.error());
    }
    log::info("connected", {{"server", shared_.identity.server_id}});
    online_();
    if (protocol_ >= proto::streams_since) carry_streams();
    children_.spawn(read_controller());
    children_.spawn(read_executor());
    children_.spawn(tell_facts());
    children_.spawn(watch_silence());
    std::exception_ptr thrown;
    try {
        co_await children_.join();
    } catch (...) {
        thrown = std::current_exception();
    }
    shared_.tunnel.streams().detach(std::chrono::steady_clock::now());
    co_await asio::this_coro::reset_cancellation_state();
    shared_.executor.close();
    bool broken = ending_ && ending_->kind == Errc::invalid;
    co_await socket_.close(
        broken ? 1002 : 1001, broken ? "a message broke the rules of the link" : "the agent stops"
    );
    if (thrown) std::rethrow_exception(thrown); // also when this process is told to end
    co_return *ending_;
}

/// The executor's status comes first: the hello tells what the journal holds.
Task<Result<>> LinkSession::greet() {
    FAIRLEAD_CO_CHECK(co_await shared_.executor.connect());
    auto text = co_await within<std::string>(hello_time, shared_.executor.read());
    if (!text && text.error().kind() == Errc::timeout)
        co_return fail(
            Errc::timeout, "The executor does not say what its journal holds. Look at: journalctl "
                           "-u fairlead-executor"
        );
    if (!text) co_return fail(std::move(text).error());
    auto first = proto::decode_from_executor(*text);
    if (!first) co_return fail(std::move(first).error());
    const auto* status = std::get_if<proto::ExecutorStatus>(&*first);
    if (!status)
        co_return fail(
            Errc::invalid,
            "The executor did not begin with its status; are both halves of one version?"
        );
    take_status(*status);

    proto::Hello hello;
    hello.protocol = proto::protocol;
    hello.oldest_protocol = proto::oldest_protocol;
    hello.version = shared_.options.version;
    hello.journal = status->journal;
    hello.highest_fence = status->highest_fence;
    hello.last_seq = status->last_seq;
    hello.acknowledged = status->acknowledged;
    hello.active = status->active;
    hello.time_ms = now_ms();
    hello.witness = shared_.witness.held();
    hello.terminal_users = status->terminal_users;
    FAIRLEAD_CO_CHECK(co_await send(proto::encode(proto::FromAgent(hello))));

    auto answer = co_await within<net::Message>(hello_time, socket_.read());
    if (!answer && answer.error().kind() == Errc::timeout)
        co_return fail(Errc::timeout, "The controller did not answer the hello.");
    if (!answer) co_return fail(std::move(answer).error());
    auto message = proto::decode_to_agent(answer->data);
    if (!message) co_return fail(std::move(message).error());
    if (const auto* refused = std::get_if<proto::Refused>(&*message)) {
        if (refused->code == "revoked") co_await tell_revoked();
        co_return fail(Error(Errc::forbidden, refused->message).with_code(refused->code));
    }
    const auto* welcome = std::get_if<proto::Welcome>(&*message);
    if (!welcome)
        co_return fail(
            Errc::invalid, "The controller answered the hello with something else than a welcome."
        );
    take_welcome(*welcome);
    co_return Result<>();
}

/// Whoever could log in because of this controller cannot any more. Where it fails, the next try of
/// a link brings it again.
Task<> LinkSession::tell_revoked() {
    if (!shared_.executor.connected()) {
        auto connected = co_await shared_.executor.connect();
        if (!connected)
            co_return log::error(
                "the executor does not hear that this server is revoked",
                {{"reason", connected.error().message()}}
            );
    }
    auto text = proto::encode(proto::ToExecutor(proto::ServerRevoked()));
    auto sent = co_await shared_.executor.send(text);
    if (!sent)
        log::error(
            "the executor does not hear that this server is revoked",
            {{"reason", sent.error().message()}}
        );
}

void LinkSession::take_status(const proto::ExecutorStatus& status) {
    shared_.policy = status.policy;
    shared_.tunnel.pin(status.tunnel_keys);
}

void LinkSession::take_welcome(const proto::Welcome& welcome) {
    if (welcome.heartbeat_s > 0)
        heartbeat_ = std::chrono::seconds(std::clamp(welcome.heartbeat_s, 5u, 300u));
    if (welcome.facts_s > 0)
        facts_every_ = std::chrono::seconds(std::clamp(welcome.facts_s, 5u, 3600u));
    acknowledged_ = welcome.acknowledged;
    protocol_ = std::min(welcome.protocol, proto::protocol);
    auto skew = (now_ms() - welcome.time_ms) / 1000;
    if (welcome.time_ms > 0 && (skew > 30 || skew < -30))
        log::warning("the clocks of this server and of the controller differ", {{"seconds", skew}});
    if (!welcome.controllers.empty() && welcome.controllers != shared_.identity.controllers)
        take_controllers(welcome.controllers);
    if (welcome.ca.empty()) return;
    auto known = shared_.folder.ca();
    if (known && *known == welcome.ca) return;
    proto::Certificate same;
    same.ca = welcome.ca;
    auto kept = take_certificate(same);
    if (!kept)
        log::error("the new authorities could not be kept", {{"reason", kept.error().message()}});
}

/// The address of enrolment stays the last resort whatever stands here (see Dialler).
void LinkSession::take_controllers(const std::vector<std::string>& controllers) {
    bool good = controllers.size() <= most_controllers;
    for (const auto& text : controllers)
        if (good && !parse_address(text)) good = false;
    if (!good)
        return log::error(
            "the controller sent a list of addresses that cannot be used; the old one stays",
            {{"count", controllers.size()}}
        );
    auto changed = shared_.identity;
    changed.controllers = controllers;
    auto saved = shared_.folder.save(changed);
    if (!saved)
        return log::error(
            "the new list of controllers could not be kept", {{"reason", saved.error().message()}}
        );
    log::info("the controller's addresses are new", {{"first", controllers.front()}});
    shared_.identity = changed;
}

/// A new certificate, new authorities, or both; in use from the next link on.
Result<> LinkSession::take_certificate(const proto::Certificate& message) {
    auto pem = message.certificate;
    if (pem.empty()) {
        FAIRLEAD_TRY(old, shared_.folder.certificate());
        pem = old;
    }
    FAIRLEAD_CHECK(shared_.folder.save_certificate(pem, message.ca));
    FAIRLEAD_TRY(tls, shared_.folder.tls(shared_.identity, true));
    shared_.tls = std::move(tls);
    return {};
}

Task<> LinkSession::take_turn() {
    ++senders_;
    while (writing_) co_await turn_.wait();
    --senders_;
    writing_ = true;
}

void LinkSession::give_turn() {
    writing_ = false;
    turn_.notify();
    frame_turn_.notify();
}

void LinkSession::carry_streams() {
    auto wake = [this] {
        if (framing_ || ending_) return;
        framing_ = true;
        children_.spawn(write_frames());
    };
    shared_.tunnel.streams().attach(wake);
}

/// Runs while there are frames. Messages go first, so that they wait for one frame at most.
Task<> LinkSession::write_frames() {
    std::string frame;
    for (;;) {
        while (writing_ || senders_ > 0) co_await frame_turn_.wait();
        if (!shared_.tunnel.streams().next(frame)) break;
        writing_ = true;
        auto sent = co_await socket_.write(net::MessageKind::binary, frame);
        give_turn();
        if (!sent) co_return end(Ending(sent.error()));
    }
    framing_ = false;
}

Task<Result<>> LinkSession::send(std::string text) {
    co_await take_turn();
    std::exception_ptr thrown;
    Result<> sent;
    try {
        sent = co_await socket_.write(net::MessageKind::text, text);
    } catch (...) {
        thrown = std::current_exception();
    }
    give_turn();
    if (thrown) std::rethrow_exception(thrown);
    co_return sent;
}

Task<> LinkSession::read_controller() {
    for (;;) {
        auto message = co_await socket_.read();
        if (!message) co_return end(Ending(message.error()));
        if (message->kind != net::MessageKind::text) {
            auto& streams = shared_.tunnel.streams();
            if (!streams.attached()) continue; // older controllers have no streams
            auto taken = streams.receive(message->data);
            if (!taken) co_return end(Ending(taken.error()));
            continue;
        }
        auto handled = co_await handle(std::move(message->data));
        if (!handled) co_return end(Ending(handled.error()));
    }
}

Task<Result<>> LinkSession::handle(std::string text) {
    auto message = proto::decode_to_agent(text);
    if (!message) co_return fail(std::move(message).error());
    bool forward = false, revoked = false;
    std::optional<proto::AuditWitness> answer;
    Result<> result;
    std::visit(
        Overload{
            [&](const proto::Deliver& deliver) {
                // No report could ever answer it.
                if (!OperationId::parse(deliver.operation.id))
                    return log::error("a delivery without a usable id was dropped");
                forward = true;
                remember(deliver.operation.id, text);
            },
            // Written anew: what waits for the executor is then as small as it means.
            [&](const proto::Cancel& cancel) {
                forward = OperationId::parse(cancel.operation).has_value();
                text = proto::encode(proto::ToExecutor(cancel));
            },
            [&](const proto::Query& query) {
                forward = OperationId::parse(query.operation).has_value();
                text = proto::encode(proto::ToExecutor(query));
            },
            [&](const proto::Ack& ack) {
                acknowledged_ = std::max(acknowledged_, ack.seq);
                // An executor that has gone learns it when it next starts.
                forward = shared_.executor.connected();
            },
            [&](const proto::Certificate& certificate) {
                renewal_asked_ = false;
                auto taken = take_certificate(certificate);
                if (taken) {
                    log::info("the certificate was renewed");
                    online_();
                } else {
                    log::error(
                        "the renewed certificate could not be used",
                        {{"reason", taken.error().message()}}
                    );
                }
            },
            [&](const proto::AuditCheckpoint& checkpoint) {
                bool alarm = shared_.witness.judge(checkpoint, SystemClock().now());
                if (alarm) online_();
                answer.emplace();
                answer->witness = shared_.witness.held();
            },
            [&](const proto::TunnelKeys& keys) { shared_.tunnel.take(keys); },
            // An executor that has gone meanwhile asks again when it is back.
            [&](const proto::PackagePart&) { forward = shared_.executor.connected(); },
            [&](const proto::Refused& refused) {
                result = fail(Error(Errc::forbidden, refused.message).with_code(refused.code));
                revoked = refused.code == "revoked";
            },
            [&](const proto::Welcome&) {
                result = fail(Errc::invalid, "The controller welcomed twice.");
            },
        },
        *message
    );
    if (answer) co_return co_await send(proto::encode(proto::FromAgent(*answer)));
    if (revoked) co_await tell_revoked();
    if (!result || !forward) co_return result;
    if (std::holds_alternative<proto::PackagePart>(*message)) {
        // It is large, and waits for nobody: what did not arrive is asked for again.
        auto passed = co_await shared_.executor.send(text);
        static_cast<void>(passed);
        co_return Result<>();
    }
    bool kept = std::holds_alternative<proto::Deliver>(*message);
    co_return co_await pass_on(std::move(text), kept);
}

/// Until a report answers it. Beyond the limits all are forgotten: the controller repeats them.
void LinkSession::remember(const std::string& operation, const std::string& text) {
    if (unanswered_.size() >= most_unanswered || unanswered_bytes_ + text.size() > most_bytes) {
        unanswered_.clear();
        unanswered_bytes_ = 0;
    }
    auto& kept = unanswered_[operation];
    unanswered_bytes_ += text.size() - kept.size();
    kept = text;
}

void LinkSession::answered(const std::string& operation) {
    auto found = unanswered_.find(operation);
    if (found == unanswered_.end()) return;
    unanswered_bytes_ -= found->second.size();
    unanswered_.erase(found);
}

/// To the executor. Where it is not running, read_executor() starts it and hands over what waits.
Task<Result<>> LinkSession::pass_on(std::string text, bool kept) {
    if (shared_.executor.connected()) {
        auto sent = co_await shared_.executor.send(text);
        if (sent) co_return Result<>();
    }
    if (!kept && waiting_.size() < most_unanswered) waiting_.push_back(std::move(text));
    wanted_.notify();
    co_return Result<>();
}

/// Connects, and hands over what the executor has not heard of: our acknowledgement, deliveries
/// that nothing has answered (the one before may have gone with one in its hands; a known operation
/// is not run twice), and what else waits.
Task<Result<>> LinkSession::start_executor() {
    if (!shared_.executor.connected()) FAIRLEAD_CO_CHECK(co_await shared_.executor.connect());
    if (acknowledged_ > 0) {
        proto::Ack ack;
        ack.seq = acknowledged_;
        FAIRLEAD_CO_CHECK(co_await shared_.executor.send(proto::encode(proto::ToExecutor(ack))));
    }
    auto again = unanswered_;
    for (const auto& [id, text] : again) FAIRLEAD_CO_CHECK(co_await shared_.executor.send(text));
    while (!waiting_.empty()) {
        auto text = std::move(waiting_.front());
        waiting_.pop_front();
        FAIRLEAD_CO_CHECK(co_await shared_.executor.send(text));
    }
    co_return Result<>();
}

/// Reports and inventory go upward. An executor that said that it is idle is started again when
/// somebody wants it; one that went away without a word has more to tell, and is started at once.
Task<> LinkSession::read_executor() {
    for (bool missed = true;;) {
        if (missed || !shared_.executor.connected()) {
            while (!missed && unanswered_.empty() && waiting_.empty()) co_await wanted_.wait();
            auto started = co_await start_executor();
            if (!started) {
                log::error("the executor does not start", {{"reason", started.error().message()}});
                co_await sleep_for(executor_pause);
                continue;
            }
            missed = false;
        }
        auto text = co_await shared_.executor.read();
        if (!text) {
            if (text.error().kind() == Errc::invalid)
                log::error("the executor broke its protocol", {{"reason", text.error().message()}});
            missed = true;
            // One that dies again and again must not keep the server busy.
            if (unanswered_.empty() && waiting_.empty()) co_await sleep_for(executor_rest);
            continue;
        }
        auto message = proto::decode_from_executor(*text);
        if (!message) {
            log::error(
                "the executor sent what cannot be read", {{"reason", message.error().message()}}
            );
            shared_.executor.close();
            co_await sleep_for(executor_pause);
            continue;
        }
        if (std::holds_alternative<proto::Idle>(*message)) {
            if (unanswered_.empty()) shared_.executor.close();
            continue;
        }
        if (const auto* status = std::get_if<proto::ExecutorStatus>(&*message)) {
            take_status(*status);
            continue;
        }
        if (const auto* inventory = std::get_if<proto::Inventory>(&*message))
            shared_.tunnel.take(*inventory);
        if (const auto* reports = std::get_if<proto::Reports>(&*message))
            for (const auto& report : reports->reports) answered(report.operation);
        auto sent = co_await send(*std::move(text));
        if (!sent) co_return end(Ending(sent.error()));
    }
}

Task<> LinkSession::tell_facts() {
    // The first ones are waited for, and what takes longer is measured from the next on.
    for (bool first = true; shared_.options.read_facts; first = false) {
        proto::FactsMessage message;
        auto read = [&] { return shared_.facts.read(now_ms()); };
        message.facts = co_await offload(shared_.workers, read);
        message.facts.policy = shared_.policy;
        if (protocol_ >= proto::measures_since) {
            bool busy = message.facts.postgresql.running || !message.facts.environments.empty();
            auto measures = co_await shared_.measuring.take(busy && !first);
            message.facts.measures = std::move(measures);
        }
        auto sent = co_await send(proto::encode(proto::FromAgent(message)));
        if (!sent) co_return end(Ending(sent.error()));
        co_await ask_renewal();
        give_memory_back();
        co_await sleep_for(facts_every_);
    }
}

Task<> LinkSession::ask_renewal() {
    auto validity = shared_.folder.validity();
    if (renewal_asked_ || !validity || !validity->renewal_due(SystemClock().now())) co_return;
    auto key = shared_.folder.key();
    if (!key) co_return;
    renewal_asked_ = true; // once a link; the next one asks again
    proto::Renew renew;
    renew.csr = crypto::make_csr(*key, shared_.identity.server_id);
    auto sent = co_await send(proto::encode(proto::FromAgent(renew)));
    static_cast<void>(sent);
}

Task<> LinkSession::watch_silence() {
    for (;;) {
        co_await sleep_for(heartbeat_ / 3);
        auto silent = std::chrono::steady_clock::now() - socket_.last_heard();
        if (silent > 3 * heartbeat_)
            co_return end(Ending(Error(
                Errc::timeout, "The controller has been silent for " +
                                   std::to_string(3 * heartbeat_.count()) + " s."
            )));
        if (silent < heartbeat_) continue;
        co_await take_turn();
        auto sent = co_await socket_.ping();
        give_turn();
        if (!sent) co_return end(Ending(sent.error()));
    }
}

} // namespace fairlead::link
