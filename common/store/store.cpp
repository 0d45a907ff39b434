#include "common/store/store.hpp"

#include "common/runtime/log.hpp"

#include <pthread.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace fairlead::store {
namespace {

using namespace std::chrono_literals;

constexpr auto reader_wait = 5s;
constexpr auto slow_unit = 250ms;
constexpr int log_pages = 1000;       // 4 MiB: then the write-ahead log is moved into the database
constexpr int log_pages_most = 16000; // then the writer itself waits for that

/// A unit of work that asks the store for another one would wait for itself.
thread_local bool inside_unit = false;

class Inside {
public:
    Inside() {
        if (inside_unit) throw std::logic_error("the store was used from inside a unit of work");
        inside_unit = true;
    }
    ~Inside() { inside_unit = false; }
};

std::string reason_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "unknown";
    }
}

} // namespace

/// Lives on the stack of the caller, who waits for `done`.
struct Store::Request {
    explicit Request(std::function<bool(UnitOfWork&)> work) : attempt(std::move(work)) {}

    void finish() {
        // Told under the lock: the moment it is free, the caller may take this object away.
        std::lock_guard held(lock);
        done = true;
        told.notify_one();
    }
    void wait() {
        std::unique_lock held(lock);
        told.wait(held, [&] { return done; });
    }

    std::function<bool(UnitOfWork&)> attempt;
    std::vector<std::function<void()>> after_commit;
    std::exception_ptr error;
    std::mutex lock;
    std::condition_variable told;
    bool done = false;
};

Store::Store(StoreOptions options, std::span<const Migration> migrations)
    : options_(std::move(options)) {
    writer_ = std::make_unique<Connection>(
        options_.file,
        ConnectionOptions{.durability = options_.durability, .cache_kib = options_.cache_kib}
    );
    migrate(*writer_, migrations, SystemClock().now());
    for (std::size_t i = 0; i < options_.readers; ++i)
        readers_.push_back(std::make_unique<Connection>(
            options_.file,
            ConnectionOptions{.access = Access::read_only, .cache_kib = options_.cache_kib}
        ));
    writer_->leave_checkpoints();
    checkpointer_ = std::make_unique<Connection>(
        options_.file, ConnectionOptions{.durability = options_.durability, .cache_kib = 64}
    );
    checkpoint_thread_ = std::thread([this] { run_checkpoints(); });
    pthread_setname_np(checkpoint_thread_.native_handle(), "store-log");
    thread_ = std::thread([this] { run_writer(); });
    pthread_setname_np(thread_.native_handle(), "store-writer");
}

Store::~Store() {
    {
        std::lock_guard held(queue_lock_);
        closing_ = true;
    }
    queue_filled_.notify_all();
    thread_.join();
    {
        std::lock_guard held(checkpoint_lock_);
        checkpoints_end_ = true;
    }
    checkpoint_due_.notify_one();
    checkpoint_thread_.join();
}

Result<> Store::submit(std::function<bool(UnitOfWork&)> attempt) {
    if (inside_unit) throw std::logic_error("the store was used from inside a unit of work");
    Request request(std::move(attempt));
    {
        std::lock_guard held(queue_lock_);
        if (closing_)
            return fail(Errc::unavailable, "The controller is stopping. Try again in a moment.");
        if (queue_.size() >= options_.queue_limit)
            return fail(
                Errc::unavailable, "Too much is being written at once. Try again in a moment.",
                std::to_string(queue_.size()) + " writes are waiting"
            );
        queue_.push_back(&request);
    }
    queue_filled_.notify_one();
    request.wait();
    if (request.error) std::rethrow_exception(request.error);
    return {};
}

void Store::run_writer() {
    std::vector<Request*> batch;
    for (;;) {
        batch.clear();
        {
            std::unique_lock held(queue_lock_);
            queue_filled_.wait(held, [&] { return closing_ || !queue_.empty(); });
            if (queue_.empty()) return;
            while (!queue_.empty() && batch.size() < options_.batch_limit) {
                batch.push_back(queue_.front());
                queue_.pop_front();
            }
        }
        run_batch(batch);
        checkpoint_where_due();
    }
}

void Store::checkpoint_where_due() try {
    auto pages = writer_->logged_pages();
    if (pages < log_pages) return;
    // Writes without a pause: the other thread never comes to the end, at which the log starts
    // over.
    if (pages >= log_pages_most) writer_->checkpoint();
    {
        std::lock_guard held(checkpoint_lock_);
        checkpoint_wanted_ = true;
    }
    checkpoint_due_.notify_one();
} catch (const std::exception& error) {
    log::error("the write-ahead log stays long", {{"reason", error.what()}});
}

