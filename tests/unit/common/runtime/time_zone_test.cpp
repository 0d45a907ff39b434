#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/time_zone.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>

using namespace fairlead;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

sys_seconds at(const char* text) {
    return floor<seconds>(from_rfc3339(text).value());
}

/// What the system's own `date` says of many instants in a zone: "+0530 2024-01-01 05:30:00".
std::vector<std::string>
ask_date(const std::string& zone, const std::vector<sys_seconds>& instants) {
    std::string list;
    for (auto instant : instants)
        list += "@" + std::to_string(instant.time_since_epoch().count()) + "\n";
    Command command;
    command.argv = {"date", "-f", "-", "+%z %F %T"};
    command.environment = {{"TZ", zone}};
    command.input = list;
    std::istringstream lines(run_ok(command).value());
    std::vector<std::string> answers;
    for (std::string line; std::getline(lines, line);) answers.push_back(line);
    return answers;
}

std::string said_by(const TimeZone& zone, sys_seconds instant) {
    auto offset = int(zone.offset_at(instant).count());
    auto local = zone.to_local(instant);
    year_month_day day{floor<days>(local)};
    hh_mm_ss time{local - floor<days>(local)};
    char text[64];
    std::snprintf(
        text, sizeof text, "%c%02d%02d %04d-%02u-%02u %02d:%02d:%02d", offset < 0 ? '-' : '+',
        std::abs(offset) / 3600, std::abs(offset) / 60 % 60, int(day.year()), unsigned(day.month()),
        unsigned(day.day()), int(time.hours().count()), int(time.minutes().count()),
        int(time.seconds().count())
    );
    return text;
}

} // namespace

TEST_SUITE("common/runtime/time_zone") {

    TEST_CASE("offsets are those that the system's date has, far back and far ahead") {
        for (std::string name :
             {"Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Sydney",
              "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin",
              "Pacific/Apia", "America/Santiago", "Asia/Tehran", "Etc/GMT+5", "America/Nuuk",
              "UTC"}) {
            CAPTURE(name);
            auto zone = TimeZone::load(name);
            REQUIRE(zone);
            std::vector<sys_seconds> instants;
            // Not a whole number of days, so that every hour of the day and day of the year comes.
            for (auto t = at("1975-01-01T00:00:00Z"); t < at("2095-01-01T00:00:00Z"); t += 1000003s)
                instants.push_back(t);
            for (auto t = at("2026-01-01T00:00:00Z"); t < at("2027-01-01T00:00:00Z"); t += 6h)
                instants.push_back(t);
            auto answers = ask_date(name, instants);
            REQUIRE(answers.size() == instants.size());
            std::size_t different = 0;
            for (std::size_t i = 0; i < instants.size(); ++i) {
                if (said_by(*zone, instants[i]) == answers[i]) continue;
                ++different;
                if (different < 4) CHECK(said_by(*zone, instants[i]) == answers[i]);
            }
            CHECK(different == 0);
        }
    }

    TEST_CASE("Berlin's clocks are put forward and back at one o'clock UTC") {
        auto berlin = TimeZone::load("Europe/Berlin").value();
        CHECK(berlin.offset_at(at("2026-03-29T00:59:59Z")) == 1h);
        CHECK(berlin.offset_at(at("2026-03-29T01:00:00Z")) == 2h);
        CHECK(berlin.offset_at(at("2026-10-25T00:59:59Z")) == 2h);
        CHECK(berlin.offset_at(at("2026-10-25T01:00:00Z")) == 1h);
        // By the rule at the end of the file.
        CHECK(berlin.offset_at(at("2090-07-01T00:00:00Z")) == 2h);
        CHECK(berlin.offset_at(at("2090-12-01T00:00:00Z")) == 1h);
    }

    TEST_CASE("a wall time is no instant, one, or two") {
        auto berlin = TimeZone::load("Europe/Berlin").value();
        auto day = [](int y, unsigned m, unsigned d) { return local_days(year(y) / month(m) / d); };
        CHECK(berlin.to_instants(day(2026, 3, 29) + 2h + 30min).empty());
        CHECK(berlin.to_instants(day(2026, 3, 29) + 3h) == std::vector{at("2026-03-29T01:00:00Z")});
        CHECK(
            berlin.to_instants(day(2026, 10, 25) + 2h + 30min) ==
            std::vector{at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")}
        );
        // Samoa left out a whole day.
        auto apia = TimeZone::load("Pacific/Apia").value();
        CHECK(apia.to_instants(day(2011, 12, 30) + 12h).empty());
        CHECK(apia.to_instants(day(2011, 12, 31) + 12h).size() == 1);
    }

    TEST_CASE("only names of zones are read") {
        for (std::string name :
             {"", "/etc/passwd", "../../../etc/passwd", "Europe/../Europe/Berlin", "./UTC",
              "Europe/", "Europe//Berlin", "Europe", "Europe/Berlin ", "zone.tab", "tzdata.zi",
              "Nowhere/Land"}) {
            CAPTURE(name);
            auto zone = TimeZone::load(name);
            REQUIRE(!zone);
            CHECK(zone.error().code() == "time_zone_unknown");
        }
        CHECK(!TimeZone::load(std::string("Europe/Berlin\0x", 15)));
        CHECK(!TimeZone::load(std::string(1000, 'a')));
    }

    TEST_CASE("a file that was cut or altered gives no zone, or one, but never harm") {
        char name[] = "/tmp/fairlead-zone-XXXXXX";
        std::filesystem::path folder = ::mkdtemp(name);
        auto whole = read_file("/usr/share/zoneinfo/Europe/Berlin", 1 << 20).value();
        for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 37) {
            REQUIRE(write_file(folder / "Cut", whole.substr(0, size), 0600));
            CHECK(!TimeZone::load("Cut", folder));
        }
        for (std::size_t i = 0; i < 400; ++i) {
            auto altered = whole;
            altered[(i * 7919) % whole.size()] = static_cast<char>(i * 31 + 255);
            altered[i % 100] = static_cast<char>(0xff - i);
            REQUIRE(write_file(folder / "Odd", altered, 0600));
            if (auto zone = TimeZone::load("Odd", folder)) zone->to_instants(LocalSeconds(1h));
        }
        std::filesystem::remove_all(folder);
    }

    TEST_CASE("rules of every form are read, and no other") {
        for (auto text :
             {"EST5", "EST5EDT,M3.2.0,M11.1.0", "<+0330>-3:30", "IST-1GMT0,M10.5.0,M3.5.0/1",
              "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "XXX-2<+03>-3,J60/24,J300/0:30:15",
              "AAA3BBB,0/0,365/167"})
            CHECK_MESSAGE(ZoneRule::parse(text), text);
        for (auto text :
             {"", "E5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
              "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J5",
              "EST5EDT,M3.2.0,M11.1.0x", "<+03-3", "EST200"})
            CHECK_MESSAGE(!ZoneRule::parse(text), text);
    }
}
