#include "common/store/connection.hpp"

#include "common/runtime/file.hpp"
#include "common/store/sqlite_error.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fairlead::store {
namespace {

constexpr std::size_t cached_statements_limit = 256;

/// SQLite would make it with the process's umask; the -wal and -shm files follow the mode of this
/// one.
void make_private(const std::filesystem::path& file) {
    Descriptor made(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    // An existing file must not be opened and closed here: closing drops this process's own locks
    // on it.
    if (!made && errno != EEXIST)
        throw StoreError(
            StoreError::Kind::io, "cannot make " + file.string() + ": " + std::strerror(errno)
        );
}

struct Handle {
    sqlite3* db = nullptr;
    ~Handle() { sqlite3_close_v2(db); }
};

} // namespace

Connection::Connection(const std::filesystem::path& file, ConnectionOptions options) : file_(file) {
    bool writes = options.access == Access::read_write;
    if (writes && file != ":memory:") make_private(file);
    Handle handle;
    int code = sqlite3_open_v2(
        file.c_str(), &handle.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr
    );
    if (code != SQLITE_OK) {
        auto why = std::string(handle.db ? sqlite3_errmsg(handle.db) : sqlite3_errstr(code));
        throw StoreError(StoreError::Kind::io, "cannot open " + file.string() + ": " + why);
    }
    db_ = handle.db;
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, options.busy_ms);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    if (writes) script("PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;");
    script(
        options.durability == Durability::synced ? "PRAGMA synchronous = FULL"
                                                 : "PRAGMA synchronous = OFF"
    );
    script("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;");
    script("PRAGMA cache_size = -" + std::to_string(options.cache_kib));
    if (!writes) script("PRAGMA query_only = ON");
    handle.db = nullptr;
}

Connection::~Connection() {
    idle_.clear();
    sqlite3_close_v2(db_);
}

Statement Connection::take(Sql sql) {
    auto found = idle_.find(sql.text());
    if (found == idle_.end()) return Statement(db_, sql.text());
    auto node = idle_.extract(found);
    return std::move(node.mapped());
}

void Connection::give_back(Statement statement) {
    statement.reset();
    if (idle_.size() >= cached_statements_limit) idle_.clear();
    std::string_view key = statement.sql();
    idle_.emplace(key, std::move(statement));
}

std::int64_t Connection::changes() const {
    return sqlite3_changes64(db_);
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(db_) == 0;
}

void Connection::script(std::string_view sql) {
    int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) raise(db_, code, sql);
}

void Connection::too_many(Sql sql) {
    throw std::logic_error(
        "more than " + std::to_string(max_rows) +
        " rows, a LIMIT is missing: " + std::string(sql.text())
    );
}

void Connection::expect_columns(const Row& row, std::size_t count) {
    if (static_cast<std::size_t>(row.columns()) != count)
        row.unfit(0, "the first of " + std::to_string(count) + " columns");
}

void Connection::expect_name(const Row& row, int column, std::string_view name) {
    if (row.name(column) != name) row.unfit(column, "the member " + std::string(name));
}

void Connection::leave_checkpoints() {
    auto note = [](void* pages, sqlite3*, const char*, int logged) {
        *static_cast<int*>(pages) = logged;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(db_, note, &logged_pages_); // in place of SQLite's own, which checkpoints
}

void Connection::checkpoint() {
    int code = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    // Somebody else does it.
    if (code != SQLITE_OK && code != SQLITE_BUSY) raise(db_, code, "a checkpoint");
}

Connection::Transaction::Transaction(Connection& connection) : connection_(connection) {
    static_cast<void>(connection_.run("BEGIN IMMEDIATE"));
}

Connection::Transaction::~Transaction() {
    if (open_ && connection_.in_transaction())
        sqlite3_exec(connection_.db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::Transaction::commit() {
    auto done = connection_.run("COMMIT");
    if (!done) throw StoreError(StoreError::Kind::misuse, done.error().detail());
    open_ = false;
}

void Connection::backup_to(const std::filesystem::path& file) {
    auto partial = std::filesystem::path(file.string() + ".partial");
    std::filesystem::remove(partial);
    make_private(partial);
    {
        Handle target;
        int code = sqlite3_open_v2(
            partial.c_str(), &target.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr
        );
        if (code != SQLITE_OK) raise(target.db, code, "opening the copy");
        sqlite3_busy_timeout(target.db, 5000);
        auto* copy = sqlite3_backup_init(target.db, "main", db_, "main");
        if (!copy) raise(target.db, sqlite3_errcode(target.db), "starting the copy");
        // All pages in one step are one read transaction: writers go on, and the copy never starts
        // over.
        code = sqlite3_backup_step(copy, -1);
        sqlite3_backup_finish(copy);
        if (code != SQLITE_DONE) raise(target.db, code, "copying");
        // So that the copy is one file, also once somebody has opened it.
        code = sqlite3_exec(target.db, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) raise(target.db, code, "finishing the copy");
    }
    Descriptor written(::open(partial.c_str(), O_RDONLY | O_CLOEXEC));
    if (!written || ::fsync(written.get()) != 0)
        throw StoreError(
            StoreError::Kind::io, partial.string() + " cannot be synced: " + std::strerror(errno)
        );
    std::filesystem::rename(partial, file);
    if (auto synced = sync_folder(std::filesystem::absolute(file).parent_path()); !synced)
        throw StoreError(StoreError::Kind::io, synced.error().message());
}

std::vector<std::string> Connection::integrity_errors() try {
    std::vector<std::string> found;
    auto lines = all<std::string>("PRAGMA integrity_check(20)");
    for (auto& line : *lines)
        if (line != "ok") found.push_back(std::move(line));
    Statement check(db_, "PRAGMA foreign_key_check");
    while (found.size() < 20 && check.step().value()) {
        auto row = check.row();
        found.push_back("a row of " + row.text(0) + " refers to a missing row of " + row.text(2));
    }
    return found;
} catch (const StoreError& error) {
    // Some damage ends the check itself.
    if (error.kind() != StoreError::Kind::corrupt) throw;
    return {error.what()};
}

} // namespace fairlead::store