void Store::run_checkpoints() {
    for (;;) {
        {
            std::unique_lock held(checkpoint_lock_);
            checkpoint_due_.wait(held, [&] { return checkpoint_wanted_ || checkpoints_end_; });
            if (checkpoints_end_) return;
            checkpoint_wanted_ = false;
        }
        try {
            checkpointer_->checkpoint();
        } catch (const std::exception& error) {
            log::error("the write-ahead log stays long", {{"reason", error.what()}});
        }
    }
}

void Store::run_batch(std::span<Request*> batch) {
    std::exception_ptr broken;
    try {
        Inside guard;
        Connection::Transaction transaction(*writer_);
        for (auto* request : batch) {
            attempt(*request);
            // A full disk makes SQLite drop the whole transaction, and with it the units before
            // this one.
            if (writer_->in_transaction()) continue;
            if (request->error) std::rethrow_exception(request->error);
            throw StoreError(StoreError::Kind::misuse, "a unit of work ended the transaction");
        }
        transaction.commit();
        commits_.fetch_add(1, std::memory_order_relaxed);
        for (auto* request : batch)
            for (auto& action : request->after_commit) {
                try {
                    action();
                } catch (...) {
                    log::error(
                        "what was to happen after a commit failed",
                        {{"reason", reason_of(std::current_exception())}}
                    );
                }
            }
    } catch (...) {
        broken = std::current_exception();
        log::error(
            "a write failed", {{"file", options_.file.string()}, {"reason", reason_of(broken)}}
        );
    }
    for (auto* request : batch) {
        if (broken) request->error = broken;
        request->finish();
    }
}

void Store::attempt(Request& request) {
    auto started = std::chrono::steady_clock::now();
    UnitOfWork unit(*writer_);
    run_unit(unit, request, request.attempt);

    auto took = std::chrono::steady_clock::now() - started;
    if (took > slow_unit)
        log::warning(
            "a unit of work held up all writers",
            {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}}
        );
}

/// False, with `request.error` for what was thrown, when it was undone. After an error that ended
/// the transaction nothing further may be done.
bool Store::run_unit(
    UnitOfWork& unit, Request& request, const std::function<bool(UnitOfWork&)>& work
) {
    bool keep = false;
    auto must = [](auto result) {
        if (!result) throw StoreError(StoreError::Kind::misuse, result.error().detail());
    };
    must(writer_->run("SAVEPOINT unit"));
    try {
        keep = work(unit);
    } catch (...) {
        request.error = std::current_exception();
    }
    if (!writer_->in_transaction()) return false;
    if (!keep) must(writer_->run("ROLLBACK TO SAVEPOINT unit"));
    must(writer_->run("RELEASE SAVEPOINT unit"));
    if (!keep) return false;
    std::move(
        unit.after_commit_.begin(), unit.after_commit_.end(),
        std::back_inserter(request.after_commit)
    );
    for (auto& follower : unit.followers_) {
        follow(follower, request);
        if (!writer_->in_transaction()) return false;
    }
    return true;
}

void Store::follow(UnitOfWork::Follower& follower, Request& request) {
    UnitOfWork unit(*writer_);
    std::string reason;
    auto work = [&](UnitOfWork& next) {
        auto done = follower.work(next);
        if (!done) reason = done.error().message() + " " + done.error().detail();
        return done.has_value();
    };
    if (run_unit(unit, request, work)) return;
    if (!writer_->in_transaction()) return;
    if (request.error) reason = reason_of(std::exchange(request.error, nullptr));
    log::error("what was to follow a write failed", {{"reason", reason}});
    if (follower.otherwise) request.after_commit.push_back(std::move(follower.otherwise));
}

Result<> Store::with_reader(const std::function<void(Connection&)>& attempt) {
    Inside guard;
    std::unique_ptr<Connection> reader;
    {
        std::unique_lock held(reader_lock_);
        if (!reader_free_.wait_for(held, reader_wait, [&] { return !readers_.empty(); }))
            return fail(
                Errc::unavailable, "Too much is being read at once. Try again in a moment."
            );
        reader = std::move(readers_.back());
        readers_.pop_back();
    }
    auto give_back = [&] {
        {
            std::lock_guard held(reader_lock_);
            readers_.push_back(std::move(reader));
        }
        reader_free_.notify_one();
    };
    try {
        // One moment of the database for all statements of the work. Prepared once: parsing these
        // each time costs as much as a small read.
        static_cast<void>(reader->run("BEGIN"));
        attempt(*reader);
        static_cast<void>(reader->run("COMMIT"));
    } catch (...) {
        if (reader->in_transaction()) reader->script("ROLLBACK");
        give_back();
        throw;
    }
    give_back();
    return {};
}

void Store::backup_to(const std::filesystem::path& file) {
    // Not a pooled reader: a copy may take long.
    Connection source(options_.file, {.access = Access::read_only});
    source.backup_to(file);
}

std::size_t Store::queued() const {
    std::lock_guard held(queue_lock_);
    return queue_.size();
}

std::uint64_t Store::commits() const {
    return commits_.load(std::memory_order_relaxed);
}

} // namespace fairlead::store
