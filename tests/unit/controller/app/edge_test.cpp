#include "controller/app/edge.hpp"

#include <doctest/doctest.h>

using namespace fairlead;

TEST_SUITE("controller/app/edge") {

    TEST_CASE("the controller's own names are those of its settings, also of its url") {
        app::Settings settings;
        settings.name = "Fairlead.example.org";
        settings.names = {"other.example.org", "192.0.2.1"};
        CHECK(app::own_names(settings).size() == 3);
        settings.url = "https://Console.example.org:8443";
        CHECK(
            app::own_names(settings) ==
            std::set<std::string>{
                "192.0.2.1", "console.example.org", "fairlead.example.org", "other.example.org"}
        );
    }
}
