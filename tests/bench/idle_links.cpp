// Memory of a controller per idle agent link, and how fast links come: real mTLS, real WebSockets,
// agents in another process.
//
//     idle_links [AGENTS] [full|resumed]
//
// The parent is the controller: listener, and a reading coroutine for each link. The child dials
// AGENTS links (default 10000), 64 at a time. Printed: resident memory for each link after all are
// there and idle, links a second, and the CPU time of both sides. "resumed" then cuts all links and
// dials again with session tickets, as after a short outage.
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/crypto/p256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/x509.hpp"
#include "common/net/listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::net;
using namespace std::chrono_literals;

namespace {

struct Pki {
    std::string ca, server, client;
    Secret server_key, client_key;
};

Pki make_pki() {
    auto ca_key = crypto::P256Key::generate();
    auto now = SystemClock().now();
    crypto::Validity validity{now - 1h, now + 24h};
    Pki pki;
    pki.ca = crypto::self_sign_ca(ca_key, "Bench CA", {now - 1h, now + 48h});
    auto leaf = [&](crypto::Usage usage, const char* name, Secret& key) {
        auto own = crypto::P256Key::generate();
        crypto::IssueRequest request;
        request.public_der = own.public_der();
        request.common_name = name;
        request.usage = usage;
        request.validity = validity;
        if (usage == crypto::Usage::server)
            request.names.dns = {name};
        else
            request.names.uri = {"urn:fairlead:org:org_01J0000000000000000000000A"};
        key = own.to_pem();
        return crypto::issue(ca_key, pki.ca, request).value();
    };
    pki.server = leaf(crypto::Usage::server, "localhost", pki.server_key);
    pki.client = leaf(crypto::Usage::client, "srv_01J0000000000000000000000A", pki.client_key);
    return pki;
}

std::size_t resident_kib() {
    std::size_t total = 0, resident = 0;
    if (FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void must(const Result<>& result) {
    if (result) return;
    std::fprintf(stderr, "idle_links: %s\n", result.error().message().c_str());
    std::exit(1);
}

// ---- the agents ----

struct Fleet {
    TlsClientContext tls;
    std::uint16_t port;
    std::size_t wanted;
    std::size_t next = 0, failed = 0;
    std::vector<std::unique_ptr<WebSocket>> links;
};

Task<> dial_some(Fleet& fleet) {
    while (fleet.next < fleet.wanted) {
        ++fleet.next;
        Endpoint to;
        to.host = "localhost";
        to.port = fleet.port;
        to.path = "/link";
        to.alpn = agent_alpn;
        WebSocketLimits limits;
        limits.handshake_time = 60s;
        auto link = co_await WebSocket::connect(to, fleet.tls, limits);
        if (link)
            fleet.links.push_back(std::make_unique<WebSocket>(*std::move(link)));
        else if (fleet.failed++ == 0)
            std::fprintf(stderr, "a link failed: %s\n", link.error().message().c_str());
    }
}

/// Dials all, says so on the pipe, waits for a word, hangs up, and does it again `rounds` times.
void run_agents(
    const Pki& pki, std::uint16_t port, std::size_t count, int rounds, int say, int hear
) {
    asio::io_context io(1);
    Fleet fleet{TlsClientContext::make(Trust::authorities(pki.ca)).value(), port, count, 0, 0, {}};
    must(fleet.tls.set_identity(pki.client, pki.client_key));
    for (int round = 0; round < rounds; ++round) {
        fleet.next = 0;
        auto all = [&]() -> Task<> {
            TaskGroup group(io.get_executor());
            for (int i = 0; i < 64; ++i) group.spawn(dial_some(fleet));
            co_await group.join();
        };
        asio::co_spawn(io, all(), [](std::exception_ptr) {});
        io.restart();
        io.run();
        char word = fleet.failed == 0 ? 'y' : 'n';
        if (::write(say, &word, 1) != 1 || ::read(hear, &word, 1) != 1) std::_Exit(1);
        fleet.links.clear();
    }
    std::_Exit(0);
}

// ---- the controller ----

Task<> hold(WebSocket socket) {
    for (;;) {
        auto message = co_await socket.read();
        if (!message) co_return;
    }
}

struct Bench {
    asio::io_context io{1};
    TlsServerContext tls;
    std::unique_ptr<Listener> listener;
    std::size_t agents = 0;

    Task<> until_open(std::size_t count) {
        while (listener->counters().agents != count) co_await sleep_for(1ms);
    }
    void run(Task<> task) {
        asio::co_spawn(io, std::move(task), [this](std::exception_ptr) { io.stop(); });
        io.restart();
        io.run();
    }
};

void measure(Bench& bench, const char* what, int hear, std::size_t before) {
    auto began = std::chrono::steady_clock::now();
    auto cpu = cpu_seconds();
    bench.run(bench.until_open(bench.agents));
    auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    cpu = cpu_seconds() - cpu;
    char word = 'n';
    if (::read(hear, &word, 1) != 1 || word != 'y')
        std::fprintf(stderr, "idle_links: some links failed\n");
    auto settle = []() -> Task<> { co_await sleep_for(1s); };
    bench.run(settle());
    auto full = resident_kib();
    ::malloc_trim(0);
    auto trimmed = resident_kib();
    auto each = [&](std::size_t now) {
        return static_cast<double>(now - before) / static_cast<double>(bench.agents);
    };
    std::printf(
        "%-8s %6zu links in %6.2f s: %5.0f/s, %.2f ms of controller CPU each; resident %.1f KiB a "
        "link (%.1f after trim)\n",
        what, bench.agents, took, static_cast<double>(bench.agents) / took,
        cpu * 1000 / static_cast<double>(bench.agents), each(full), each(trimmed)
    );
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
    crypto::start();
    std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
    int rounds = argc > 2 && std::strcmp(argv[2], "resumed") == 0 ? 2 : 1;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    auto pki = make_pki();
    Bench bench;
    bench.agents = count;
    must(bench.tls.set_certificate(pki.server + pki.ca, pki.server_key));
    must(bench.tls.set_agent_authorities({pki.ca}));
    ListenerOptions options;
    options.address = "127.0.0.1";
    options.port = 0;
    options.max_connections = count + 100;
    options.handshake_time = 60s;
    ListenerHandlers handlers;
    handlers.http = [](HttpRequest) -> Task<HttpResponse> { co_return HttpResponse(404); };
    handlers.agent = hold;
    bench.listener =
        std::make_unique<Listener>(bench.io.get_executor(), bench.tls, options, handlers);
    must(bench.listener->open());

    int up[2], down[2];
    if (::pipe(up) != 0 || ::pipe(down) != 0) return 1;
    auto child = ::fork();
    if (child == 0) {
        ::close(up[0]);
        ::close(down[1]);
        run_agents(pki, bench.listener->port(), count, rounds, up[1], down[0]);
    }
    ::close(up[1]);
    ::close(down[0]);
    auto before = resident_kib();
    asio::co_spawn(bench.io, bench.listener->run(), [](std::exception_ptr) {});
    measure(bench, "full", up[0], before);
    for (int round = 1; round < rounds; ++round) {
        if (::write(down[1], "x", 1) != 1) return 1;
        bench.run(bench.until_open(0));
        measure(bench, "resumed", up[0], before);
    }
    if (::write(down[1], "x", 1) != 1) return 1;
    int status = 0;
    ::waitpid(child, &status, 0);
    std::_Exit(0);
}
