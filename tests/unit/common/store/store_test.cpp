#include "common/store/memory_db.hpp"
#include "common/store/store.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <set>

using namespace fairlead;
using namespace fairlead::store;

namespace {

constexpr Migration schema[] = {{1, "numbers", "CREATE TABLE number (value BIGINT PRIMARY KEY)"}};

Result<std::int64_t> insert(UnitOfWork& work, std::int64_t value) {
    return work.db().run("INSERT INTO number (value) VALUES ($1)", value);
}

std::int64_t count(Store& store) {
    return store
        .read([](Connection& db) { return db.one<std::int64_t>("SELECT count(*) FROM number"); })
        .value()
        .value();
}

/// Holds the writer inside a unit until it is let go, so that a batch can gather behind it.
class Blocker {
public:
    explicit Blocker(Store& store)
        : thread_([&store, this] {
              (void)store.write([this](UnitOfWork&) -> Result<> {
                  inside_.set_value();
                  go_.get_future().wait();
                  return {};
              });
          }) {
        inside_.get_future().wait();
    }
    void release() {
        if (thread_.joinable()) {
            go_.set_value();
            thread_.join();
        }
    }
    ~Blocker() { release(); }

private:
    std::promise<void> inside_, go_;
    std::thread thread_;
};

void wait_queued(Store& store, std::size_t count) {
    while (store.queued() < count) std::this_thread::yield();
}

} // namespace

