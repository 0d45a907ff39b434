// What the agent's journal does not use of SQLite: full-text search, R-trees, JSON, dates,
// extensions and tables about SQLite itself, 0.4 MB. Debian's archive has them in members of their
// own, and a linker that finds their entries here does not take those members.
struct sqlite3;

extern "C" {
int sqlite3Fts3Init(sqlite3*) {
    return 0;
}
int sqlite3Fts5Init(sqlite3*) {
    return 0;
}
int sqlite3RtreeInit(sqlite3*) {
    return 0;
}
int sqlite3JsonTableFunctions(sqlite3*) {
    return 0;
}
void sqlite3RegisterJsonFunctions() {}
void sqlite3RegisterDateTimeFunctions() {}
int sqlite3DbstatRegister(sqlite3*) {
    return 0;
}
int sqlite3StmtVtabInit(sqlite3*) {
    return 0;
}
void sqlite3AutoLoadExtensions(sqlite3*) {}
void sqlite3CloseExtensions(sqlite3*) {}
void sqlite3_reset_auto_extension() {}
int sqlite3_load_extension(sqlite3*, const char*, const char*, char**) {
    return 1; // SQLITE_ERROR
}
}
