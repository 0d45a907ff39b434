#include "agent/link/link.hpp"

#include "agent/link/backoff.hpp"
#include "agent/link/enroll.hpp"
#include "agent/link/memory.hpp"
#include "agent/link/network_watch.hpp"
#include "agent/link/session.hpp"
#include "common/async/offload.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace fairlead::link {

namespace {

std::uint64_t random_up_to(std::uint64_t limit) {
    std::uint64_t value = 0;
    auto bytes = crypto::random_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value % (limit + 1);
}

bool is_hopeless(const std::string& code) {
    return code == "server_unknown" || code == "revoked" || code == "tls_client_revoked" ||
           code == "server_revoked" || code == "recoveries_used_up";
}

/// Dials for as long as the process lives.
class Dialler {
public:
    Dialler(
        const LinkOptions& options, Identity identity, net::TlsClientContext tls, Executor executor
    )
        : options_(options), folder_(options.folder), identity_(std::move(identity)),
          tls_(std::move(tls)), executor_(executor), channel_(executor, options.executor_socket),
          facts_(options.version), witness_(Witness::file_in(options.folder)), network_(executor),
          tunnel_(
              executor, identity_.server_id, clock_,
              {options.terminal_socket, options.logs_socket, options.mailbox_socket,
               options.recordings_socket}
          ),
          measuring_(executor, options.metrics_socket), backoff_(random_up_to) {}

    Task<> run();

private:
    Task<> dial();
    Task<Ending> try_all();
    Task<Ending> try_one(Address address);
    std::vector<Address> addresses() const;
    bool needs_recovery(const Ending& ending) const;
    Task<bool> recover_certificate();
    ControllerStatus& controller_at(const std::string& text);
    void note(const std::string& address, const std::string& state, const Ending& ending);
    void tell(const std::string& state, const Ending& ending);

