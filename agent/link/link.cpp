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

#include <csignal>
#include <cstring>

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
          facts_(options.version), network_(executor), backoff_(random_up_to) {}

    Task<> run();

private:
    Task<> dial();
    Task<Ending> try_all();
    Task<Ending> try_one(Address address);
    Task<> recover_certificate();
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
    Event network_;
    Backoff backoff_;
    Status status_;
};

void Dialler::tell(const std::string& state, const Ending& ending) {
    if (status_.state != state) status_.since_ms = to_ms(SystemClock().now());
    status_.state = state;
    status_.code = ending.code;
    status_.reason = ending.reason;
    status_.server_id = identity_.server_id;
    auto written = write_status(options_.status_file, status_);
    if (!written)
        log::warning("the status file cannot be written", {{"reason", written.error().message()}});
}

Task<> Dialler::run() {
    TaskGroup group(executor_);
    group.spawn(watch_network(network_));
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
        auto validity = folder_.validity();
        bool expired = ending.code == "tls_client_expired" ||
                       (validity && validity->expired(SystemClock().now()));
        if (expired) co_await recover_certificate();
        give_memory_back();
        auto back = co_await network_.wait_for(wait);
        if (back) log::info("the network has changed; trying again");
    }
}

Task<Ending> Dialler::try_all() {
    Ending last(Error(Errc::invalid, "No controller address can be used."));
    auto controllers = identity_.controllers;
    for (const auto& text : controllers) {
        auto address = parse_address(text);
        if (!address) {
            log::error(
                "a controller's address cannot be used", {{"reason", address.error().message()}}
            );
            continue;
        }
        last = co_await try_one(*address);
        // Only a controller that cannot be reached is a reason to ask the next one.
        if (status_.state == "online" || last.kind == Errc::forbidden) break;
    }
    co_return last;
}

Task<Ending> Dialler::try_one(Address address) {
    status_.controller = address.text();
    tell("connecting", Ending());
    net::Endpoint to;
    to.host = address.host;
    to.port = address.port;
    to.path = "/link";
    to.alpn = net::agent_alpn;
    net::WebSocketLimits limits;
    auto socket = co_await net::WebSocket::connect(to, tls_, limits);
    if (!socket) co_return Ending(socket.error());
    Shared shared{options_, folder_, identity_, tls_, channel_, workers_, facts_, policy_};
    auto online = [this] {
        log::info(
            "connected", {{"controller", status_.controller}, {"server", identity_.server_id}}
        );
        tell("online", Ending());
    };
    LinkSession session(shared, *std::move(socket), executor_, online);
    auto ending = co_await session.run();
    co_return ending;
}

/// The certificate ran out while nobody was there: the key that it was for can still be proved.
Task<> Dialler::recover_certificate() {
    auto address = parse_address(identity_.controllers.front());
    if (!address) co_return;
    auto ask = [&] { return recover(folder_, identity_, *address); };
    auto recovered = co_await offload(workers_, ask);
    if (!recovered) {
        log::error(
            "the certificate has expired and could not be recovered",
            {{"code", recovered.error().code()}, {"reason", recovered.error().message()}}
        );
        if (is_hopeless(recovered.error().code())) tell("waiting", Ending(recovered.error()));
        co_return;
    }
    log::info("the certificate had expired; a new one was recovered");
    auto tls = folder_.tls(identity_, true);
    if (tls) tls_ = *std::move(tls);
    network_.notify(); // try at once
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
