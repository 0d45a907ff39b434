// SQLite's full-text search and R-trees, which the agent's journal does not use: 0.3 MB. Debian's
// archive has them in members of their own, and a linker that finds their entries here does not
// take those members.
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
}
