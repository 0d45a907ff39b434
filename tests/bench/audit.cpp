// The audit log on a real file: entries a second, each with its place in the tree, and how long an
// export takes, how much memory, and to check it.
//
//     bench-audit FOLDER [ENTRIES] [THREADS]
//
// "append" returns to each of its threads when the entry is on disk (SQLite, synchronous=FULL), as
// a handler's change does. Seconds of CPU are of the whole process; checking uses one thread.
#include "common/crypto/random.hpp"
#include "controller/app/schema.hpp"
#include "controller/audit/check.hpp"
#include "controller/audit/export.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/notary.hpp"
#include "controller/orgs/orgs.hpp"

#include <boost/json.hpp>

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>
#include <vector>

using namespace fairlead;

namespace {

template <class T>
T must(Result<T> result) {
    if (result) return *std::move(result);
    std::fprintf(
        stderr, "bench-audit: %s %s\n", result.error().message().c_str(),
        result.error().detail().c_str()
    );
    std::exit(1);
}

rusage used() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage;
}

/// Seconds on the clock and of the CPU, and how much the largest resident size grew.
boost::json::object measured(std::int64_t entries, const std::function<void()>& work) {
    using Steady = std::chrono::steady_clock;
    auto cpu = [](const rusage& usage) {
        auto seconds = [](timeval t) {
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
        };
        return seconds(usage.ru_utime) + seconds(usage.ru_stime);
    };
    auto before = used();
    auto begin = Steady::now();
    work();
    auto seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    auto after = used();
    auto spent = cpu(after) - cpu(before);
    auto each = static_cast<double>(entries);
    return {{"entries", entries},           {"seconds", seconds},
            {"cpu_seconds", spent},         {"a_second", each / seconds},
            {"a_cpu_second", each / spent}, {"peak_grew_kib", after.ru_maxrss - before.ru_maxrss}};
}

class Bench {
public:
    explicit Bench(const std::string& folder)
        : folder_(folder), store_({.file = folder + "/bench.db", .readers = 2}, app::schema()),
          log_(clock_), notary_(store_, keys_, "bench.example") {
        auto made = must(store_.write([&](store::UnitOfWork& unit) {
            return orgs::Memberships(unit.db()).create("Bench", orgs::Plan::agency, clock_.now());
        }));
        scope_ = api::ScopeIssuer::scope(made.id);
    }

    void append(std::int64_t entries, std::size_t threads) {
        std::atomic<std::int64_t> left = entries;
        std::vector<std::jthread> all;
        for (std::size_t i = 0; i < threads; ++i)
            all.emplace_back([&] {
                while (left.fetch_sub(1) > 0)
                    must(store_.write([&](store::UnitOfWork& unit) -> Result<int> {
                        record(unit);
                        return 0;
                    }));
            });
    }

    std::string export_all() {
        auto file = folder_ + "/export.jsonl";
        std::ofstream out(file, std::ios::binary);
        auto checkpoint = must(notary_.sign_now(*scope_, clock_.now()));
        audit::Export whole(
            store_, *scope_, audit::ExportFormat::jsonl, {}, std::move(checkpoint), notary_
        );
        for (;;) {
            auto piece = must(whole.next());
            if (piece.empty()) return file;
            out << piece;
        }
    }

    void check(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        well(must(audit::check_export(in, notary_.verifier())));
    }
    void check_database() {
        for (const auto& verdict : must(store_.read([&](store::Connection& db) {
                 return audit::check_database(db, notary_.verifier());
             })))
            well(verdict);
    }

private:
    void record(store::UnitOfWork& unit) {
        api::Act act{"environment.edit", "environment", "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "Shop"};
        act.before = boost::json::object{{"branch", "18.0"}, {"workers", 2}};
        act.after = boost::json::object{{"branch", "19.0"}, {"workers", 4}};
        log_.record(
            unit, *scope_,
            {api::Actor::Kind::user, "usr_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "ada@example.org",
             "192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64)", "req_01JD8Q4M3N7V5X2K9B6T0W1YHZ"},
            std::move(act)
        );
    }
    static void well(const audit::Verdict& verdict) {
        if (verdict.bad.empty()) return;
        std::fprintf(stderr, "bench-audit: %s\n", verdict.bad.front().c_str());
        std::exit(1);
    }

    std::string folder_;
    SystemClock clock_;
    store::Store store_;
    audit::Log log_;
    crypto::Keystore keys_ = crypto::Keystore::ephemeral();
    audit::Notary notary_;
    std::optional<api::OrgScope> scope_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench-audit FOLDER [ENTRIES] [THREADS]\n");
        return 2;
    }
    crypto::start();
    std::int64_t entries = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 200'000;
    std::size_t threads = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 64;
    Bench bench(argv[1]);
    std::string file;
    boost::json::object said;
    said["append"] = measured(entries, [&] { bench.append(entries, threads); });
    said["export"] = measured(entries, [&] { file = bench.export_all(); });
    said["check_export"] = measured(entries, [&] { bench.check(file); });
    said["check_database"] = measured(entries, [&] { bench.check_database(); });
    std::cout << boost::json::serialize(said) << std::endl;
}
