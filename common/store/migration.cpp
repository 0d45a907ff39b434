#include "common/store/migration.hpp"

#include "common/runtime/log.hpp"
#include "common/store/connection.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead::store {
namespace {

constexpr std::size_t copies_kept = 3;

void copy_before(Connection& db, int version) {
    if (db.file() == ":memory:") return;
    auto prefix = db.file().filename().string() + ".before-";
    db.backup_to(db.file().string() + ".before-" + std::to_string(version));

    std::vector<int> versions;
    auto folder = std::filesystem::absolute(db.file()).parent_path();
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        auto name = entry.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        int number = 0;
        auto [end, failed] =
            std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
        if (failed == std::errc() && end == name.data() + name.size()) versions.push_back(number);
    }
    std::sort(versions.begin(), versions.end(), std::greater<>());
    for (std::size_t i = copies_kept; i < versions.size(); ++i)
        std::filesystem::remove(folder / (prefix + std::to_string(versions[i])));
}

void apply(Connection& db, const Migration& step, Timestamp now) {
    auto work = [&]() -> Result<> {
        db.script(step.sql);
        FAIRLEAD_CHECK(db.run(
            "INSERT INTO schema_migration (version, name, applied_ms) VALUES ($1, $2, $3)",
            step.version, step.name, now
        ));
        if (auto wrong = db.integrity_errors(); !wrong.empty())
            return fail(Errc::internal, wrong.front());
        return {};
    };
    if (auto applied = db.transaction(work); !applied)
        throw StoreError(
            StoreError::Kind::corrupt, "Schema step " + std::to_string(step.version) + " (" +
                                           std::string(step.name) +
                                           ") was undone: " + applied.error().message()
        );
}

} // namespace

int schema_version(Connection& db) {
    auto there = db.one<int>(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'"
    );
    if (there.value() == 0) return 0;
    return db.one<int>("SELECT coalesce(max(version), 0) FROM schema_migration").value().value();
}

void migrate(Connection& db, std::span<const Migration> migrations, Timestamp now) {
    for (std::size_t i = 0; i < migrations.size(); ++i)
        if (migrations[i].version != static_cast<int>(i) + 1)
            throw std::logic_error("migrations are numbered from 1 without gaps");

    int current = schema_version(db);
    int newest = static_cast<int>(migrations.size());
    if (current > newest)
        throw StoreError(
            StoreError::Kind::newer_schema,
            db.file().string() + " was written by a newer program: its schema is " +
                std::to_string(current) + ", this program knows " + std::to_string(newest) +
                ". Install the newer program again, or restore a backup made before it."
        );
    if (current == newest) return;
    if (current > 0) copy_before(db, current + 1);

    db.script("CREATE TABLE IF NOT EXISTS schema_migration"
              " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms BIGINT NOT NULL)");
    // Rebuilding a table needs the keys off; each step is checked before it commits.
    db.script("PRAGMA foreign_keys = OFF");
    try {
        for (const auto& step : migrations.subspan(static_cast<std::size_t>(current))) {
            apply(db, step, now);
            log::debug("schema step applied", {{"version", step.version}, {"name", step.name}});
        }
    } catch (...) {
        db.script("PRAGMA foreign_keys = ON");
        throw;
    }
    db.script("PRAGMA foreign_keys = ON");
}

} // namespace fairlead::store
