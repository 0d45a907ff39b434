#include "agent/link/tunnel.hpp"

#include "agent/link/local_pieces.hpp"
#include "common/async/cancelled.hpp"
#include "common/async/within.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace fairlead::link {

namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto connect_time = 5s;
constexpr auto opening_time = 15s; // of a terminal or a log: a process starts, and asks the policy
constexpr auto look_every = 5s;
constexpr auto patience = 60s;           // for the next link
constexpr std::size_t large = 64 * 1024; // of what comes from a port, in one piece
constexpr std::size_t few = 64;          // streams, that may have such pieces

/// At most 2048 × 16 KiB, 64 × 64 KiB and 32 MiB wait for the controller, should it take nothing,
/// and 32 MiB for ports that take nothing.
stream::Limits limits() {
    stream::Limits most;
    most.streams = proto::most_streams;
    most.max_window = 4 * 1024 * 1024;
    most.total_window = 24 * 1024 * 1024;
    most.total_in = 32 * 1024 * 1024;
    most.own_out = 16 * 1024;
    most.total_out = 32 * 1024 * 1024;
    most.unsent = 64 * 1024;
    return most;
}

void end(stream::Stream& stream, proto::StreamEnd code, std::string_view reason) {
    stream.reset(static_cast<std::uint32_t>(code), reason);
}

std::optional<StreamRefusal> refusal(proto::StreamEnd code, std::string reason) {
    StreamRefusal why;
    why.code = code;
    why.reason = std::move(reason);
    return why;
}

/// Where as many are open as may be.
std::optional<StreamRefusal> too_many(std::size_t open, std::size_t most, std::string_view what) {
    if (open < most) return {};
    return refusal(
        proto::StreamEnd::too_many,
        std::to_string(most) + " " + std::string(what) + ", the most there may be."
    );
}

class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

private:
    std::size_t& count_;
};

/// A stream that fails ends both of its ways at once, also the one that waits for a port or a
/// process to take what came before. For a stream whose end is known otherwise it ends with `both`.
Task<> end_with(stream::Stream& stream, TaskGroup& both) {
    co_await stream.failed();
    both.cancel();
}

} // namespace

/// What a stream leads to, and the key that opened it.
struct Tunnel::Goal {
    std::string key;
    std::string environment; // of a port
    std::uint16_t port = 0;
    bool ssh = false;                               // the port is sshd's
    std::optional<proto::TerminalPurpose> terminal; // instead of a port
    std::optional<proto::LogPurpose> log;           // instead of both
    std::optional<proto::MailPurpose> mail;         // instead of all three
    std::optional<proto::RecordingPurpose> recording;
};

/// What has to end when it may not stay.
struct Tunnel::Opened {
    stream::Stream& peer;
    const Goal& goal;
    TaskGroup& both;
};

/// One stream and the connection that it is for.
struct Tunnel::Passage {
    Passage(Executor executor, const stream::Carrier& all, stream::Stream& from, std::uint16_t to)
        : streams(all), peer(from), port(to), socket(executor), both(executor) {}

    Task<Result<>> connect();
    Task<> inward();
    Task<> outward();

    const stream::Carrier& streams;
    stream::Stream& peer;
    std::uint16_t port;
    Tcp::socket socket;
    TaskGroup both;
};

Task<Result<>> Tunnel::Passage::connect() {
    Tcp::endpoint where(asio::ip::address_v4::loopback(), port);
    auto connected = co_await socket.async_connect(where, as_result);
    auto failed = std::get<0>(connected);
    if (failed) co_return fail(Errc::unavailable, failed.message());
    boost::system::error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    co_return Result<>();
}

/// From the link to the port. A port that hears no more may still speak, such as one that refuses
/// an upload before its end: what is left of that is dropped.
Task<> Tunnel::Passage::inward() {
    bool deaf = false;
    for (;;) {
        auto bytes = co_await peer.read();
        if (!bytes) co_return both.cancel();
        if (bytes->empty()) {
            boost::system::error_code ignored;
            socket.shutdown(Tcp::socket::shutdown_send, ignored);
            co_await peer.ended(); // a reset also ends the wait for an answer
            co_return both.cancel();
        }
        if (deaf) continue;
        auto buffer = asio::buffer(*bytes);
        auto written = co_await asio::async_write(socket, buffer, as_result);
        deaf = bool(std::get<0>(written));
    }
}

