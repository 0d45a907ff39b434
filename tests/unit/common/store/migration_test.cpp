#include "common/store/memory_db.hpp"
#include "common/store/migration.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::store;

namespace {

constexpr Migration steps[] = {
    {1, "first",
     "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (a_id INT NOT NULL REFERENCES a (id));"},
    {2, "rows", "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);"},
    {3, "rebuild",
     "CREATE TABLE a2 (id INT PRIMARY KEY, name TEXT); INSERT INTO a2 SELECT id, 'x' FROM a;"
     "DROP TABLE a; ALTER TABLE a2 RENAME TO a;"},
};
const auto all = std::span<const Migration>(steps);
const Timestamp now{};

} // namespace

TEST_SUITE("common/store/migration") {

    TEST_CASE("steps are applied once, in order, with a table rebuilt below its foreign keys") {
        Connection db(":memory:");
        CHECK(schema_version(db) == 0);
        migrate(db, all.first(2), now);
        CHECK(schema_version(db) == 2);
        migrate(db, all, now);
        migrate(db, all, now);
        CHECK(schema_version(db) == 3);
        CHECK(db.one<std::string>("SELECT name FROM a").value() == "x");
        CHECK(db.run("INSERT INTO b VALUES (9)").error().kind() == Errc::conflict);
    }

    TEST_CASE("a schema newer than the program is refused, by both numbers") {
        Connection db(":memory:");
        migrate(db, all, now);
        try {
            migrate(db, all.first(1), now);
            FAIL("accepted");
        } catch (const StoreError& error) {
            CHECK(error.kind() == StoreError::Kind::newer_schema);
            CHECK(
                std::string(error.what()).find("its schema is 3, this program knows 1") !=
                std::string::npos
            );
        }
    }

    TEST_CASE("a step that fails leaves the one before it, whole") {
        for (auto sql :
             {"CREATE TABLE c (x INT); INSERT INTO nowhere VALUES (1);",
              "CREATE TABLE c (x INT); INSERT INTO b VALUES (77);"}) {
            CAPTURE(sql);
            Connection db(":memory:");
            Migration broken[] = {steps[0], steps[1], {3, "broken", sql}};
            CHECK_THROWS_AS(migrate(db, broken, now), StoreError);
            CHECK(schema_version(db) == 2);
            CHECK(db.one<int>("SELECT count(*) FROM sqlite_schema WHERE name = 'c'").value() == 0);
            CHECK(db.run("INSERT INTO b VALUES (9)").error().kind() == Errc::conflict);
        }
    }

    TEST_CASE("numbers with a gap are our mistake") {
        Connection db(":memory:");
        Migration gap[] = {steps[0], {3, "late", ""}};
        CHECK_THROWS_AS(migrate(db, gap, now), std::logic_error);
    }

    TEST_CASE("an older file is copied before it is changed, and three copies are kept") {
        TemporaryFolder folder;
        auto file = folder.path() / "a.db";
        static constexpr Migration more[] = {
            {1, "1", "CREATE TABLE t1 (x INT)"}, {2, "2", "CREATE TABLE t2 (x INT)"},
            {3, "3", "CREATE TABLE t3 (x INT)"}, {4, "4", "CREATE TABLE t4 (x INT)"},
            {5, "5", "CREATE TABLE t5 (x INT)"}, {6, "6", "CREATE TABLE t6 (x INT)"}};
        for (std::size_t i = 1; i <= 6; ++i) {
            Connection db(file);
            migrate(db, std::span(more).first(i), now);
        }
        auto copy = [&](int version) {
            return file.string() + ".before-" + std::to_string(version);
        };
        CHECK(!std::filesystem::exists(copy(2)));
        CHECK(!std::filesystem::exists(copy(3)));
        for (int version : {4, 5, 6}) {
            Connection db(copy(version), {.access = Access::read_only});
            CHECK(schema_version(db) == version - 1);
        }
    }
}
