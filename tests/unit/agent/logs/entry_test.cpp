#include "agent/logs/entry.hpp"
#include "agent/logs/plain_text.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead::logs;

TEST_SUITE("agent/logs/entry") {

    TEST_CASE("an entry of the journal goes on with its time, level, unit and text") {
        auto entry = read_entry(
            R"({"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1769860800000001","PRIORITY":"3",)"
            R"("_PID":"42","_SYSTEMD_UNIT":"fairlead-odoo@shop.service","MESSAGE":"no \"way\""})"
        );
        REQUIRE(entry);
        CHECK(entry->cursor == "s=1;i=2");
        CHECK(entry->text == "no \"way\"");
        auto value = boost::json::parse(write_entry(*entry, false)).as_object();
        CHECK(value.at("at").as_string() == "2026-01-31T12:00:00.000001Z");
        CHECK(value.at("level").as_string() == "error");
        CHECK(value.at("from").as_string() == "fairlead-odoo@shop.service");
        CHECK(value.at("pid").as_int64() == 42);
        CHECK(
            write_entry(*entry, true) == "2026-01-31T12:00:00.000001Z "
                                         "fairlead-odoo@shop.service[42] error: no \"way\"\n"
        );
    }

    TEST_CASE("what systemd says of a unit stands under the unit") {
        auto entry = read_entry(
            R"({"_PID":"1","_SYSTEMD_UNIT":"init.scope","UNIT":"postgresql@15-main.service",)"
            R"("SYSLOG_IDENTIFIER":"systemd","MESSAGE":"Started."})"
        );
        REQUIRE(entry);
        CHECK(entry->from == "postgresql@15-main.service");
    }

    TEST_CASE("bytes that are no text become some, and what is no entry becomes none") {
        auto entry = read_entry(R"({"MESSAGE":[27,91,51,49,109,114,101,100,27,91,48,109,0,255]})");
        REQUIRE(entry);
        CHECK(entry->text == "red\xEF\xBF\xBD\xEF\xBF\xBD");
        CHECK(read_entry(R"({"MESSAGE":["first","second"]})")->text == "first");
        CHECK(read_entry(R"({"MESSAGE":null})")->text.empty());
        CHECK(read_entry(R"({"__CURSOR":"../x"})")->cursor.empty());
        CHECK_FALSE(read_entry("-- No entries --"));
        CHECK_FALSE(read_entry("{\"MESSAGE\":"));
        CHECK_FALSE(read_entry("[]"));
    }

    TEST_CASE("lines of one entry stay together in a file") {
        auto entry = read_entry(R"({"MESSAGE":"ERROR:  no\nSTATEMENT:  SELECT\n"})");
        REQUIRE(entry);
        auto text = write_entry(*entry, true);
        CHECK(text.ends_with(": ERROR:  no\n\tSTATEMENT:  SELECT\n"));
    }

    TEST_CASE("a text is cut between characters, and says so") {
        bool cut = false;
        CHECK(plain_text("gr\xC3\xBCn", 3, cut) == "gr");
        CHECK(cut);
        CHECK(plain_text("gr\xC3\xBCn", 5, cut) == "gr\xC3\xBCn");
        CHECK_FALSE(cut);
        CHECK(plain_text("\xC3", 10, cut) == "\xEF\xBF\xBD");
        CHECK(plain_text("\xED\xA0\x80", 10, cut) == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
        CHECK(plain_text("a\x1B[1;31", 10, cut) == "a");
        CHECK(plain_text("a\r\tb\x07", 20, cut) == "a\xEF\xBF\xBD\tb\xEF\xBF\xBD");
    }

    TEST_CASE("a file says when it is not all, and a page always why it ends") {
        CHECK(write_end("done", "", true).empty());
        CHECK(write_end("lines", "More.", true) == "-- This is not all (lines). More.\n");
        CHECK(write_end("done", "", false) == "{\"end\":\"done\"}\n");
    }
}