/// From the port to the link. The port's kernel ends a connection by a reset when something was
/// left unread, which says nothing of whether the answer is whole: HTTP does.
Task<> Tunnel::Passage::outward() {
    LocalPieces pieces(socket);
    for (;;) {
        auto failed = co_await pieces.next(streams.open_streams() <= few ? large : 0);
        if (failed == asio::error::operation_aborted) co_return both.cancel();
        if (failed == asio::error::eof || failed == asio::error::connection_reset)
            co_return peer.close();
        if (failed) {
            end(peer, proto::StreamEnd::broken, failed.message());
            co_return both.cancel();
        }
        auto sent = co_await peer.write(pieces.bytes());
        if (!sent) co_return both.cancel();
    }
}

Tunnel::Tunnel(Executor executor, std::string server, const Clock& clock, TunnelSockets sockets)
    : executor_(executor), clock_(clock), keys_(std::move(server)), sockets_(std::move(sockets)),
      children_(executor),
      streams_(executor, stream::Role::dialler, limits(), [this](stream::Stream stream) {
          accept(std::move(stream));
      }) {}

void Tunnel::take(const proto::Inventory& inventory) {
    doors_.clear();
    slugs_.clear();
    for (const auto& environment : inventory.environments) {
        slugs_[environment.id] = environment.slug;
        if (!environment.tunnel.empty()) doors_[environment.id] = environment.tunnel;
    }
    ssh_port_ = inventory.ssh ? inventory.ssh->port : 0;
    end_what_may_not_stay();
}

void Tunnel::take(const proto::TunnelKeys& keys) {
    auto taken = keys_.take(keys);
    if (!taken)
        log::error(
            "the controller's tunnel keys cannot be used; no stream is opened",
            {{"reason", taken.error().message()}}
        );
    end_what_may_not_stay();
}

void Tunnel::pin(std::optional<std::vector<std::string>> keys) {
    keys_.pin(std::move(keys));
    end_what_may_not_stay();
}

void Tunnel::end_what_may_not_stay() {
    for (auto* opened : opened_) {
        auto refusal = refusal_of(opened->goal);
        if (!refusal) continue;
        end(opened->peer, refusal->code, refusal->reason);
        opened->both.cancel();
    }
}

/// "" where the executor's last inventory does not name it.
std::string Tunnel::slug_of(const std::string& environment) const {
    auto found = slugs_.find(environment);
    return found == slugs_.end() ? std::string() : found->second;
}

bool Tunnel::offers(const std::string& environment, std::uint16_t port) const {
    auto found = doors_.find(environment);
    return found != doors_.end() && port != 0 && std::ranges::count(found->second, port) > 0;
}

/// Why a stream may not, or may not any more, lead there.
std::optional<StreamRefusal> Tunnel::refusal_of(const Goal& goal) const {
    if (!keys_.counts(goal.key, clock_.now()))
        return StreamRefusal{
            proto::StreamEnd::denied,
            "The tunnel key that the stream was opened with does not count any more."};
    if (goal.ssh) {
        if (goal.port != 0 && goal.port == ssh_port_) return {};
        return StreamRefusal{
            proto::StreamEnd::not_offered,
            "This server lets nobody reach its sshd over the link: its policy keeps no SSH keys "
            "(\"ssh_keys\"), or it has no sshd."};
    }
    if (goal.log) {
        if (goal.log->source != "odoo" || !slug_of(goal.log->environment).empty()) return {};
        return StreamRefusal{
            proto::StreamEnd::not_offered, "That environment is not on this server."};
    }
    if (goal.mail) {
        if (!slug_of(goal.mail->environment).empty()) return {};
        return StreamRefusal{
            proto::StreamEnd::not_offered, "That environment is not on this server."};
    }
    if (!goal.terminal && !goal.recording && !offers(goal.environment, goal.port))
        return StreamRefusal{
            proto::StreamEnd::not_offered,
            "This server does not offer port " + std::to_string(goal.port) +
                " of that environment: it is not here, has another port, or the server's policy "
                "forbids it."};
    return {};
}