TEST_SUITE("common/store/store") {

    TEST_CASE("what write returned is there for every reader and after reopening") {
        TemporaryFolder folder;
        auto file = folder.path() / "s.db";
        {
            Store store({.file = file}, schema);
            CHECK(store.write([](UnitOfWork& work) { return insert(work, 7); }).value() == 1);
            CHECK(count(store) == 1);
        }
        Store store({.file = file}, schema);
        CHECK(count(store) == 1);
    }

    TEST_CASE("writes that wait together share one commit, and each failing one is undone alone") {
        TemporaryStore store(schema);
        Blocker blocker(store.store());
        constexpr int writers = 40;
        std::vector<std::thread> threads;
        std::atomic<int> kept = 0, clashes = 0, thrown = 0;
        for (int i = 0; i < writers; ++i)
            threads.emplace_back([&, i] {
                try {
                    auto result = store->write([i](UnitOfWork& work) -> Result<> {
                        FAIRLEAD_CHECK(insert(work, 1000 + i));
                        if (i % 4 == 1) return fail(Errc::conflict, "no");
                        if (i % 4 == 2) throw std::runtime_error("thrown");
                        return {};
                    });
                    (result ? kept : clashes)++;
                } catch (const std::runtime_error&) {
                    thrown++;
                }
            });
        wait_queued(store.store(), writers);
        auto before = store->commits();
        blocker.release();
        for (auto& thread : threads) thread.join();
        CHECK(store->commits() <= before + 2);
        CHECK(kept == 20);
        CHECK(clashes == 10);
        CHECK(thrown == 10);
        CHECK(count(store.store()) == 20);
    }

    TEST_CASE("after_commit runs once the data is durable, in order, and only for what was kept") {
        TemporaryStore store(schema);
        std::vector<int> seen;
        std::int64_t rows_seen = -1;
        auto file = std::filesystem::path();
        for (int i = 0; i < 4; ++i)
            (void)store->write([&, i](UnitOfWork& work) -> Result<> {
                work.after_commit([&, i] {
                    seen.push_back(i);
                    if (i == 3) throw std::runtime_error("is logged and harms nobody");
                });
                FAIRLEAD_CHECK(insert(work, i / 2)); // 1 and 3 clash
                return {};
            });
        CHECK(seen == std::vector<int>{0, 2});

        (void)store->write([&](UnitOfWork& work) {
            auto path = work.db().file();
            work.after_commit([&, path] {
                Connection other(path, {.access = Access::read_only});
                rows_seen = other.one<std::int64_t>("SELECT count(*) FROM number").value().value();
            });
            work.after_commit([] { throw std::runtime_error("is logged and harms nobody"); });
            return insert(work, 99);
        });
        CHECK(rows_seen == 3);
    }

    TEST_CASE("what follows a unit shares its commit, comes after its caller's own work, and fails "
              "alone") {
        TemporaryStore store(schema);
        std::vector<std::string> seen;
        auto before = store->commits();
        auto stored = store->write([&](UnitOfWork& work) {
            work.follow_with([&](UnitOfWork& next) -> Result<> {
                next.after_commit([&] { seen.emplace_back("followed"); });
                FAIRLEAD_CHECK(next.db().run("UPDATE number SET value = value + 1"));
                next.follow_with([&](UnitOfWork& last) -> Result<> {
                    FAIRLEAD_CHECK(insert(last, 50));
                    return {};
                });
                return {};
            });
            work.follow_with(
                [&](UnitOfWork& next) -> Result<> {
                    next.after_commit([&] { seen.emplace_back("never"); });
                    FAIRLEAD_CHECK(insert(next, 60));
                    return fail(Errc::conflict, "no");
                },
                [&] { seen.emplace_back("otherwise"); }
            );
            work.follow_with(
                [&](UnitOfWork&) -> Result<> { throw std::runtime_error("thrown"); },
                [&] { seen.emplace_back("otherwise"); }
            );
            work.after_commit([&] { seen.emplace_back("first"); });
            return insert(work, 7);
        });
        CHECK(stored);
        CHECK(store->commits() == before + 1);
        CHECK(seen == std::vector<std::string>{"first", "followed", "otherwise", "otherwise"});
        CHECK(count(store.store()) == 2);
        auto sum = store->read([](Connection& db) {
            return db.one<std::int64_t>("SELECT sum(value) FROM number");
        });
        CHECK(sum.value() == 58);

        auto undone = store->write([&](UnitOfWork& work) -> Result<> {
            work.follow_with([&](UnitOfWork& next) -> Result<> {
                FAIRLEAD_CHECK(insert(next, 70));
                return {};
            });
            return fail(Errc::conflict, "no");
        });
        CHECK(!undone);
        CHECK(count(store.store()) == 2);
    }

    TEST_CASE("a full queue answers unavailable at once and stores nothing") {
        TemporaryFolder folder;
        Store store({.file = folder.path() / "s.db", .queue_limit = 3}, schema);
        std::vector<std::thread> threads;
        {
            Blocker blocker(store);
            for (int i = 0; i < 3; ++i)
                threads.emplace_back([&store, i] {
                    CHECK(store.write([i](UnitOfWork& work) { return insert(work, i); }));
                });
            wait_queued(store, 3);
            auto refused = store.write([](UnitOfWork& work) { return insert(work, 100); });
            CHECK(refused.error().kind() == Errc::unavailable);
        }
        for (auto& thread : threads) thread.join();
        CHECK(count(store) == 3);
    }

    TEST_CASE("using the store from inside a unit of work is refused instead of waiting for ever") {
        TemporaryStore store(schema);
        CHECK_THROWS_AS(
            (void)store->write([&](UnitOfWork&) {
                return store->write([](UnitOfWork& work) { return insert(work, 1); });
            }),
            std::logic_error
        );
        CHECK_THROWS_AS(
            (void)store->write([&](UnitOfWork&) {
                return store->read([](Connection& db) { return db.one<int>("SELECT 1"); });
            }),
            std::logic_error
        );
        CHECK_THROWS_AS(
            (void)store->read([&](Connection&) {
                return store->write([](UnitOfWork& work) { return insert(work, 1); });
            }),
            std::logic_error
        );
        CHECK(count(store.store()) == 0);
    }

    TEST_CASE("a reader sees one moment of the database, whatever is written meanwhile") {
        TemporaryStore store(schema);
        REQUIRE(store->write([](UnitOfWork& work) { return insert(work, 1); }));
        auto seen = store->read([&](Connection& db) -> Result<std::pair<int, int>> {
            FAIRLEAD_TRY(before, db.one<int>("SELECT count(*) FROM number"));
            std::thread([&] {
                REQUIRE(store->write([](UnitOfWork& work) { return insert(work, 2); }));
            }).join();
            FAIRLEAD_TRY(after, db.one<int>("SELECT count(*) FROM number"));
            return std::pair(*before, *after);
        });
        CHECK(seen.value() == std::pair(1, 1));
        CHECK(count(store.store()) == 2);
    }

    TEST_CASE("a reader cannot write") {
        TemporaryStore store(schema);
        CHECK_THROWS_AS(
            (void)store->read([](Connection& db) { return db.run("INSERT INTO number VALUES (1)"); }
            ),
            StoreError
        );
        CHECK(count(store.store()) == 0);
    }

    TEST_CASE("every write that returned is in the copy, and the copy is sound") {
        TemporaryFolder folder;
        Store store({.file = folder.path() / "s.db"}, schema);
        std::atomic<bool> stop = false;
        std::atomic<std::int64_t> done = 0;
        std::vector<std::thread> writers;
        for (int t = 0; t < 3; ++t)
            writers.emplace_back([&, t] {
                for (std::int64_t i = 0; !stop; ++i) {
                    REQUIRE(store.write([&](UnitOfWork& work) { return insert(work, i * 3 + t); }));
                    ++done;
                }
            });
        for (int round = 0; round < 5; ++round) {
            while (done < 50 * (round + 1)) std::this_thread::yield();
            auto at_least = done.load();
            store.backup_to(folder.path() / "copy.db");
            Connection copy(folder.path() / "copy.db", {.access = Access::read_only});
            CHECK(copy.integrity_errors().empty());
            CHECK(
                copy.one<std::int64_t>("SELECT count(*) FROM number").value().value() >= at_least
            );
        }
        stop = true;
        for (auto& writer : writers) writer.join();
    }

    TEST_CASE("the write-ahead log is moved into the database beside the writer and stays bounded"
    ) {
        TemporaryFolder folder;
        auto file = folder.path() / "s.db";
        Store store({.file = file, .durability = Durability::relaxed}, schema);
        auto log = std::filesystem::path(file.string() + "-wal");
        std::string row(4000, 'x');
        REQUIRE(store.write([](UnitOfWork& work) -> Result<> {
            work.db().script("CREATE TABLE page (text TEXT NOT NULL)");
            return {};
        }));
        for (int i = 0; i < 40'000; ++i)
            REQUIRE(store.write([&](UnitOfWork& work) {
                return work.db().run("INSERT INTO page (text) VALUES ($1)", row);
            }));
        CHECK(std::filesystem::file_size(file) > 100'000'000);
        CHECK(std::filesystem::file_size(log) < 80'000'000);
        auto rows = store.read([](Connection& db) {
            return db.one<std::int64_t>("SELECT count(*) FROM page");
        });
        CHECK(rows.value() == 40'000);
    }

    TEST_CASE("a full disk is said in words, loses nothing that was stored, and passes when there "
              "is room again") {
        TemporaryFolder folder;
        Store store({.file = folder.path() / "s.db"}, schema);
        REQUIRE(store.write([](UnitOfWork& work) { return insert(work, 1); }));
        // The pages that the file may have stand in for the size of the disk.
        auto limit = [&](const char* sql) {
            REQUIRE(store.write([&](UnitOfWork& work) -> Result<> {
                work.db().script(sql);
                return {};
            }));
        };
        limit("PRAGMA max_page_count = 4");
        bool full = false;
        for (std::int64_t i = 2; i < 5000 && !full; ++i) {
            try {
                auto stored = store.write([&](UnitOfWork& work) { return insert(work, i); });
                REQUIRE(stored);
            } catch (const StoreError& error) {
                full = true;
                CHECK(error.kind() == StoreError::Kind::full);
                CHECK(std::string(error.what()).find("is full") != std::string::npos);
            }
        }
        CHECK(full);
        auto kept = count(store);
        CHECK(kept > 1);
        limit("PRAGMA max_page_count = 1000000");
        CHECK(store.write([](UnitOfWork& work) { return insert(work, 1'000'000); }));
        CHECK(count(store) == kept + 1);
    }

    TEST_CASE("what is queued when the store closes is still written") {
        TemporaryFolder folder;
        auto file = folder.path() / "s.db";
        auto store = std::make_unique<Store>(StoreOptions{.file = file}, schema);
        std::vector<std::thread> threads;
        auto blocker = std::make_unique<Blocker>(*store);
        std::atomic<int> kept = 0;
        for (int i = 0; i < 10; ++i)
            threads.emplace_back([&, i] {
                kept += store->write([i](UnitOfWork& work) { return insert(work, i); }).has_value();
            });
        wait_queued(*store, 10);
        std::thread closing([&] { store.reset(); });
        blocker->release();
        for (auto& thread : threads) thread.join();
        closing.join();
        CHECK(kept == 10);
        Store again({.file = file}, schema);
        CHECK(count(again) == 10);
    }
}
