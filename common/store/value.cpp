#include "common/store/value.hpp"

#include "common/store/connection.hpp"

#include <sqlite3.h>

#include <new>
#include <stdexcept>

namespace fairlead::store {

int Row::columns() const {
    return sqlite3_column_count(statement_);
}

std::string_view Row::name(int column) const {
    const char* name = sqlite3_column_name(statement_, column);
    return name ? name : "";
}

bool Row::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Row::unfit(int column, std::string_view wanted) const {
    throw std::logic_error(
        "column " + std::string(name(column)) + " is not " + std::string(wanted) +
        " in: " + sqlite3_sql(statement_)
    );
}

void Row::expect(int column, int type, std::string_view wanted) const {
    if (column >= columns() || sqlite3_column_type(statement_, column) != type)
        unfit(column, wanted);
}

std::int64_t Row::integer(int column) const {
    expect(column, SQLITE_INTEGER, "a whole number");
    return sqlite3_column_int64(statement_, column);
}

double Row::real(int column) const {
    if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER)
        expect(column, SQLITE_FLOAT, "a number");
    return sqlite3_column_double(statement_, column);
}

std::string Row::text(int column) const {
    expect(column, SQLITE_TEXT, "text");
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (!text) throw std::bad_alloc();
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string Row::blob(int column) const {
    expect(column, SQLITE_BLOB, "bytes");
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return size == 0 ? std::string() : std::string(bytes, size);
}

void Parameter::check(int code) const {
    if (code == SQLITE_NOMEM) throw std::bad_alloc();
    if (code != SQLITE_OK)
        throw StoreError(
            StoreError::Kind::misuse,
            std::string("a value cannot be bound: ") + sqlite3_errstr(code)
        );
}

void Parameter::null() {
    check(sqlite3_bind_null(statement_, index_));
}
void Parameter::integer(std::int64_t value) {
    check(sqlite3_bind_int64(statement_, index_, value));
}
void Parameter::real(double value) {
    check(sqlite3_bind_double(statement_, index_, value));
}

void Parameter::text(std::string_view value) {
    // A null pointer would bind NULL where an empty text is meant.
    const char* text = value.data() ? value.data() : "";
    check(sqlite3_bind_text64(statement_, index_, text, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Parameter::blob(std::string_view value) {
    const char* bytes = value.data() ? value.data() : "";
    check(sqlite3_bind_blob64(statement_, index_, bytes, value.size(), SQLITE_STATIC));
}

} // namespace fairlead::store