/// Nothing of the purpose is looked at before its capability counts.
tl::expected<Tunnel::Goal, StreamRefusal> Tunnel::goal_of(std::string_view text) {
    auto up =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    auto members = keys_.open(text, clock_.now(), up);
    if (!members)
        return tl::unexpected(StreamRefusal{proto::StreamEnd::denied, members.error().message()});
    auto goal = goal_of(*members);
    if (!goal) return goal;
    goal->key = std::string(members->at("key").as_string());
    if (auto refusal = refusal_of(*goal)) return tl::unexpected(*std::move(refusal));
    return goal;
}

tl::expected<Tunnel::Goal, StreamRefusal> Tunnel::goal_of(const boost::json::object& members
) const {
    Goal goal;
    auto purpose = proto::read<proto::StreamPurpose>(members);
    if (purpose && purpose->kind == proto::StreamPurpose::tunnel_kind) {
        goal.environment = purpose->environment;
        goal.port = purpose->port;
        return goal;
    }
    // Which port that is, this server alone says.
    if (purpose && purpose->kind == proto::StreamPurpose::ssh_kind) {
        goal.ssh = true;
        goal.port = ssh_port_;
        return goal;
    }
    auto terminal = proto::read<proto::TerminalPurpose>(members);
    if (terminal && terminal->kind == proto::TerminalPurpose::terminal_kind &&
        proto::possible({terminal->columns, terminal->rows})) {
        goal.terminal = *std::move(terminal);
        return goal;
    }
    auto log = proto::read<proto::LogPurpose>(members);
    if (log && log->kind == proto::LogPurpose::log_kind) {
        if (auto fine = proto::check(*log); !fine)
            return tl::unexpected(StreamRefusal{
                proto::StreamEnd::not_offered, fine.error().message()});
        goal.log = *std::move(log);
        return goal;
    }
    auto mail = proto::read<proto::MailPurpose>(members);
    if (mail && mail->kind == proto::MailPurpose::mail_kind) {
        if (auto fine = proto::check(*mail); !fine)
            return tl::unexpected(StreamRefusal{
                proto::StreamEnd::not_offered, fine.error().message()});
        goal.mail = *std::move(mail);
        return goal;
    }
    auto recording = proto::read<proto::RecordingPurpose>(members);
    if (recording && recording->kind == proto::RecordingPurpose::recording_kind &&
        proto::check(*recording)) {
        goal.recording = *std::move(recording);
        return goal;
    }
    return tl::unexpected(StreamRefusal{
        proto::StreamEnd::not_offered,
        "This agent does not know what the stream is for; update it."});
}

void Tunnel::accept(stream::Stream stream) {
    children_.spawn(serve(std::move(stream)));
}

Task<> Tunnel::serve(stream::Stream stream) {
    auto goal = goal_of(stream.text());
    if (!goal) {
        log::warning("a stream was refused", {{"reason", goal.error().reason}});
        co_return end(stream, goal.error().code, goal.error().reason);
    }
    if (goal->terminal)
        co_await serve_terminal(stream, *goal);
    else if (goal->log)
        co_await serve_log(stream, *goal);
    else if (goal->mail)
        co_await serve_mail(stream, *goal);
    else if (goal->recording)
        co_await serve_recording(stream, *goal);
    else
        co_await serve_port(stream, *goal);
}

/// Until both directions have ended.
Task<> Tunnel::join(Opened& opened) {
    opened_.push_back(&opened);
    std::exception_ptr thrown;
    try {
        co_await opened.both.join();
    } catch (...) {
        thrown = std::current_exception();
    }
    std::erase(opened_, &opened);
    if (thrown) std::rethrow_exception(thrown);
}

Task<> Tunnel::serve_port(stream::Stream& stream, const Goal& goal) {
    Passage passage(executor_, streams_, stream, goal.port);
    auto connected = co_await within<void>(connect_time, passage.connect());
    // What counted when it was asked for may have ended meanwhile.
    auto refusal = refusal_of(goal);
    if (refusal) co_return end(stream, refusal->code, refusal->reason);
    if (!connected)
        co_return end(
            stream, proto::StreamEnd::unreachable,
            "Nothing answers on port " + std::to_string(goal.port) + ": " +
                connected.error().message()
        );
    co_await check_not_cancelled();
    passage.both.spawn(passage.inward());
    passage.both.spawn(passage.outward());
    passage.both.spawn(end_with(stream, passage.both));
    Opened opened{stream, goal, passage.both};
    co_await join(opened);
}

