#include "common/store/sqlite_error.hpp"

#include "common/store/connection.hpp"

#include <sqlite3.h>

#include <new>
#include <string>

namespace fairlead::store {
namespace {

std::string file_of(sqlite3* db) {
    const char* name = db ? sqlite3_db_filename(db, "main") : nullptr;
    return name && *name ? name : "the database";
}

} // namespace

void raise(sqlite3* db, int code, std::string_view doing) {
    using Kind = StoreError::Kind;
    auto file = file_of(db);
    auto why = std::string(db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    auto at = std::string(doing.substr(0, 200));
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        throw std::bad_alloc();
    case SQLITE_FULL:
        throw StoreError(
            Kind::full,
            "The disk that holds " + file + " is full. Nothing was stored; free some space."
        );
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        throw StoreError(
            Kind::io, file + " cannot be read or written: " + why + " (" + sqlite3_errstr(code) +
                          "; " + at + ")"
        );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        throw StoreError(
            Kind::corrupt, file + " is damaged or no database: " + why + ". Restore a backup."
        );
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        throw StoreError(Kind::busy, file + " is locked by another process (" + at + ")");
    default:
        throw StoreError(Kind::misuse, "SQL: " + why + " in: " + at);
    }
}

Error conflict_or_raise(sqlite3* db, int code, std::string_view doing) {
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return Error(Errc::conflict, "There is already one like it.", sqlite3_errmsg(db));
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return Error(
            Errc::conflict,
            "Something else belongs to it, or it belongs to something that is gone.",
            sqlite3_errmsg(db)
        );
    default:
        raise(db, code, doing);
    }
}

} // namespace fairlead::store
