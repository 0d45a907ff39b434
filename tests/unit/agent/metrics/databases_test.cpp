#include "agent/metrics/databases.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::metrics;
using Values = proto::MeasuredValues;

TEST_SUITE("agent/metrics/databases") {

    TEST_CASE("connections are told of the server and of each environment's database") {
        Values server, shop, wiki;
        take_catalogs(
            {"a|5|2|1|1|0|7200|fl-shop", "a|1|0|0|0|1|90000|postgres", "t|100|3|200|",
             "s|1000|fl-shop", "s|24|template1"},
            server, {{"fl-shop", &shop}, {"fl-wiki", &wiki}}
        );
        CHECK(
            server ==
            Values{
                {"pg_connections", 6},
                {"pg_active", 2},
                {"pg_slow", 1},
                {"pg_waiting", 1},
                {"pg_idle_in_transaction", 1},
                {"pg_longest_ms", 90000},
                {"pg_transactions", 100},
                {"pg_deadlocks", 3},
                {"pg_most_connections", 200},
                {"pg_bytes", 1024}}
        );
        CHECK(
            shop ==
            Values{{"connections", 5}, {"slow", 1}, {"waiting", 1}, {"database_bytes", 1000}}
        );
        CHECK(wiki == Values{{"connections", 0}, {"slow", 0}, {"waiting", 0}});
    }

    TEST_CASE("nobody connected is a zero, and no answer is nothing") {
        Values server;
        take_catalogs({"t|1|0|100|"}, server, {});
        CHECK(server["pg_connections"] == 0);
        CHECK(!server.contains("pg_bytes"));
        server.clear();
        take_catalogs({}, server, {});
        CHECK(server.empty());
    }

    TEST_CASE("rows that make no sense are passed over") {
        Values server;
        for (const char* row :
             {"", "a", "a|", "a|1|2|3|4|5|fl-shop", "a|1|2|3|4|5|-6|fl-shop", "a|x|2|3|4|5|6|d",
              "s|99999999999999999999|d", "z|1|2", "t|1|2|3"})
            take_catalogs({row}, server, {});
        CHECK(server.empty());
        // A database is called what its owner likes.
        take_catalogs({"a|1|1|0|0|0|5|odd|name|9"}, server, {});
        CHECK(server["pg_connections"] == 1);
    }

    TEST_CASE("sizes, which may take long, are a question of their own") {
        CHECK(sizes_query().find("pg_database_size") != std::string::npos);
        CHECK(catalog_queries().find("pg_database_size") == std::string::npos);
        CHECK(catalog_queries().find("interval '5 s'") != std::string::npos);
    }

    TEST_CASE("scheduled actions that are late are one row of two numbers") {
        Values one;
        take_late_actions({"3|7200|"}, one);
        CHECK(one == Values{{"cron_late", 3}, {"cron_late_s", 7200}});
        Values none;
        take_late_actions({}, none);
        take_late_actions({"3|7200|", "1|1|"}, none);
        take_late_actions({"many"}, none);
        CHECK(none.empty());
        CHECK(late_actions_query().find("interval '5 min'") != std::string::npos);
    }
}
