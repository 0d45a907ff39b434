#include "common/store/connection.hpp"
#include "common/store/memory_db.hpp"

#include <boost/describe.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace fairlead;
using namespace fairlead::store;

namespace {

BOOST_DEFINE_ENUM_CLASS(Colour, red, green)

struct Host {
    ServerId id;
    std::string name;
    Colour colour = Colour::red;
    std::optional<Timestamp> seen;
    bool online = false;
};
BOOST_DESCRIBE_STRUCT(Host, (), (id, name, colour, seen, online))

constexpr Sql up_to(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT i FROM n"
);

struct Sum {
    explicit Sum(const Row& row) : value(row.get<int>(0) + row.get<int>(1)) {}
    int value;
};

struct Db : Connection {
    Db() : Connection(":memory:") {
        script("CREATE TABLE host (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, colour TEXT NOT "
               "NULL, seen_ms BIGINT,"
               " online BOOLEAN NOT NULL, size BIGINT NOT NULL DEFAULT 0, extra BLOB);"
               "CREATE TABLE disk (host_id TEXT NOT NULL REFERENCES host (id), size INT NOT NULL "
               "CHECK (size > 0));");
    }
    Result<std::int64_t> add(const Host& host) {
        return run(
            "INSERT INTO host (id, name, colour, seen_ms, online) VALUES ($1, $2, $3, $4, $5)",
            host.id, host.name, host.colour, host.seen, host.online
        );
    }
};

const auto now = from_ms(1'700'000'000'000);
const auto first = Host{ServerId::make(now), "one", Colour::green, now, true};

} // namespace

