#include "agent/metrics/measure.hpp"
#include "agent/metrics/processes.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::metrics;

TEST_SUITE("agent/metrics/processes") {

    TEST_CASE("a process belongs to the environment whose unit it runs in") {
        CHECK(
            slug_in("0::/system.slice/system-fairlead\\x2dodoo.slice/fairlead-odoo@shop-2.service\n"
            ) == "shop-2"
        );
        CHECK(slug_in("1:name=systemd:/x/fairlead-odoo@shop.service/sub\n") == "shop");
        CHECK(slug_in("0::/system.slice/fairlead-odoo-beside@shop.service\n").empty());
        CHECK(slug_in("0::/x/fairlead-odoo@.service\n").empty());
        CHECK(slug_in("0::/x/fairlead-odoo@a/b.service\n").empty());
        CHECK(slug_in("0::/x/fairlead-odoo@shop.socket\n").empty());
        CHECK(slug_in("0::/x/fairlead-odoo@" + std::string(64, 'a') + ".service\n").empty());
        CHECK(slug_in("").empty());
        // Anybody who may log in has a systemd, with units that are called as they like.
        CHECK(slug_in("0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
                      "fairlead-odoo@shop.service\n")
                  .empty());
    }

    TEST_CASE("the unified hierarchy is the one without a controller's name") {
        CHECK(
            unified_path_in("12:pids:/a\n0::/system.slice/x.service\n") == "/system.slice/x.service"
        );
        CHECK(unified_path_in("0::/x\n") == "/x");
        CHECK(unified_path_in("10::/x\n").empty());
        CHECK(unified_path_in("0::/x/../../etc\n").empty());
        CHECK(unified_path_in("").empty());
    }

    TEST_CASE("numbers stand behind names at the beginning of lines") {
        const std::string text = "anon 12\ninactive_file 34\nRssAnon:\t  56 kB\n";
        CHECK(number_behind(text, "inactive_file") == 34);
        CHECK(number_behind(text, "RssAnon") == 56);
        CHECK(number_behind(text, "file") == -1);
        CHECK(number_behind("", "anon") == -1);
    }

    TEST_CASE("a server without environments is measured all the same") {
        Places places{"/nonexistent", "/nonexistent"};
        CHECK(measure(places, false).environments.empty());
    }
}
