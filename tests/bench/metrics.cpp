// What measurements cost the controller: made-up servers with environments, a day of facts each 30
// s, decoded as they come over the link and stored as they are, many threads at once, no network.
//
//     bench-metrics FOLDER [SERVERS] [HOURS] [ENVIRONMENTS] [THREADS]
//
// Time is the servers' own: a day passes as fast as it is stored. Everything returns when it is on
// disk (SQLite, synchronous=FULL, group commit).
#include "common/crypto/random.hpp"
#include "controller/app/schema.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/metrics/recorder.hpp"
#include "proto/codec.hpp"

#include <boost/json.hpp>

#include <sys/resource.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <thread>

using namespace fairlead;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

[[noreturn]] void stop_with(const Error& error) {
    std::fprintf(stderr, "bench-metrics: %s %s\n", error.message().c_str(), error.detail().c_str());
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

struct Machine {
    ServerId id;
    std::uint64_t noise = 1;

    /// A number from 0 to 1 that looks like chance, the same in each run.
    double chance() {
        noise = noise * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<double>(noise >> 40) / static_cast<double>(1 << 24);
    }
};

class Bench {
public:
    Bench(const std::string& folder, std::size_t servers, std::size_t environments)
        : store_({.file = folder + "/bench.db", .readers = 2}, app::schema()), recorder_(store_),
          scope_(api::ScopeIssuer::scope(OrgId::make(SystemClock().now()))),
          environments_(environments) {
        must(store_.write([&](store::UnitOfWork& unit) -> Result<> {
            for (std::size_t i = 0; i < servers; ++i) add(unit, i);
            return {};
        }));
    }

    /// As an agent says it: a working day's curve with noise on it.
    std::string facts_of(Machine& machine, std::int64_t round) const {
        auto day = 0.5 + 0.5 * std::sin(static_cast<double>(round) * 6.283185307 / 2880);
        proto::FactsMessage message;
        auto& facts = message.facts;
        facts.agent_version = "0.1.0";
        facts.hostname = "odoo-fra-1";
        facts.os = {"debian", "12", "Debian GNU/Linux 12 (bookworm)"};
        facts.arch = "x86_64";
        facts.kernel = "6.1.0-18-amd64";
        facts.uptime_s = static_cast<std::uint64_t>(round) * 30;
        facts.cpu = {"AMD EPYC 7702P 64-Core Processor", 4, 40 * day + 15 * machine.chance()};
        facts.memory = {16ull << 30, static_cast<std::uint64_t>((8 + 2 * day) * 1073741824.0)};
        facts.disk = {
            "/var/lib/fairlead", 200ull << 30,
            static_cast<std::uint64_t>(90e9 - 1e5 * static_cast<double>(round))};
        facts.load = {2 * day + machine.chance(), 1, 1};
        facts.addresses = {"192.0.2.7", "2001:db8::7"};
        facts.postgresql = {true, "15", true};
        facts.policy.sha256 = std::string(64, 'c');
        facts.policy.summary.assign(12, "allow every kind in every environment");
        proto::Measures all;
        auto grown = [&](double each) {
            return static_cast<std::int64_t>(
                each * (static_cast<double>(round) + 0.5 * machine.chance())
            );
        };
        all.server = {
            {"swap_used_bytes", 52428800},
            {"network_in_bytes", grown(600000)},
            {"network_out_bytes", grown(2400000)},
            {"pg_connections", 12 + static_cast<std::int64_t>(20 * day * machine.chance())},
            {"pg_most_connections", 100},
            {"pg_active", static_cast<std::int64_t>(4 * machine.chance())},
            {"pg_slow", machine.chance() > 0.98 ? 1 : 0},
            {"pg_waiting", 0},
            {"pg_idle_in_transaction", 0},
            {"pg_longest_ms", static_cast<std::int64_t>(400 * machine.chance())},
            {"pg_transactions", grown(9000)},
            {"pg_deadlocks", 0},
            {"pg_bytes", 12000000000 + round * 20000}};
        for (std::size_t i = 0; i < environments_; ++i) {
            auto slug = "env-" + std::to_string(i);
            facts.environments.push_back({slug, "running", ""});
            all.environments.push_back(
                {slug,
                 {{"memory_bytes", static_cast<std::int64_t>(7e8 + 1e8 * machine.chance())},
                  {"processes", 6},
                  {"cpu_ms", grown(4000)},
                  {"requests", grown(120)},
                  {"failures", 0},
                  {"request_ms", grown(14000)},
                  {"connections", static_cast<std::int64_t>(8 * machine.chance())},
                  {"slow", 0},
                  {"waiting", 0},
                  {"database_bytes", 3000000000 + round * 5000},
                  {"cron_late", 0},
                  {"cron_late_s", 0}}}
            );
        }
        facts.measures = std::move(all);
        return proto::encode(proto::FromAgent(message));
    }

    void take(Machine& machine, const std::string& text, Timestamp at) {
        auto message = must(proto::decode_from_agent(text));
        const auto& facts = std::get<proto::FactsMessage>(message).facts;
        must(store_.write([&](store::UnitOfWork& unit) {
            return recorder_.measured(unit, scope_, machine.id, at, facts);
        }));
    }

    std::vector<Machine>& machines() { return machines_; }
    store::Store& store() { return store_; }

    std::int64_t stored(std::int64_t period_s) {
        return must(store_.read([&](store::Connection& db) {
                   return db.one<std::int64_t>(
                       "SELECT coalesce(sum(length(points)), 0) FROM metric_block WHERE org_id = $1"
                       " AND period_s = $2",
                       scope_.org(), period_s
                   );
               })
        ).value_or(0);
    }

private:
    void add(store::UnitOfWork& unit, std::size_t i) {
        auto now = SystemClock().now();
        fleet::Server server;
        server.id = ServerId::make(now);
        server.name = "bench-" + std::to_string(i);
        server.labels = server.facts = "{}";
        server.enrolled_ms = server.not_after_ms = now;
        server.spki_sha256 = server.serial = std::to_string(i);
        must(fleet::ServerRepo(unit.db(), scope_).insert(server));
        for (std::size_t e = 0; e < environments_; ++e)
            must(unit.db().run(
                "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, "
                "port, gevent_port, modules, requirements, domains, workers, "
                "system_site_packages, keep_releases, created_ms) VALUES ($2, $1, 'prj', $3, $4, "
                "$4, 'production', 8069, 8070, '[]', '[]', '[]', 4, 0, 5, 0)",
                scope_.org(), EnvironmentId::make(now), server.id, "env-" + std::to_string(e)
            ));
        machines_.push_back({server.id, i + 1});
    }

    store::Store store_;
    metrics::Recorder recorder_;
    api::OrgScope scope_;
    std::size_t environments_;
    std::vector<Machine> machines_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(
            stderr, "usage: bench-metrics FOLDER [SERVERS] [HOURS] [ENVIRONMENTS] [THREADS]\n"
        );
        return 2;
    }
    auto given = [&](int at, std::size_t otherwise) {
        return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
    };
    crypto::start();
    auto servers = given(2, 64), hours = given(3, 24), environments = given(4, 3);
    auto threads = std::min<std::size_t>(given(5, 32), servers);
    Bench bench(argv[1], servers, environments);
    auto rounds = static_cast<std::int64_t>(hours * 120);
    auto began_at = from_ms(1'790'000'000'000 / 86'400'000 * 86'400'000);

    // The agents' share, made beforehand: one text of each server for each round would be too much,
    // so a thread makes it and says what that took.
    std::atomic<std::int64_t> making_us = 0, text_bytes = 0;
    auto cpu = cpu_seconds();
    auto began = Steady::now();
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            for (std::int64_t round = 0; round < rounds; ++round)
                for (std::size_t i = t; i < servers; i += threads) {
                    timespec before{}, after{};
                    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
                    auto text = bench.facts_of(bench.machines()[i], round);
                    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
                    making_us += (after.tv_sec - before.tv_sec) * 1'000'000 +
                                 (after.tv_nsec - before.tv_nsec) / 1000;
                    text_bytes += static_cast<std::int64_t>(text.size());
                    bench.take(bench.machines()[i], text, began_at + round * 30s);
                }
        });
    for (auto& thread : all) thread.join();
    auto took = std::chrono::duration<double>(Steady::now() - began).count();
    auto used = cpu_seconds() - cpu - static_cast<double>(making_us) / 1e6;
    auto days = static_cast<double>(hours) / 24 * static_cast<double>(servers);
    auto fine = static_cast<double>(bench.stored(30)),
         coarse = static_cast<double>(bench.stored(600));
    auto count = static_cast<double>(rounds) * static_cast<double>(servers);
    boost::json::object said{
        {"servers", servers},
        {"environments", environments},
        {"facts_a_second", count / took},
        {"cpu_s_a_server_and_day", used / days},
        {"link_bytes_a_server_and_day", static_cast<double>(text_bytes) / days},
        {"fine_bytes_a_server_and_day", fine / days},
        {"coarse_bytes_a_server_and_day", coarse / days},
        // What lies there in the end: a day of fine points and thirty of coarse ones.
        {"bytes_a_server", fine / days + 30 * coarse / days},
        {"database_bytes", std::filesystem::file_size(std::string(argv[1]) + "/bench.db")}};
    std::cout << boost::json::serialize(said) << std::endl;
}
