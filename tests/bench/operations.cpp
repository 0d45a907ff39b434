// Durable operations a second: the state machine of operations on a real file, many threads at
// once, no network.
//
//     bench-operations FOLDER [THREADS] [SECONDS]
//
// "asked" stores queued operations with their audit entries, as the API's handlers do; "whole" also
// takes its reports, as links do: two commits' worth of durable changes for each. The servers have
// links: what they have room for is handed out with the commit that stores it. Every call returns
// when what it did is on disk (SQLite, synchronous=FULL).
#include "controller/operations/operations.hpp"

#include "common/crypto/random.hpp"
#include "controller/app/schema.hpp"
#include "controller/audit/log.hpp"
#include "controller/fleet/server_repo.hpp"

#include <boost/json.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

using namespace fairlead;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t servers_of_a_thread = 40;
constexpr std::size_t queue_of_a_server = 50; // operations::max_queued is above it

struct NoEvents final : api::EventSink {
    void publish(api::Event) override {}
    std::uint64_t position() const override { return 0; }
    bool can_resume(std::uint64_t) const override { return false; }
    void end_streams(std::string) override {}
};

struct NoLinks final : operations::Links {
    void send(const ServerId&, std::string, std::vector<std::string>) override {}
    void wake(const ServerId&) override {}
    void cut(const ServerId&, std::string, std::string) override {}
};

[[noreturn]] void stop_with(const Error& error) {
    std::fprintf(
        stderr, "bench-operations: %s %s\n", error.message().c_str(), error.detail().c_str()
    );
    std::exit(1);
}
template <class T>
T must(Result<T> result) {
    if (!result) stop_with(result.error());
    return *std::move(result);
}
void must(const Result<>& result) {
    if (!result) stop_with(result.error());
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bench {
public:
    Bench(const std::string& folder, std::size_t threads)
        : store_({.file = folder + "/bench.db", .readers = 2}, app::schema()), audit_(clock_),
          operations_({store_, events_, audit_, links_, clock_}), threads_(threads) {
        actor_.kind = api::Actor::Kind::user;
        actor_.id = UserId::make(clock_.now()).str();
        actor_.label = "bench@example.org";
        add_servers();
    }

    /// One operation stored; each thread has its own servers, so that no queue gets full.
    void ask(std::size_t thread, std::size_t round) {
        const auto& link = link_of(thread, round);
        must(store_.write([&](store::UnitOfWork& unit) { return create(unit, link); }));
    }

    /// One operation from the question to its end.
    void live(std::size_t thread, std::size_t round, std::uint64_t& seq) {
        const auto& link = link_of(thread, 0);
        static_cast<void>(round);
        auto operation =
            must(store_.write([&](store::UnitOfWork& unit) { return create(unit, link); }));
        std::vector<proto::Report> reports(2);
        for (auto& report : reports) {
            report.seq = ++seq;
            report.operation = operation.id.str();
            report.at_ms = to_ms(clock_.now());
        }
        reports[0].kind = proto::ReportKind::accepted;
        reports[1].kind = proto::ReportKind::finished;
        reports[1].finished = proto::Finished();
        reports[1].finished->outcome = proto::Outcome::succeeded;
        must(store_.write([&](store::UnitOfWork& unit) {
            return operations_.accept(unit, link, reports);
        }));
    }

    /// Runs `work(thread, round)` on all threads for so long, at most so often on each, and says
    /// how it went.
    template <class Work>
    boost::json::object
    run(std::chrono::duration<double> limit, std::size_t most, const Work& work) {
        std::atomic<std::size_t> done = 0;
        auto commits = store_.commits();
        auto cpu = cpu_seconds();
        auto began = Steady::now();
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < threads_; ++t)
            threads.emplace_back([&, t] {
                for (std::size_t i = 0; i < most && Steady::now() - began < limit; ++i) {
                    work(t, i);
                    ++done;
                }
            });
        for (auto& thread : threads) thread.join();
        auto took = std::chrono::duration<double>(Steady::now() - began).count();
        return {
            {"a_second", static_cast<double>(done) / took},
            {"count", done.load()},
            {"commits_a_second", static_cast<double>(store_.commits() - commits) / took},
            {"cpu_s_a_thousand", (cpu_seconds() - cpu) * 1000 / static_cast<double>(done)}};
    }

private:
    void add_servers() {
        auto scope = api::ScopeIssuer::scope(OrgId::make(clock_.now()));
        must(store_.write([&](store::UnitOfWork& unit) -> Result<> {
            for (std::size_t i = 0; i < threads_ * servers_of_a_thread; ++i) {
                fleet::Server server;
                server.id = ServerId::make(clock_.now());
                server.name = "bench-" + std::to_string(i);
                server.labels = server.facts = "{}";
                server.enrolled_ms = server.not_after_ms = clock_.now();
                server.spki_sha256 = server.serial = std::to_string(i);
                FAIRLEAD_CHECK(fleet::ServerRepo(unit.db(), scope).insert(server));
                proto::Hello hello;
                hello.journal = "bench";
                operations::AgentLink link{scope, server.id, hello.journal, std::to_string(i)};
                auto attached = operations_.attach(unit, link, hello);
                if (!attached) return fail(attached.error());
                agents_.push_back(link);
            }
            return {};
        }));
    }

    const operations::AgentLink& link_of(std::size_t thread, std::size_t round) const {
        return agents_[thread * servers_of_a_thread + round % servers_of_a_thread];
    }

    Result<operations::Operation>
    create(store::UnitOfWork& unit, const operations::AgentLink& link) {
        operations::NewOperation wanted;
        wanted.kind = proto::kind::ping;
        wanted.server = link.server;
        wanted.target_name = "bench";
        wanted.mutating = false;
        wanted.args = "{}";
        return operations_.create(unit, link.scope, actor_, std::move(wanted));
    }

    SystemClock clock_;
    NoEvents events_;
    NoLinks links_;
    store::Store store_;
    audit::Log audit_;
    operations::Operations operations_;
    std::size_t threads_;
    api::Actor actor_;
    std::vector<operations::AgentLink> agents_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench-operations FOLDER [THREADS] [SECONDS]\n");
        return 2;
    }
    crypto::start();
    std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 64;
    std::chrono::duration<double> limit(argc > 3 ? std::strtod(argv[3], nullptr) : 5.0);
    Bench bench(argv[1], threads);
    boost::json::object said;
    std::vector<std::uint64_t> seqs(threads, 0);
    said["whole"] = bench.run(limit, SIZE_MAX, [&](std::size_t thread, std::size_t round) {
        bench.live(thread, round, seqs[thread]);
    });
    said["asked"] = bench.run(
        limit, servers_of_a_thread * queue_of_a_server,
        [&](std::size_t thread, std::size_t round) { bench.ask(thread, round); }
    );
    std::cout << boost::json::serialize(said) << std::endl;
}
