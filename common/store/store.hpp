/// The database of a program with many threads: one writer with group commit, a few readers.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/connection.hpp"
#include "common/store/migration.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

namespace fairlead::store {

/// What one write works with: the connection inside its transaction, and what to do once that is
/// durable.
class UnitOfWork {
public:
    explicit UnitOfWork(Connection& connection) : connection_(connection) {}
    UnitOfWork(const UnitOfWork&) = delete;

    Connection& db() { return connection_; }

    /// Runs after COMMIT succeeded, on the writer thread, in the order of the commits and before
    /// the writer's caller returns; never when this unit was rolled back. Must be short, must not
    /// block and must not use the store: put something in a queue, wake somebody. What it throws is
    /// logged.
    void after_commit(std::function<void()> action) { after_commit_.push_back(std::move(action)); }

    /// Runs `work` as a unit of its own right after this one and in the same COMMIT; never when
    /// this one was rolled back. When it fails it alone is undone and logged, and `otherwise` runs
    /// as an after_commit of this unit.
    void
    follow_with(std::function<Result<>(UnitOfWork&)> work, std::function<void()> otherwise = {}) {
        followers_.push_back({std::move(work), std::move(otherwise)});
    }

    /// Marks what was done in this unit, for whoever checks before it ends; `what` is a literal.
    void note(std::string_view what) { notes_.insert(what); }
    bool noted(std::string_view what) const { return notes_.contains(what); }

private:
    friend class Store;
    struct Follower {
        std::function<Result<>(UnitOfWork&)> work;
        std::function<void()> otherwise;
    };
    Connection& connection_;
    std::vector<std::function<void()>> after_commit_;
    std::vector<Follower> followers_;
    std::set<std::string_view> notes_;
};

struct StoreOptions {
    std::filesystem::path file;
    std::size_t readers = 4;
    std::size_t queue_limit = 4096; ///< writes waiting; one more is Errc::unavailable
    std::size_t batch_limit = 256;  ///< writes in one COMMIT
    int cache_kib = 8192;           ///< of each connection
    Durability durability = Durability::synced;
};

/// Thread-safe. `write` and `read` block; call them from worker threads only.
///
/// Writes from all threads are queued; the writer thread takes what is there, runs each in its own
/// savepoint and commits them together with one fsync. While that lasts, the next batch gathers.
/// Another thread moves what the write-ahead log has into the database: nobody waits for that.
class Store {
public:
    /// Opens the file, migrates it, starts the writer. Throws StoreError.
    Store(StoreOptions options, std::span<const Migration> migrations);
    /// Finishes what is queued. Nobody may be calling any more.
    ~Store();
    Store(const Store&) = delete;

    /// Runs `work(UnitOfWork&)`, which returns a Result, exactly once on the writer thread and
    /// returns its result when it is durable. A failed Result or an exception rolls back this unit
    /// alone; the exception reaches the caller. Errc::unavailable when the queue is full or the
    /// store is closing. Throws StoreError when the COMMIT failed: then nothing of it is stored. No
    /// network, no file work, no waiting inside `work`.
    template <class Work>
    auto write(Work&& work) -> std::invoke_result_t<Work&, UnitOfWork&> {
        std::optional<std::invoke_result_t<Work&, UnitOfWork&>> result;
        auto attempt = [&](UnitOfWork& unit) {
            result.emplace(work(unit));
            return result->has_value();
        };
        FAIRLEAD_CHECK(submit(std::ref(attempt)));
        return *std::move(result);
    }

    /// Runs `work(Connection&)`, which returns a Result, on the calling thread with a reader that
    /// sees one moment of the database. Errc::unavailable when no reader is free within 5 s.
    template <class Work>
    auto read(Work&& work) -> std::invoke_result_t<Work&, Connection&> {
        std::optional<std::invoke_result_t<Work&, Connection&>> result;
        auto attempt = [&](Connection& db) { result.emplace(work(db)); };
        FAIRLEAD_CHECK(with_reader(std::ref(attempt)));
        return *std::move(result);
    }

    /// A consistent copy while the store is in use; see Connection::backup_to.
    void backup_to(const std::filesystem::path& file);

    /// Writes waiting at this moment, for /metrics.
    std::size_t queued() const;
    /// COMMITs so far; counted before their callers hear of them, so that what was read since is
    /// still so while this stays the same. Writes divided by this is how well grouping works.
    std::uint64_t commits() const;

private:
    struct Request;
    Result<> submit(std::function<bool(UnitOfWork&)> attempt);
    Result<> with_reader(const std::function<void(Connection&)>& attempt);
    void run_writer();
    void run_checkpoints();
    void checkpoint_where_due();
    void run_batch(std::span<Request*> batch);
    void attempt(Request& request);
    bool run_unit(UnitOfWork& unit, Request& request, const std::function<bool(UnitOfWork&)>& work);
    void follow(UnitOfWork::Follower& follower, Request& request);

    StoreOptions options_;
    std::unique_ptr<Connection> writer_;
    std::vector<std::unique_ptr<Connection>> readers_; ///< idle ones
    mutable std::mutex reader_lock_;
    std::condition_variable reader_free_;

    mutable std::mutex queue_lock_;
    std::condition_variable queue_filled_;
    std::deque<Request*> queue_;
    bool closing_ = false;
    std::atomic<std::uint64_t> commits_ = 0;
    std::mutex checkpoint_lock_;
    std::condition_variable checkpoint_due_;
    bool checkpoint_wanted_ = false, checkpoints_end_ = false;
    std::unique_ptr<Connection> checkpointer_;
    std::thread checkpoint_thread_;
    std::thread thread_;
};

} // namespace fairlead::store