/// Asks a process of this server for what the stream is for, and passes bytes on until both
/// directions have ended. Gives why it was not opened, where it was not: then the caller ends the
/// stream.
template <class Way, class Wanted>
Task<std::optional<StreamRefusal>>
Tunnel::pass_locally(stream::Stream& stream, const Goal& goal, std::string socket, Wanted wanted) {
    using Refused = std::optional<StreamRefusal>;
    TaskGroup both(executor_);
    Way passage(executor_, stream, both);
    auto opening = passage.open(std::move(socket), std::move(wanted));
    auto asked = co_await within<Refused>(opening_time, std::move(opening));
    if (!asked) co_return refusal(proto::StreamEnd::failed, asked.error().message());
    if (*asked) co_return *std::move(asked);
    // What counted when it was asked for may have ended meanwhile.
    auto refused = refusal_of(goal);
    if (refused) co_return refused;
    co_await check_not_cancelled();
    both.spawn(passage.inward());
    both.spawn(passage.outward());
    both.spawn(end_with(stream, both));
    Opened opened{stream, goal, both};
    co_await join(opened);
    co_return refused;
}

/// The process of the terminal asks the policy, and says why where it refuses.
Task<> Tunnel::serve_terminal(stream::Stream& stream, const Goal& goal) {
    auto refused = too_many(terminals_, proto::most_terminals, "terminals are open on this server");
    if (!refused) {
        Counted counted(terminals_);
        auto passing =
            pass_locally<TerminalPassage>(stream, goal, sockets_.terminals, *goal.terminal);
        refused = co_await std::move(passing);
    }
    if (!refused) co_return;
    log::warning(
        "a terminal was not opened", {{"terminal", goal.terminal->terminal},
                                      {"user", goal.terminal->user},
                                      {"reason", refused->reason}}
    );
    end(stream, refused->code, refused->reason);
}

/// The process that reads it asks the policy, as that of a terminal does.
Task<> Tunnel::serve_log(stream::Stream& stream, const Goal& goal) {
    auto refused = too_many(logs_, proto::most_log_readings, "logs of this server are being read");
    if (!refused) {
        Counted counted(logs_);
        proto::LogOpening wanted;
        wanted.what = *goal.log;
        wanted.slug = slug_of(goal.log->environment);
        auto passing = pass_locally<LogPassage>(stream, goal, sockets_.logs, std::move(wanted));
        refused = co_await std::move(passing);
    }
    if (!refused) co_return;
    log::warning(
        "a log was not opened",
        {{"reading", goal.log->log}, {"source", goal.log->source}, {"reason", refused->reason}}
    );
    end(stream, refused->code, refused->reason);
}

/// The same for captured mail.
Task<> Tunnel::serve_mail(stream::Stream& stream, const Goal& goal) {
    auto refused =
        too_many(mails_, proto::most_mail_readings, "readings of captured mail are open here");
    if (!refused) {
        Counted counted(mails_);
        proto::MailOpening wanted;
        wanted.what = *goal.mail;
        wanted.slug = slug_of(goal.mail->environment);
        auto passing = pass_locally<LogPassage>(stream, goal, sockets_.mailbox, std::move(wanted));
        refused = co_await std::move(passing);
    }
    if (!refused) co_return;
    log::warning(
        "captured mail was not opened",
        {{"reading", goal.mail->reading}, {"reason", refused->reason}}
    );
    end(stream, refused->code, refused->reason);
}

/// The same for recordings, which only root can read.
Task<> Tunnel::serve_recording(stream::Stream& stream, const Goal& goal) {
    auto refused = too_many(logs_, proto::most_log_readings, "logs of this server are being read");
    if (!refused) {
        Counted counted(logs_);
        auto passing = pass_locally<LogPassage>(stream, goal, sockets_.recordings, *goal.recording);
        refused = co_await std::move(passing);
    }
    if (!refused) co_return;
    log::warning(
        "recordings were not opened", {{"reading", goal.recording->log},
                                       {"recording", goal.recording->recording},
                                       {"reason", refused->reason}}
    );
    end(stream, refused->code, refused->reason);
}

Task<> Tunnel::run() {
    std::exception_ptr thrown;
    try {
        for (;;) {
            co_await sleep_for(look_every);
            streams_.expire(std::chrono::steady_clock::now(), patience);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state();
    children_.cancel();
    co_await children_.join();
    std::rethrow_exception(thrown);
}

} // namespace fairlead::link
