#include "controller/metrics/block.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace fairlead::metrics;

namespace {

constexpr std::array two{Series{"a", 0.1}, Series{"b", 1024}};
constexpr std::array three{Series{"a", 0.1}, Series{"b", 1024}, Series{"c", 1}};

bool same(const Values& a, const Values& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (known(a[i]) != known(b[i]) || (known(a[i]) && std::abs(a[i] - b[i]) > 1e-6))
            return false;
    return true;
}

} // namespace

TEST_SUITE("controller/metrics/block") {

    TEST_CASE("points come back as they went in, rounded to their units") {
        std::vector<Point> points{
            {100, {12.34, 5000}},          {101, {12.34, 5000}}, {102, {unknown(), 0}},
            {103, {unknown(), unknown()}}, {110, {-3.0, 1e15}},  {111, {0, 1024}},
            {500000000, {99.9, 3 * 1024}},
        };
        auto back = decode(encode(points, two), two);
        REQUIRE(back.size() == points.size());
        for (std::size_t i = 0; i < points.size(); ++i) {
            CAPTURE(i);
            CHECK(back[i].slot == points[i].slot);
        }
        CHECK(same(back[0].values, {12.3, 5120}));
        CHECK(same(back[1].values, {12.3, 5120}));
        CHECK(same(back[2].values, {unknown(), 0}));
        CHECK(same(back[3].values, {unknown(), unknown()}));
        CHECK(same(back[4].values, {-3.0, 1e15}));
        CHECK(same(back[5].values, {0, 1024}));
        CHECK(same(back[6].values, {99.9, 3072}));
    }

    TEST_CASE("no points are a block too") {
        CHECK(decode(encode({}, two), two).empty());
        CHECK(decode("", two).empty());
    }

    TEST_CASE("a quiet hour of a server takes few bytes") {
        std::vector<Point> hour;
        for (int i = 0; i < 120; ++i) {
            Values values(server_series.size(), unknown());
            values[place_of(server_series, "cpu_percent")] = 3 + (i % 7) * 0.3;
            values[place_of(server_series, "memory_used_bytes")] = 2e9 + i * 100000;
            values[place_of(server_series, "disk_free_bytes")] = 5e10;
            values[place_of(server_series, "load1")] = 0.1 * (i % 3);
            values[place_of(server_series, "pg_connections")] = 12;
            hour.push_back({58000000 + i, values});
        }
        CHECK(encode(hour, server_series).size() < 120 * 10);
        // Whatever is measured, a row stays a row.
        for (auto& point : hour)
            for (std::size_t i = 0; i < point.values.size(); ++i)
                point.values[i] = (point.slot % 2 ? 1e300 : -1e300);
        CHECK(encode(hour, server_series).size() < 120 * 15 * 10);
    }

    TEST_CASE("a block from before a series was kept has none of it") {
        auto old = encode({{7, {1, 2048}}}, two);
        auto back = decode(old, three);
        REQUIRE(back.size() == 1);
        CHECK(same(back[0].values, {1, 2048, unknown()}));
        // And one from after it, read by a program from before.
        auto fresh = encode({{7, {1, 2048, 9}}, {8, {1, 2048, 10}}}, three);
        auto read = decode(fresh, two);
        REQUIRE(read.size() == 2);
        CHECK(same(read[1].values, {1, 2048}));
    }

    TEST_CASE("a damaged block ends where it makes no sense") {
        auto block = encode({{7, {1, 2048}}, {8, {2, 4096}}}, two);
        for (std::size_t size = 0; size <= block.size(); ++size) {
            auto points = decode(block.substr(0, size), two);
            CHECK(points.size() <= 2);
            if (!points.empty()) CHECK(points[0].slot == 7);
        }
        for (std::size_t at = 0; at < block.size(); ++at)
            for (int byte : {0x00, 0x7F, 0x80, 0xFF}) {
                auto broken = block;
                broken[at] = static_cast<char>(byte);
                CHECK(decode(broken, two).size() <= block.size());
            }
        CHECK(decode(std::string(100, '\xFF'), two).empty());
    }

    TEST_CASE("a mean is of what is known") {
        std::vector<Point> points{
            {20, {1, unknown()}}, {21, {2, unknown()}}, {39, {6, 4096}}, {40, {100, 100}}};
        CHECK(same(mean(points, 20, 39), {3, 4096}));
        CHECK(same(mean(points, 20, 21), {1.5, unknown()}));
        CHECK(mean(points, 0, 19).empty());
    }
}