    const LinkOptions& options_;
    IdentityFolder folder_;
    Identity identity_;
    net::TlsClientContext tls_;
    Executor executor_;
    ExecutorChannel channel_;
    WorkerPool workers_{1};
    FactsReader facts_;
    proto::PolicyFacts policy_;
    Witness witness_;
    Event network_;
    SystemClock clock_;
    Tunnel tunnel_;
    Measuring measuring_;
    Backoff backoff_;
    Status status_;
};

/// What is known of one address, in the place where it is tried.
ControllerStatus& Dialler::controller_at(const std::string& text) {
    auto& all = status_.controllers;
    auto found = std::ranges::find(all, text, &ControllerStatus::address);
    if (found != all.end()) return *found;
    ControllerStatus fresh;
    fresh.address = text;
    all.push_back(std::move(fresh));
    return all.back();
}

void Dialler::note(const std::string& address, const std::string& state, const Ending& ending) {
    auto& controller = controller_at(address);
    if (controller.state != state) controller.at_ms = to_ms(SystemClock().now());
    controller.state = state;
    controller.code = ending.code;
    controller.reason = ending.reason;
}

void Dialler::tell(const std::string& state, const Ending& ending) {
    if (status_.state != state) status_.since_ms = to_ms(SystemClock().now());
    status_.state = state;
    status_.code = ending.code;
    status_.reason = ending.reason;
    status_.server_id = identity_.server_id;
    status_.version = options_.version;
    auto validity = folder_.validity();
    status_.certificate_sha256 = validity ? validity->sha256 : "";
    status_.certificate_not_after_ms = validity ? to_ms(validity->not_after) : 0;
    status_.log_fork = witness_.held().fork;
    status_.log_fork_ms = witness_.held().fork_ms;
    auto written = write_status(options_.status_file, status_);
    if (!written)
        log::warning("the status file cannot be written", {{"reason", written.error().message()}});
}

Task<> Dialler::run() {
    TaskGroup group(executor_);
    group.spawn(watch_network(network_));
    group.spawn(tunnel_.run());
    group.spawn(dial());
    co_await group.join();
}

Task<> Dialler::dial() {
    for (;;) {
        auto began = std::chrono::steady_clock::now();
        auto ending = co_await try_all();
        backoff_.link_lasted(std::chrono::steady_clock::now() - began);
        auto wait = is_hopeless(ending.code) ? std::chrono::milliseconds(Backoff::hopeless)
                                             : backoff_.next();
        log::warning(
            "no link to the controller", {{"controller", status_.controller},
                                          {"code", ending.code},
                                          {"reason", ending.reason},
                                          {"next_try_ms", wait.count()}}
        );
        tell("waiting", ending);
        if (needs_recovery(ending)) {
            auto hopeless = co_await recover_certificate();
            if (hopeless) wait = Backoff::hopeless;
        }
        give_memory_back();
        auto back = co_await network_.wait_for(wait);
        if (back) log::info("the network has changed; trying again");
    }
}

std::vector<Address> Dialler::addresses() const {
    auto texts = identity_.controllers;
    // The one of enrolment is the last resort: a list that leads nowhere must not lose the server.
    texts.push_back(identity_.enrolled_with);
    std::vector<Address> list;
    for (const auto& text : texts) {
        auto address = parse_address(text);
        if (!address)
            log::error(
                "a controller's address cannot be used", {{"reason", address.error().message()}}
            );
        else if (std::ranges::find(list, *address) == list.end())
            list.push_back(*std::move(address));
    }
    return list;
}

Task<Ending> Dialler::try_all() {
    Ending last(Error(Errc::invalid, "No controller address can be used."));
    auto list = addresses();
    // Those that are not in the list any more are forgotten, those that are keep what is known.
    auto before = std::exchange(status_.controllers, {});
    for (const auto& address : list) {
        auto& entry = controller_at(address.text());
        auto known = std::ranges::find(before, address.text(), &ControllerStatus::address);
        if (known != before.end()) entry = *known;
    }
    for (const auto& address : list) {
        last = co_await try_one(address);
        // One that answered, if only to refuse, is told apart from one that did not.
        bool answered = last.kind == Errc::forbidden || last.kind == Errc::unauthenticated;
        note(address.text(), answered ? "refused" : "away", last);
        // Only a controller that cannot be reached is a reason to ask the next one.
        if (status_.state == "online" || last.kind == Errc::forbidden) break;
    }
    co_return last;
}

Task<Ending> Dialler::try_one(Address address) {
    status_.controller = address.text();
    if (controller_at(address.text()).state.empty()) note(address.text(), "connecting", Ending());
    tell("connecting", Ending());
    net::Endpoint to;
    to.host = address.host;
    to.port = address.port;
    to.path = "/link";
    to.alpn = net::agent_alpn;
    net::WebSocketLimits limits;
    auto socket = co_await net::WebSocket::connect(to, tls_, limits);
    if (!socket) co_return Ending(socket.error());
    Shared shared{options_, folder_, identity_, tls_,    channel_,  workers_,
                  facts_,   policy_, witness_,  tunnel_, measuring_};
    auto online = [this] {
        note(status_.controller, "online", Ending());
        tell("online", Ending());
    };
    LinkSession session(shared, *std::move(socket), executor_, online);
    auto ending = co_await session.run();
    co_return ending;
}

/// A certificate that has run out, or is of an authority that was dropped while this server was
/// away (on either side: who was not there when the new one was announced does not know it).
bool Dialler::needs_recovery(const Ending& ending) const {
    if (ending.code == "tls_client_expired" || ending.code == "tls_client_unknown_authority" ||
        (ending.code == "tls_unknown_authority" && identity_.pin.empty()))
        return true;
    auto validity = folder_.validity();
    return validity && validity->expired(SystemClock().now());
}

/// The key that the certificate was for can still be proved. True when it is no use to ask again
/// soon.
Task<bool> Dialler::recover_certificate() {
    Result<> recovered;
    auto list = addresses();
    for (const auto& address : list) {
        auto ask = [&] { return recover(folder_, identity_, address); };
        recovered = co_await offload(workers_, ask);
        if (recovered || recovered.error().kind() == Errc::forbidden) break;
    }
    if (!recovered) {
        log::error(
            "the certificate is not good any more and could not be recovered",
            {{"code", recovered.error().code()}, {"reason", recovered.error().message()}}
        );
        bool hopeless = is_hopeless(recovered.error().code());
        if (hopeless) tell("waiting", Ending(recovered.error()));
        co_return hopeless;
    }
    log::info("the certificate was not good any more; a new one was recovered");
    auto tls = folder_.tls(identity_, true);
    if (tls) tls_ = *std::move(tls);
    network_.notify(); // try at once
    co_return false;
}

} // namespace

Result<> run_link(const LinkOptions& options) {
    crypto::start();
    // One arena: threads of a program this small must not each keep their own memory.
    ::mallopt(M_ARENA_MAX, 1);
    std::signal(SIGPIPE, SIG_IGN);
    IdentityFolder folder(options.folder);
    FAIRLEAD_TRY(identity, folder.load());
    FAIRLEAD_TRY(tls, folder.tls(identity, true));

    asio::io_context io(1);
    asio::signal_set signals(io, SIGTERM, SIGINT);
    std::exception_ptr failed;
    Dialler dialler(options, std::move(identity), std::move(tls), io.get_executor());
    auto all = [&]() -> Task<> {
        TaskGroup group(io.get_executor());
        auto stop = [&]() -> Task<> {
            co_await signals.async_wait(asio::use_awaitable);
            group.cancel();
        };
        group.spawn(dialler.run());
        group.spawn(stop());
        co_await group.join();
    };
    asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
    io.run();
    if (failed) std::rethrow_exception(failed);
    return {};
}

} // namespace fairlead::link
