#include "agent/deploy/units.hpp"
#include "agent/deploy/venv.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fairlead;
using namespace fairlead::deploy;

TEST_SUITE("agent/deploy/units") {

    TEST_CASE("accounts fit Linux and do not collide") {
        CHECK(account_of("shop") == "fl-shop");
        std::set<std::string> names;
        for (const auto* slug :
             {"abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz01235",
              "abcdefghijklmnopqrstuvwxyz012"}) {
            auto name = account_of(slug);
            CHECK(name.size() <= 31);
            CHECK(names.insert(name).second);
        }
    }

    TEST_CASE("an environment's processes see their own folder and code, and are limited") {
        Layout layout;
        Place place(layout, "shop");
        proto::EnvironmentSpec e;
        e.slug = "shop";
        e.port = 8069;
        e.resources = {1ULL << 30, 150, 200, 0};
        odoo::Installation i{
            "/var/lib/fairlead/trees/o/1",
            {"/var/lib/fairlead/trees/a/2"},
            "/var/lib/fairlead/venvs/v/bin/python",
            "/conf",
            place.data(),
            "fl-shop",
            "/serve.py"};
        auto lines = sandbox(layout, place, e, i, "/var/lib/fairlead/venvs/v");
        auto has = [&](const std::string& line) {
            return std::find(lines.begin(), lines.end(), line) != lines.end();
        };
        for (const auto* line :
             {"User=fl-shop", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes",
              "CapabilityBoundingSet=", "TemporaryFileSystem=/var/lib/fairlead:ro",
              "BindReadOnlyPaths=/var/lib/fairlead/trees/a/2", "MemoryMax=1073741824",
              "CPUQuota=150%", "TasksMax=200"}) {
            CAPTURE(line);
            CHECK(has(line));
        }
        CHECK_FALSE(has("Environment=PYTHONPATH=/python"));
        e.mail.emplace();
        lines = sandbox(layout, place, e, i, "/var/lib/fairlead/venvs/v");
        CHECK(has("Environment=PYTHONPATH=/python"));
        auto text = service_conf(place, e, i, lines, 3);
        CHECK(
            text.find("ExecStart=\nExecStart=\"/var/lib/fairlead/venvs/v/bin/python\" "
                      "\"/serve.py\" \"-c\" \"/conf\"\nNotifyAccess=main\nNonBlocking=yes\n"
            ) != std::string::npos
        );
    }

    TEST_CASE("values of variables cannot leave their quotes") {
        CHECK(
            variables_file({{"A", "x"}, {"B", "a\"b\\c$d`e"}}) ==
            "A=\"x\"\nB=\"a\\\"b\\\\c\\$d\\`e\"\n"
        );
    }

    TEST_CASE("the same requirements share an environment of Python, others do not") {
        proto::EnvironmentSpec e;
        e.requirements = {"foo==1"};
        auto a = gather({{"odoo", "bar\n"}}, e, "Python 3.11.2");
        CHECK(a.hash() == gather({{"odoo", "bar\n"}}, e, "Python 3.11.2").hash());
        CHECK(a.hash() != gather({{"odoo", "bar\n"}}, e, "Python 3.12.0").hash());
        CHECK(a.hash() != gather({{"odoo", "baz\n"}}, e, "Python 3.11.2").hash());
        e.system_site_packages = false;
        CHECK(a.hash() != gather({{"odoo", "bar\n"}}, e, "Python 3.11.2").hash());
    }

    TEST_CASE("pip's conflict is told with the pair") {
        CHECK(
            explain_pip(
                {"Collecting x",
                 "ERROR: Cannot install a==1 and b==2 because these package versions have "
                 "conflicting dependencies.",
                 "", "The conflict is caused by:", "    a 1 depends on c<1",
                 "    b 2 depends on c>=2", "", "To fix this you could try to:"}
            ) == "these contradict each other: a 1 depends on c<1; b 2 depends on c>=2"
        );
        CHECK(
            explain_pip({"ERROR: No matching distribution found for nope==9"}) ==
            "No matching distribution found for nope==9"
        );
    }
}
