#include "controller/egress/settings.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

namespace fairlead::egress {

TEST_SUITE("controller/egress/settings") {

    TEST_CASE("the mail server is a host and its port") {
        auto file = scratch_folder() + "/egress.yaml";
        auto load = [&](const std::string& text) {
            REQUIRE(write_file(file, text, 0644));
            return load_settings(file);
        };
        CHECK(load("smtp: smtp.example.org:587\n")->smtp == "smtp.example.org:587");
        CHECK(load("smtp: \"[2001:db8::7]:25\"\n"));
        CHECK_FALSE(load("mode: enforce\n")->smtp);
        for (auto wrong :
             {"smtp.example.org", "smtp.example.org:", "smtp.example.org:0587", "*.example.org:25",
              "10.0.0.0/8", "smtp://a:25", "a:25,b:25", ""}) {
            CAPTURE(wrong);
            auto settings = load("smtp: \"" + std::string(wrong) + "\"\n");
            REQUIRE_FALSE(settings);
            CHECK(settings.error().message().find("egress.yaml: smtp: ") != std::string::npos);
        }
        std::filesystem::remove_all(std::filesystem::path(file).parent_path());
    }
}

} // namespace fairlead::egress