TEST_SUITE("common/store/connection") {

    TEST_CASE("a described struct goes in by parameters and comes back by its members") {
        Db db;
        CHECK(db.add(first).value() == 1);
        CHECK(db.add({ServerId::make(now), "two", Colour::red, std::nullopt, false}).value() == 1);

        auto hosts =
            db.all<Host>("SELECT id, name, colour, seen_ms AS seen, online FROM host ORDER BY name")
                .value();
        REQUIRE(hosts.size() == 2);
        CHECK(hosts[0].id == first.id);
        CHECK(hosts[0].colour == Colour::green);
        CHECK(hosts[0].seen == now);
        CHECK(hosts[0].online);
        CHECK(!hosts[1].seen);

        CHECK(
            db.one<std::string>("SELECT name FROM host WHERE id = $1", first.id).value() == "one"
        );
        CHECK(!db.one<std::string>("SELECT name FROM host WHERE id = $1", "nobody").value());
        auto pair = db.one<std::tuple<std::string, bool>>(
                          "SELECT name, online FROM host WHERE name = $1", "two"
        )
                        .value()
                        .value();
        CHECK(std::get<0>(pair) == "two");
        CHECK(!std::get<1>(pair));
        CHECK(db.one<Sum>("SELECT 3, 4").value()->value == 7);
        CHECK(
            present(db.one<int>("SELECT 1 WHERE 1 = 0"), "There is no such one.").error().kind() ==
            Errc::not_found
        );
    }

    TEST_CASE("parameters are numbered: any order, any number of times") {
        Db db;
        CHECK(db.one<std::string>("SELECT $2 || $1 || $2", "a", "b").value() == "bab");
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT $1 || $2", "a"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT $1", "a", "b"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT ?", "a"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT ?1", "a"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT :name", "a"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT $2", "a"), std::logic_error);
        CHECK_THROWS_AS((void)db.run("DELETE FROM disk; DELETE FROM host"), std::logic_error);
    }

    TEST_CASE("a taken name and a missing parent are conflicts, a broken rule is our mistake") {
        Db db;
        REQUIRE(db.add(first));
        auto taken = db.add({ServerId::make(now), "one", Colour::red, {}, false});
        REQUIRE(!taken);
        CHECK(taken.error().kind() == Errc::conflict);
        CHECK(taken.error().detail() == "UNIQUE constraint failed: host.name");
        CHECK(db.add(first).error().kind() == Errc::conflict);
        CHECK(
            db.run("INSERT INTO disk VALUES ($1, $2)", "srv_none", 1).error().kind() ==
            Errc::conflict
        );
        CHECK_THROWS_AS((void)db.run("INSERT INTO disk VALUES ($1, $2)", first.id, 0), StoreError);
        CHECK_THROWS_AS((void)db.run("INSERT INTO host (id) VALUES ($1)", "x"), StoreError);
        CHECK_THROWS_AS((void)db.run("SELECT * FROM nowhere"), StoreError);
        // The statement that failed can be used again.
        CHECK(db.add({ServerId::make(now), "two", Colour::red, {}, false}).value() == 1);
    }

    TEST_CASE("a double-quoted word is a column, never a text") {
        Db db;
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT \"hello\""), StoreError);
    }

    TEST_CASE("INSERT … RETURNING gives the row and is complete") {
        Db db;
        auto name = db.one<std::string>(
            "INSERT INTO host (id, name, colour, online) VALUES ($1, $2, $3, $4) RETURNING name",
            "srv_1", "x", Colour::red, false
        );
        CHECK(name.value() == "x");
        CHECK(db.one<int>("SELECT count(*) FROM host").value() == 1);
    }

    TEST_CASE("reading a value as something that it is not is refused with the column's name") {
        Db db;
        REQUIRE(db.add(first));
        REQUIRE(db.run("UPDATE host SET size = $1, colour = $2", 300, "blue"));
        CHECK_THROWS_WITH_AS(
            (void)db.one<int>("SELECT name FROM host"),
            "column name is not a whole number in: SELECT name FROM host", std::logic_error
        );
        CHECK_THROWS_AS((void)db.one<std::uint8_t>("SELECT size FROM host"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<Colour>("SELECT colour FROM host"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::string>("SELECT extra FROM host"), std::logic_error);
        CHECK_THROWS_AS(
            (void)db.one<Host>("SELECT id, name, colour, seen_ms, online FROM host"),
            std::logic_error
        );
        CHECK_THROWS_AS((void)db.one<Host>("SELECT id, name FROM host"), std::logic_error);
        CHECK_THROWS_AS((void)db.one<std::tuple<int>>("SELECT 1, 2"), std::logic_error);
        CHECK_THROWS_AS(
            (void)db.one<int>("SELECT $1", std::numeric_limits<std::uint64_t>::max()),
            std::out_of_range
        );
        CHECK(
            db.one<std::uint64_t>("SELECT $1", std::uint64_t(1) << 62).value() == std::uint64_t(1)
                                                                                      << 62
        );
    }

    TEST_CASE("text and bytes come back byte by byte, the empty ones too") {
        Db db;
        std::string all;
        for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
        CHECK(db.one<Blob>("SELECT $1", Blob{all}).value() == Blob{all});
        CHECK(db.one<Blob>("SELECT $1", Blob{}).value() == Blob{});
        CHECK(db.one<std::string>("SELECT $1", std::string_view()).value() == "");
        auto with_null = std::string("a\0b", 3);
        CHECK(db.one<std::string>("SELECT $1", with_null).value() == with_null);
        CHECK(!db.one<std::optional<int>>("SELECT $1", std::nullopt).value().value());
        CHECK(db.one<double>("SELECT $1", 0.5).value() == 0.5);
    }

    TEST_CASE("a list is bounded, a visit is not") {
        Db db;
        CHECK(db.all<int>(up_to, 10'000).value().size() == 10'000);
        CHECK_THROWS_AS((void)db.all<int>(up_to, 10'001), std::logic_error);
        int seen = 0;
        REQUIRE(db.each<int>([&](int) { ++seen; }, up_to, 20'000));
        CHECK(seen == 20'000);
    }

    TEST_CASE("a visit may run the same statement again inside") {
        Db db;
        int inner = 0;
        auto visit = [&](int value) {
            auto again = db.all<int>("SELECT 1 UNION SELECT 2").value();
            for (int factor : again) inner += factor * value;
        };
        REQUIRE(db.each<int>(visit, "SELECT 1 UNION SELECT 2"));
        CHECK(inner == 9);
    }

    TEST_CASE("a lone connection's transaction keeps what succeeded and undoes the rest") {
        Db db;
        CHECK(db.transaction([&] { return db.add(first); }));
        auto clash = [&]() -> Result<> {
            FAIRLEAD_CHECK(db.add({ServerId::make(now), "two", Colour::red, {}, false}));
            FAIRLEAD_CHECK(db.add(first));
            return {};
        };
        CHECK(db.transaction(clash).error().kind() == Errc::conflict);
        auto thrown = [&]() -> Result<> {
            (void)db.add({ServerId::make(now), "three", Colour::red, {}, false});
            throw std::runtime_error("no");
        };
        CHECK_THROWS_AS((void)db.transaction(thrown), std::runtime_error);
        CHECK(
            db.all<std::string>("SELECT name FROM host").value() == std::vector<std::string>{"one"}
        );
        CHECK(!db.in_transaction());
    }

    TEST_CASE("the file is for its owner alone, and so is a copy, which is one whole file") {
        TemporaryFolder folder;
        auto file = folder.path() / "a.db";
        Connection db(file);
        db.script("CREATE TABLE t (x INT); INSERT INTO t VALUES (1)");
        auto mode = [](const std::filesystem::path& path) {
            struct stat facts {};
            REQUIRE(::stat(path.c_str(), &facts) == 0);
            return facts.st_mode & 0777;
        };
        CHECK(mode(file) == 0600);
        CHECK(mode(file.string() + "-wal") == 0600);

        auto copy = folder.path() / "copy.db";
        auto begun = db.transaction([&]() -> Result<> {
            // What is not committed is not in the copy; somebody else's connection makes it.
            FAIRLEAD_CHECK(db.run("INSERT INTO t VALUES (2)"));
            Connection(file, {.access = Access::read_only}).backup_to(copy);
            return {};
        });
        REQUIRE(begun);
        CHECK(mode(copy) == 0600);
        Connection opened(copy, {.access = Access::read_only});
        CHECK(opened.one<int>("SELECT count(*) FROM t").value() == 1);
        CHECK(opened.integrity_errors().empty());
        CHECK(!std::filesystem::exists(copy.string() + ".partial"));
        CHECK_THROWS_AS((void)opened.run("DELETE FROM t"), StoreError);
        CHECK_THROWS_AS(
            Connection(folder.path() / "absent.db", {.access = Access::read_only}), StoreError
        );
        CHECK_THROWS_AS(Connection(folder.path() / "no" / "folder.db"), StoreError);
    }

    TEST_CASE("a damaged file is named as such") {
        TemporaryFolder folder;
        auto file = folder.path() / "a.db";
        {
            Connection db(file);
            db.script("CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x);");
            REQUIRE(
                db.run("INSERT INTO t SELECT hex(randomblob(100)) FROM (WITH RECURSIVE n (i) AS "
                       "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n)")
            );
        }
        auto size = std::filesystem::file_size(file);
        {
            std::FILE* raw = std::fopen(file.c_str(), "r+b");
            REQUIRE(raw);
            std::fseek(raw, static_cast<long>(size / 2 / 4096 * 4096), SEEK_SET);
            for (int i = 0; i < 4096; ++i) std::fputc(0xa5, raw);
            std::fclose(raw);
        }
        Connection db(file);
        CHECK(!db.integrity_errors().empty());

        auto rubbish = folder.path() / "b.db";
        std::FILE* raw = std::fopen(rubbish.c_str(), "wb");
        for (int i = 0; i < 8192; ++i) std::fputc('x', raw);
        std::fclose(raw);
        try {
            Connection opened(rubbish);
            FAIL("rubbish was opened");
        } catch (const StoreError& error) {
            CHECK(error.kind() == StoreError::Kind::corrupt);
        }
    }

    TEST_CASE("the cache of prepared statements is used and has an end") {
        Db db;
        auto before = db.cached_statements();
        for (int i = 0; i < 10; ++i) REQUIRE(db.one<int>("SELECT 42"));
        CHECK(db.cached_statements() == before + 1);
    }
}
