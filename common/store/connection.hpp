/// One connection to a SQLite database. Plain and synchronous; knows nothing of what is stored.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/value.hpp"

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace fairlead::store {

/// The database or the disk below it is broken, or a statement is wrong: nothing that a caller
/// could act on.
class StoreError : public std::runtime_error {
public:
    enum class Kind { full, io, corrupt, busy, newer_schema, misuse };
    StoreError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

enum class Access { read_write, read_only };

/// `relaxed` may lose the newest commits when the machine loses power: for tests, and for what can
/// be made again.
enum class Durability { synced, relaxed };

/// How to open one file. The defaults are those of a durable store: WAL, synchronous=FULL, foreign
/// keys on.
struct ConnectionOptions {
    Access access = Access::read_write;
    Durability durability = Durability::synced;
    int cache_kib = 2048; ///< page cache
    int busy_ms = 5000;   ///< wait for another process's lock
};

/// A prepared statement, checked out of the connection's cache for one run. Not for use outside
/// this folder.
class Statement {
public:
    Statement(sqlite3* db, std::string_view sql);
    Statement(Statement&&) noexcept;
    ~Statement();

    template <class... Args>
    void bind(const Args&... args) {
        expect_parameters(sizeof...(Args));
        std::size_t position = 0;
        (Column<std::decay_t<const Args&>>::write(parameter(position++), args), ...);
    }
    /// True with a row, false at the end. Errc::conflict for a violated UNIQUE or FOREIGN KEY
    /// constraint.
    Result<bool> step();
    Row row() const { return Row(statement_); }
    void reset();
    const std::string& sql() const { return *sql_; }

private:
    void expect_parameters(std::size_t count) const;
    Parameter parameter(std::size_t position) const;
    sqlite3* db_;
    sqlite3_stmt* statement_ = nullptr;
    std::unique_ptr<std::string> sql_;
    std::vector<int> indexes_; ///< $1 … $n in order; SQLite numbers names by first appearance
};

/// A SQL text known when the program was compiled. Only literals convert, so that nothing a user
/// wrote becomes SQL.
class Sql {
public:
    template <std::size_t N>
    consteval Sql(const char (&text)[N]) : text_(text, N - 1) {}
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

/// Owns the handle and a cache of prepared statements. Used by one thread at a time.
///
/// Parameters are `$1`, `$2`, …, in any order and as often as wanted. A row becomes:
///   a scalar (`one<std::int64_t>`: the first column), a std::tuple (by position), a described
///   struct (columns in the order of the members, with the members' names: `SELECT id, created_ms
///   AS created …`), or a T with an `explicit T(const Row&)`.
/// Violated UNIQUE and FOREIGN KEY constraints are Errc::conflict (the constraint in `detail`);
/// everything else that goes wrong is a StoreError.
class Connection {
public:
    /// Rows that `all` hands out at most; a query that finds more lacks a LIMIT, which is our
    /// mistake.
    static constexpr std::size_t max_rows = 10'000;

    /// Opens or makes the file (mode 0600). ":memory:" for tests. Throws StoreError.
    explicit Connection(const std::filesystem::path& file, ConnectionOptions options = {});
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The first row, if there is one. More than one row is fine; say LIMIT 1 where that matters.
    template <class T, class... Args>
    Result<std::optional<T>> one(Sql sql, const Args&... args) {
        Lease lease(*this, sql);
        lease->bind(args...);
        FAIRLEAD_TRY(found, lease->step());
        if (!found) return std::optional<T>();
        auto result = std::optional<T>(decode<T>(lease->row()));
        // INSERT … RETURNING is complete only when stepped to its end.
        FAIRLEAD_CHECK(lease->step());
        return result;
    }

    template <class T, class... Args>
    Result<std::vector<T>> all(Sql sql, const Args&... args) {
        std::vector<T> rows;
        Lease lease(*this, sql);
        lease->bind(args...);
        for (;;) {
            FAIRLEAD_TRY(more, lease->step());
            if (!more) return rows;
            if (rows.size() == max_rows) too_many(sql);
            rows.push_back(decode<T>(lease->row()));
        }
    }

    /// Calls `visit(T&&)` for each row, without a limit and without keeping them. `visit` may run
    /// other statements.
    template <class T, class Visit, class... Args>
    Result<> each(Visit&& visit, Sql sql, const Args&... args) {
        Lease lease(*this, sql);
        lease->bind(args...);
        for (;;) {
            FAIRLEAD_TRY(more, lease->step());
            if (!more) return {};
            visit(decode<T>(lease->row()));
        }
    }

    /// For statements without rows: how many were changed.
    template <class... Args>
    Result<std::int64_t> run(Sql sql, const Args&... args) {
        Lease lease(*this, sql);
        lease->bind(args...);
        for (;;) {
            FAIRLEAD_TRY(more, lease->step());
            if (!more) return changes();
        }
    }

    /// BEGIN IMMEDIATE, `work()`, COMMIT when its Result holds a value; else, and when it throws,
    /// ROLLBACK. For users of a lone connection; the controller goes through Store. Does not nest.
    template <class Work>
    auto transaction(Work&& work) -> std::invoke_result_t<Work&> {
        Transaction open(*this);
        auto result = work();
        if (result) open.commit();
        return result;
    }

    /// Several statements at once, without parameters: migrations and test fixtures.
    void script(std::string_view sql);

    /// Copies the whole database, as of now, into a new file (mode 0600, synced; the name appears
    /// when it is complete). Other connections may go on writing. Throws StoreError.
    void backup_to(const std::filesystem::path& file);

    /// Empty when sound, else what `PRAGMA integrity_check` and the foreign keys complain about (at
    /// most 20 lines).
    std::vector<std::string> integrity_errors();

    /// From now on a COMMIT copies nothing from the write-ahead log into the database; whoever asks
    /// for this calls checkpoint().
    void leave_checkpoints();
    /// Pages in the write-ahead log at the last COMMIT; since leave_checkpoints().
    int logged_pages() const { return logged_pages_; }
    /// Copies what no reader needs any more into the database. Other connections may go on.
    void checkpoint();

    /// True while a transaction is open.
    bool in_transaction() const;
    const std::filesystem::path& file() const { return file_; }

    /// Statements kept prepared.
    std::size_t cached_statements() const { return idle_.size(); }

private:
    friend class Store;
    /// A statement taken from the cache, given back reset.
    class Lease {
    public:
        Lease(Connection& connection, Sql sql)
            : connection_(connection), statement_(connection.take(sql)) {}
        ~Lease() { connection_.give_back(std::move(statement_)); }
        Lease(const Lease&) = delete;
        Statement* operator->() { return &statement_; }

    private:
        Connection& connection_;
        Statement statement_;
    };
    class Transaction {
    public:
        explicit Transaction(Connection& connection);
        ~Transaction();
        Transaction(const Transaction&) = delete;
        void commit();

    private:
        Connection& connection_;
        bool open_ = true;
    };

    Statement take(Sql sql);
    void give_back(Statement statement);
    std::int64_t changes() const;
    [[noreturn]] static void too_many(Sql sql);
    static void expect_columns(const Row& row, std::size_t count);
    static void expect_name(const Row& row, int column, std::string_view name);

    template <class T>
    static T decode(const Row& row);

    std::filesystem::path file_;
    sqlite3* db_ = nullptr;
    int logged_pages_ = 0;
    std::unordered_map<std::string_view, Statement> idle_; ///< keys are the statements' own texts
};

/// The value, or Errc::not_found with `sentence` ("There is no such server.").
template <class T>
Result<T> present(Result<std::optional<T>> found, std::string_view sentence) {
    if (!found) return fail(std::move(found).error());
    if (!*found) return fail(Errc::not_found, std::string(sentence));
    return **std::move(found);
}

// ---- implementation
// -------------------------------------------------------------------------------------

namespace detail {
template <class T>
struct IsTuple : std::false_type {};
template <class... Ts>
struct IsTuple<std::tuple<Ts...>> : std::true_type {};
} // namespace detail

template <class T>
T Connection::decode(const Row& row) {
    if constexpr (Storable<T>) {
        return row.get<T>(0);
    } else if constexpr (detail::IsTuple<T>::value) {
        expect_columns(row, std::tuple_size_v<T>);
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return T{row.get<std::tuple_element_t<I, T>>(static_cast<int>(I))...};
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (std::is_constructible_v<T, const Row&>) {
        return T(row);
    } else {
        using Members = boost::describe::describe_members<
            T, boost::describe::mod_public | boost::describe::mod_inherited>;
        expect_columns(row, boost::mp11::mp_size<Members>::value);
        T result{};
        int column = 0;
        boost::mp11::mp_for_each<Members>([&](auto member) {
            expect_name(row, column, member.name);
            auto& into = result.*member.pointer;
            into = row.get<std::remove_reference_t<decltype(into)>>(column++);
        });
        return result;
    }
}

} // namespace fairlead::store
