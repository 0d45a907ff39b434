#include "agent/link/measuring.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::link;

TEST_SUITE("agent/link/measuring") {

    TEST_CASE("the network is that of all devices, or all interfaces but the loopback") {
        proto::MeasuredValues values;
        const std::string text =
            "Inter-|   Receive                                                |  Transmit\n"
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
            "    lo: 900000     10    0    0    0     0          0         0  900000      10\n"
            "  eth0: 1000       10    0    0    0     0          0         0     200       3\n"
            "  br0: 1000       10    0    0    0     0          0         0     200       3\n"
            "  wg0:50 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";
        take_network(text, values, [](std::string_view name) { return name == "eth0"; });
        CHECK(
            values == proto::MeasuredValues{{"network_in_bytes", 1000}, {"network_out_bytes", 200}}
        );
        values.clear();
        take_network(text, values, [](std::string_view) { return false; });
        CHECK(
            values == proto::MeasuredValues{{"network_in_bytes", 2050}, {"network_out_bytes", 407}}
        );
        values.clear();
        take_network("", values);
        CHECK(values.empty());
    }

    TEST_CASE("swap in use is what is not free of it") {
        proto::MeasuredValues values;
        take_swap(
            "MemTotal: 9 kB\nSwapCached: 1 kB\nSwapTotal:  2048 kB\nSwapFree: 1024 kB\n", values
        );
        CHECK(values == proto::MeasuredValues{{"swap_used_bytes", 1048576}});
        take_swap("", values);
        CHECK(values["swap_used_bytes"] == 0);
    }

    TEST_CASE("what costs more is asked for every tenth time and told each time") {
        Deep deep;
        CHECK(deep.due());
        proto::Measures first{{{"pg_bytes", 5}}, {{"shop", {{"cron_late", 2}}}}};
        deep.complete(first);
        for (int round = 1; round < 10; ++round) {
            CHECK(!deep.due());
            proto::Measures next{{}, {{"shop", {{"processes", 1}}}, {"new", {}}}};
            deep.complete(next);
            CHECK(next.server["pg_bytes"] == 5);
            CHECK(next.environments[0].values["cron_late"] == 2);
            CHECK(next.environments[1].values.empty());
        }
        CHECK(deep.due());
        proto::Measures gone{{}, {{"shop", {}}}};
        deep.complete(gone);
        CHECK(gone.server.empty());
        CHECK(gone.environments[0].values.empty());
    }

    TEST_CASE("a question that takes too long is not asked again at once") {
        Deep deep;
        deep.pass();
        for (int round = 1; round < 10; ++round) {
            CHECK(!deep.due());
            proto::Measures cheap{{{"pg_connections", 1}}, {}};
            deep.complete(cheap);
            CHECK(!cheap.server.contains("pg_bytes"));
        }
        CHECK(deep.due());
    }
}
