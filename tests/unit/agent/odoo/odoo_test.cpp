#include "agent/odoo/odoo.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::odoo;

namespace {

proto::EnvironmentSpec environment(std::string version) {
    proto::EnvironmentSpec e;
    e.slug = "shop";
    e.odoo_version = std::move(version);
    e.port = 8069;
    return e;
}

Installation installation() {
    return {"/trees/odoo", {"/trees/a", "/trees/b"}, "/venv/bin/python", "/conf", "/data",
            "fl-shop"};
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string digest(char c) {
    return std::string(64, c) + "  ";
}

} // namespace

TEST_SUITE("agent/odoo/odoo") {

    TEST_CASE("the first password is kept as passlib has it, and only where Odoo keeps it so") {
        Secret password("swordfish");
        auto query = first_password_query("19.0", password);
        CHECK(query.starts_with("UPDATE res_users SET password = '$pbkdf2-sha512$600000$"));
        CHECK(query.ends_with("' WHERE login = 'admin' RETURNING id"));
        CHECK(query.find("swordfish") == std::string::npos);
        CHECK(query.find_first_of("+=", query.find("$600000$")) > query.find("' WHERE"));
        CHECK(query != first_password_query("19.0", password));
        CHECK(first_password_query("11.0", password).empty());
    }

    TEST_CASE("later addon repositories come first in addons_path, Odoo's own last") {
        auto text = configuration(environment("19.0"), installation(), "random");
        CHECK(has_line(text, "addons_path = /trees/b,/trees/a,/trees/odoo/addons"));
        CHECK(has_line(text, "http_interface = 127.0.0.1"));
        CHECK(has_line(text, "list_db = False"));
        CHECK(has_line(text, "db_name = fl-shop"));
        CHECK(text.find("db_password") == std::string::npos);
    }

    TEST_CASE("captured mail goes to the sink that the release was given, and elsewhere without one"
    ) {
        MailSink sink;
        sink.port = 18025;
        sink.user = "shop";
        sink.password = "c0ffee";
        auto text = configuration(environment("19.0"), installation(), "r", sink);
        for (const char* line :
             {"smtp_server = 127.0.0.1", "smtp_port = 18025", "smtp_ssl = False",
              "smtp_user = shop", "smtp_password = c0ffee"})
            CHECK(has_line(text, line));
        CHECK(
            configuration(environment("19.0"), installation(), "r").find("smtp_") ==
            std::string::npos
        );
    }

    TEST_CASE("forwarded headers are believed only where a proxy of ours stands before Odoo") {
        auto e = environment("19.0");
        e.domains = {"shop.example.com"};
        CHECK(has_line(configuration(e, installation(), "r"), "proxy_mode = False"));
        for (auto exposure : {proto::Exposure::tunnel, proto::Exposure::direct}) {
            e.exposure = exposure;
            CHECK(has_line(configuration(e, installation(), "r"), "proxy_mode = True"));
        }
    }

    TEST_CASE("no demo data, in the words of each version") {
        CHECK(has_line(configuration(environment("19.0"), installation(), "r"), "with_demo = False")
        );
        CHECK(
            has_line(configuration(environment("18.0"), installation(), "r"), "without_demo = all")
        );
        CHECK(major_version("saas-17.4") == 17);
        CHECK(major_version("master") == 0);
        CHECK(websocket_port_option("15.0") == "longpolling_port");
        CHECK(websocket_port_option("16.0") == "gevent_port");
        CHECK(websocket_port_option("master") == "gevent_port");
    }

    TEST_CASE("a key stands in the configuration once: twice is a crash of Odoo") {
        auto e = environment("19.0");
        e.gevent_port = 8072;
        e.resources.workers = 4;
        e.resources.memory_max_bytes = 2ULL << 30;
        auto text = configuration(e, installation(), "r");
        std::map<std::string, int> keys;
        for (std::size_t at = 0; at < text.size();) {
            auto end = text.find('\n', at);
            auto line = text.substr(at, end - at);
            if (auto equals = line.find(" = "); equals != std::string::npos)
                CHECK(++keys[line.substr(0, equals)] == 1);
            at = end + 1;
        }
        CHECK(keys.contains("limit_memory_hard"));
    }

    TEST_CASE("every file of a module changes its hash, and what is outside changes none") {
        const std::string head =
            digest('a') + "m/__manifest__.py\n" + digest('b') + "m/models/x.py\n";
        auto hashes = [&](const std::string& more) {
            return *module_hashes(head + (more.empty() ? "" : digest('c') + more + "\n"), false);
        };
        auto before = hashes("");
        REQUIRE(before.contains("m"));
        for (const auto* outside : {"other.txt", "notamodule/x.py"}) {
            CAPTURE(outside);
            CHECK(hashes(outside) == before);
        }
        for (const auto* inside :
             {"m/views/v.xml", "m/models/y.py", "m/static/a.js", "m/tests/test_x.py", "m/README.md",
              "m/controllers/main.py", "m/__init__.py", "m/migrations/1.0/post.py"}) {
            CAPTURE(inside);
            CHECK(hashes(inside) != before);
        }
    }

    TEST_CASE("Odoo's own modules are in two folders, and code outside them is no module") {
        auto manifest = digest('a') + "addons/web/__manifest__.py\n" + digest('b') +
                        "odoo/addons/base/__manifest__.py\n" + digest('c') + "odoo/http.py\n" +
                        digest('d') + "setup/x/__manifest__.py\n";
        auto hashes = *module_hashes(manifest, true);
        CHECK(hashes.size() == 2);
        CHECK(hashes.contains("web"));
        CHECK(hashes.contains("base"));
    }

    TEST_CASE("changed modules are those that both releases have") {
        CHECK(
            changed(
                {{"a", "1"}, {"b", "1"}, {"gone", "1"}}, {{"a", "1"}, {"b", "2"}, {"new", "1"}}
            ) == std::vector<std::string>{"b"}
        );
    }

    TEST_CASE("a traceback is told in one sentence") {
        CHECK(
            explain(
                {"x", "Traceback (most recent call last):", "  File \"/a.py\", line 1, in f",
                 "    g()", "  File \"/b.py\", line 2, in g", "    raise", "RuntimeError: boom"}
            ) == "RuntimeError: boom (at \"/b.py\", line 2, in g)"
        );
        CHECK(
            explain({"2026-01-01 00:00:00,000 1 ERROR db odoo: bad",
                     "2026-01-01 00:00:00,000 1 INFO db odoo: end"})
                .find("bad") != std::string::npos
        );
        CHECK(explain({}) == "it printed nothing");
    }

    TEST_CASE("a copy keeps one mail server that nothing reaches, as without any Odoo falls back") {
        auto query = neutralise_query();
        auto off = query.find("UPDATE ir_mail_server SET active = false, smtp_host = 'invalid'");
        auto made = query.find("INSERT INTO ir_mail_server");
        auto on = query.find("UPDATE ir_mail_server SET active = true");
        REQUIRE(off != std::string::npos);
        REQUIRE(made != std::string::npos);
        REQUIRE(on != std::string::npos);
        CHECK(off < made);
        CHECK(made < on);
        // In the order of their numbers, whatever order PostgreSQL has them in.
        CHECK(query.find("ORDER BY turn") != std::string::npos);
        for (const char* off_too :
             {"UPDATE fetchmail_server SET active = false", "UPDATE ir_cron SET active = false",
              "UPDATE payment_provider SET state = 'disabled'",
              "UPDATE payment_acquirer SET state = 'disabled'", "'ir_act_server', 'webhook_url'",
              "trigger = 'on_webhook'"}) {
            CAPTURE(off_too);
            CHECK(query.find(off_too) != std::string::npos);
        }
        // Odoo's own comes first, where the version has it.
        CHECK(neutralise_command(installation(), "15.0").empty());
        CHECK(neutralise_command(installation(), "16.0").at(2) == "neutralize");
    }

    TEST_CASE("progress and severity are read from Odoo's log") {
        CHECK(percent_of("… odoo.modules.loading: Loading module sale (3/12) ") == 25U);
        CHECK_FALSE(percent_of("Loading module sale"));
        CHECK_FALSE(percent_of("Loading module sale (3/0)"));
        CHECK(level_of("2026-01-01 00:00:00,000 1 WARNING db odoo: x") == proto::LogLevel::warning);
        CHECK(level_of("2026-01-01 00:00:00,000 1 CRITICAL db odoo: x") == proto::LogLevel::error);
        CHECK(level_of("anything") == proto::LogLevel::info);
    }
}
