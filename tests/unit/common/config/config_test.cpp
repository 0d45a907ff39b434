#include "common/config/config.hpp"
#include "common/runtime/file.hpp"

#include <boost/describe.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

BOOST_DEFINE_ENUM_CLASS(Format, text, json)

struct Rule {
    config::Line line;
    std::string allow;
    std::vector<std::string> environments;
};
BOOST_DESCRIBE_STRUCT(Rule, (), (line, allow, environments))

struct Settings {
    std::string listen = "0.0.0.0:8443";
    std::uint16_t workers = 8;
    double ratio = 0.5;
    bool warn = true;
    Format format = Format::text;
    std::chrono::seconds idle{1800};
    std::optional<std::string> certificate;
    std::map<std::string, int> limits;
    std::vector<Rule> rules;
};
BOOST_DESCRIBE_STRUCT(
    Settings, (), (listen, workers, ratio, warn, format, idle, certificate, limits, rules)
)

std::string refusal(std::string_view yaml) {
    auto read = config::read<Settings>(yaml, "c.yaml");
    REQUIRE(!read);
    CHECK(read.error().kind() == Errc::invalid);
    return read.error().message();
}

} // namespace

TEST_SUITE("common/config") {

    TEST_CASE("what the file says is read, what it leaves out keeps its default") {
        auto settings = config::read<Settings>(
                            R"(# a comment
listen: 127.0.0.1:1
workers: 3
ratio: 0.25
warn: false
format: json
idle: 5m
certificate: /etc/c.pem
limits: {projects: 2, servers: 1}
rules:
  - allow: deploy
    environments: [a, "b"]
  - allow: "no"
)",
                            "c.yaml"
        )
                            .value();
        CHECK(settings.listen == "127.0.0.1:1");
        CHECK(settings.workers == 3);
        CHECK(settings.ratio == 0.25);
        CHECK(!settings.warn);
        CHECK(settings.format == Format::json);
        CHECK(settings.idle == 300s);
        CHECK(settings.certificate == "/etc/c.pem");
        CHECK(settings.limits == std::map<std::string, int>{{"projects", 2}, {"servers", 1}});
        REQUIRE(settings.rules.size() == 2);
        CHECK(settings.rules[0].environments == std::vector<std::string>{"a", "b"});
        CHECK(settings.rules[0].line.number == 11);
        CHECK(settings.rules[1].line.number == 13);

        for (auto nothing : {"", "# only a comment\n", "---\n"}) {
            auto defaults = config::read<Settings>(nothing, "c.yaml").value();
            CHECK(defaults.workers == 8);
            CHECK(!defaults.certificate);
        }
        CHECK(!config::read<Settings>("certificate:\n", "c.yaml").value().certificate);
    }

    TEST_CASE("an unknown key is refused by name and line, also deep inside") {
        CHECK(
            refusal("listen: x\nlisten_adress: y\n") ==
            "c.yaml line 2: listen_adress is not known here; known are listen, workers, ratio, "
            "warn, format, idle, certificate, limits, rules"
        );
        CHECK(
            refusal("rules:\n  - allow: x\n    enviroments: [a]\n") ==
            "c.yaml line 3: enviroments is not known here; known are allow, environments"
        );
        CHECK(
            refusal("rules:\n  - line: 3\n").find("line 2: line is not known here") !=
            std::string::npos
        );
    }

    TEST_CASE("every wrong value is told, each with its line") {
        CHECK(
            refusal("workers: 70000\nratio: x\nwarn: yes\nformat: xml\nidle: 5\nlimits: 3\nrules: "
                    "{}\nlisten: [a]\n") ==
            "c.yaml line 1: workers must be a whole number from 0 to 65535, not \"70000\"\n"
            "c.yaml line 2: ratio must be a number, not \"x\"\n"
            "c.yaml line 3: warn must be true or false, not \"yes\"\n"
            "c.yaml line 4: format must be one of text, json, not \"xml\"\n"
            "c.yaml line 5: idle must be a duration such as 30s, 5m, 2h or 7d, not \"5\"\n"
            "c.yaml line 6: limits must be a map, not \"3\"\n"
            "c.yaml line 7: rules must be a list, not a map\n"
            "c.yaml line 8: listen must be text, not a list"
        );
        CHECK(refusal("workers:\n") == "c.yaml line 1: workers has no value");
        CHECK(
            refusal("just text") ==
            "c.yaml line 1: the file must be a map of keys, not \"just text\""
        );
        for (auto bad :
             {"workers: -1", "workers: 1.5", "workers: 0x10", "workers: ' 1'",
              "workers: 99999999999999999999", "idle: 1.5s", "idle: -1s", "idle: 1500ms", "idle: s",
              "idle: 99999999d", "ratio: inf", "ratio: 1e5"}) {
            CAPTURE(bad);
            CHECK(!config::read<Settings>(bad, "c.yaml"));
        }
    }

    TEST_CASE("what is no YAML, comes twice or never ends is refused with its line") {
        CHECK(refusal("listen: x\nworkers: [1\n").find("c.yaml line 3: is no YAML") == 0);
        CHECK(refusal("listen: x\nlisten: y\n") == "c.yaml line 2: listen is there twice");
        CHECK(refusal("listen: x\n---\nlisten: y\n").find("c.yaml line 3: a second document") == 0);
        CHECK(refusal("? [a]\n: b\n").find("has a key that is no text") != std::string::npos);
        CHECK(
            refusal(std::string(40, '[') + std::string(40, ']')).find("32 levels") !=
            std::string::npos
        );
        CHECK(!config::read<Settings>(std::string(200'000, '['), "c.yaml"));

        std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
        for (int i = 1; i < 9; ++i) {
            auto last = "*a" + std::to_string(i - 1);
            bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
            for (int k = 0; k < 9; ++k) bomb += ", " + last;
            bomb += "]\n";
        }
        CHECK(refusal(bomb).find("20,000 values") != std::string::npos);
    }

    TEST_CASE("a missing file is named") {
        auto missing = config::load<Settings>("/nonexistent/controller.yaml");
        CHECK(missing.error().kind() == Errc::not_found);
        CHECK(missing.error().message().find("/nonexistent/controller.yaml") != std::string::npos);
    }
}
