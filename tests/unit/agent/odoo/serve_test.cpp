#include "agent/odoo/serve.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::odoo;

TEST_SUITE("agent/odoo/serve") {

    TEST_CASE("the server runs by the release's own script, from Odoo's own tree") {
        Installation i{"/trees/o\"d\\d", {},        "/venv/bin/python", "/r/odoo.conf",
                       "/data",          "fl-shop", "/r/serve.py"};
        CHECK(
            serve_command(i) ==
            std::vector<std::string>{"/venv/bin/python", "/r/serve.py", "-c", "/r/odoo.conf"}
        );
        auto script = serve_script(i);
        CHECK(script.find("sys.path[0] = \"/trees/o\\\"d\\\\d\"\n") != std::string::npos);
        CHECK(script.find("time.monotonic() + 45\n") != std::string::npos);
        CHECK(script.find("b\"STATUS=serving\"") != std::string::npos);
        CHECK(script.find('{') == std::string::npos);
    }
}
