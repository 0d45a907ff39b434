#include "agent/deploy/beside.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::deploy;

namespace {

constexpr std::uint64_t plenty = 8ULL << 30;

ReleaseRecord release(std::uint32_t number, std::uint32_t workers = 0) {
    ReleaseRecord made;
    made.info.number = number;
    made.environment.odoo_version = "19.0";
    made.environment.resources.workers = workers;
    made.files["serve.py"] = "hash";
    return made;
}

const std::string unit = "# Release 2\n[Service]\nExecStart=\nExecStart=\"/venv/bin/python\" "
                         "\"/r/serve.py\" \"-c\" \"/r/odoo.conf\"\nUser=fl-shop\nMemoryMax=1\n";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("agent/deploy/beside") {

    TEST_CASE("a second process is confined as the first, and does no scheduled actions") {
        Place place(Layout(), "shop");
        auto alone = beside_conf(place, release(2), unit, 20001);
        CHECK(has(
            alone, "\nExecStart=\n"
                   "ExecStart=\"/venv/bin/python\" \"/r/serve.py\" \"-c\" \"/r/odoo.conf\" "
                   "\"--max-cron-threads=0\" \"--http-port=20001\"\nUser=fl-shop\nMemoryMax=1\n"
        ));
        CHECK_FALSE(has(alone, "Sockets="));
        // The variables of its own release, not of the one that is live.
        CHECK(has(alone, "EnvironmentFile=-/var/lib/fairlead/environments/shop/releases/2/"));

        auto sharing = beside_conf(place, release(2, 3), unit, std::nullopt);
        CHECK(has(sharing, "Sockets=fairlead-odoo@shop.socket\n"));
        CHECK_FALSE(has(sharing, "--http-port"));
        CHECK(has(sharing, "\"--gevent-port=0\""));
        auto other = release(2, 3);
        other.environment.odoo_version = "15.0";
        CHECK(has(beside_conf(place, other, unit, std::nullopt), "\"--longpolling-port=0\""));
        other.environment.odoo_version = "master";
        CHECK(has(beside_conf(place, other, unit, std::nullopt), "\"--gevent-port=0\""));
    }

    TEST_CASE("two processes run at once only where both let requests end and memory is enough") {
        auto live = release(1), next = release(2, 2);
        CHECK(beside_hindrance(live, next, plenty) == "");
        CHECK(has(beside_hindrance(live, next, 100 << 20), "memory"));
        auto older = live;
        older.files.clear();
        CHECK(has(beside_hindrance(older, next, plenty), "release 1 was made by an older agent"));
        CHECK(has(beside_hindrance(live, older, plenty), "older agent"));
        auto counting = next;
        counting.environment.variables.push_back({"ODOO_MAX_HTTP_THREADS", "8", false});
        CHECK(has(beside_hindrance(live, counting, plenty), "ODOO_MAX_HTTP_THREADS"));
    }
}
