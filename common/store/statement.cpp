#include "common/store/connection.hpp"
#include "common/store/sqlite_error.hpp"

#include <sqlite3.h>

#include <charconv>

namespace fairlead::store {
namespace {

/// The n of "$n"; throws for every other kind of parameter, which PostgreSQL would not understand.
std::size_t number_of(const char* name, std::string_view sql) {
    auto text = std::string_view(name ? name : "?");
    std::size_t number = 0;
    auto digits = text.substr(1);
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (text[0] != '$' || failed != std::errc() || end != digits.data() + digits.size() ||
        number == 0 || number > 100)
        throw std::logic_error("parameters are written $1, $2, …: " + std::string(sql));
    return number;
}

} // namespace

Statement::Statement(sqlite3* db, std::string_view sql)
    : db_(db), sql_(std::make_unique<std::string>(sql)) {
    const char* tail = nullptr;
    int code = sqlite3_prepare_v3(
        db, sql_->data(), static_cast<int>(sql_->size()), SQLITE_PREPARE_PERSISTENT, &statement_,
        &tail
    );
    if (code != SQLITE_OK) raise(db, code, sql);
    if (!statement_ || tail != sql_->data() + sql_->size()) {
        sqlite3_finalize(statement_);
        throw std::logic_error("not exactly one statement: " + *sql_);
    }
    auto count = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_));
    indexes_.resize(count);
    try {
        for (std::size_t i = 1; i <= count; ++i) {
            auto number =
                number_of(sqlite3_bind_parameter_name(statement_, static_cast<int>(i)), sql);
            if (number > count) throw std::logic_error("a parameter number is left out: " + *sql_);
            indexes_[number - 1] = static_cast<int>(i);
        }
    } catch (...) {
        sqlite3_finalize(statement_);
        throw;
    }
}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)),
      sql_(std::move(other.sql_)), indexes_(std::move(other.indexes_)) {}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::expect_parameters(std::size_t count) const {
    if (count != indexes_.size())
        throw std::logic_error(
            std::to_string(count) + " values for " + std::to_string(indexes_.size()) +
            " parameters: " + *sql_
        );
}

Parameter Statement::parameter(std::size_t position) const {
    return Parameter(statement_, indexes_[position]);
}

Result<bool> Statement::step() {
    int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return fail(conflict_or_raise(db_, sqlite3_extended_errcode(db_), *sql_));
}

void Statement::reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

} // namespace fairlead::store
