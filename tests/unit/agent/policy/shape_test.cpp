#include "agent/policy/shape.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace fairlead;
using namespace fairlead::policy;

TEST_SUITE("agent/policy/shape") {

    TEST_CASE("repository addresses: what is let through and what is not") {
        const char* good[] = {
            "https://github.com/odoo/odoo",     "https://github.com/odoo/odoo.git",
            "https://git.example:8443/a/b.git", "ssh://git@git.example/acme/addons.git",
            "ssh://git@git.example:2222/x",     "git+https://git.example/x",
            "git+ssh://git@git.example/x",      "file:///srv/git/odoo.git",
            "https://10.213.0.1/x.git",         "git@github.com:odoo/odoo.git",
            "git@git.example:~acme/x"};
        for (std::size_t i = 0; i < std::size(good); ++i) {
            CAPTURE(good[i]);
            CHECK(parse_repository(good[i]));
        }
        const char* bad[] = {
            "",
            "/srv/git",
            "github.com:odoo/odoo",
            "git@github.com:/srv/git",
            "git@github.com:-x",
            "git@github.com::x",
            "git@-oProxyCommand=id:x",
            "-oProxyCommand=id@host:x",
            "git:pw@github.com:x",
            "ext::x",
            "a@ext::sh",
            "http://git.example/x",
            "git://git.example/x",
            "ext::sh -c id",
            "https://user:token@git.example/x",
            "https://token@git.example/x",
            "https://git.example",
            "https:///x",
            "https://git.example/../x",
            "https://git.example/a/./b",
            "https://git.example/a/%2e%2e/b",
            "https://git.example/a b",
            "ssh://-oProxyCommand=id/x",
            "ssh://-oProxyCommand=id@host/x",
            "ssh://git@-host/x",
            "ssh://git:pw@host/x",
            "--upload-pack=touch /tmp/x",
            "-u",
            "https://git.example/-x",
            "https://git.example/--upload-pack=x",
            "file://host/srv",
            "file:///srv/../etc",
            "https://git.example:0/x",
            "https://git.example:99999/x",
            "https://git.example:/x",
            "https://git.exa\nmple/x",
            "https://git.example/x\n",
            "https://gít.example/x",
            "https://[::1]/x",
            "https://git.example/a?b=c",
            "https://git.example/a#b",
            "https://git..example/x",
            "https://.example/x",
            "fd::3",
            "file:///"};
        for (const auto* url : bad) {
            CAPTURE(url);
            CHECK_FALSE(parse_repository(url));
        }
        CHECK(parse_repository("HTTPS://x/y").has_value() == false);
        CHECK(parse_repository("https://GitHub.COM/x")->host == "github.com");
    }

    TEST_CASE("branches: a fork's merge request cannot be named") {
        for (const auto* branch :
             {"19.0", "main", "feature/x", "feature-1", "v1.2_a+b", "abc123", "deadbeef",
              "user/pull"}) {
            CAPTURE(branch);
            CHECK(check_branch(branch));
        }
        for (const auto* branch :
             {"",
              "-b",
              "--upload-pack=x",
              "refs/heads/main",
              "refs/pull/1/head",
              "pull/1/head",
              "merge-requests/1/head",
              "a..b",
              "a//b",
              "/a",
              "a/",
              "a.",
              ".a",
              "a/.b",
              "a.lock",
              "a.lock/b",
              "a b",
              "a~1",
              "a^",
              "a:b",
              "a?b",
              "a*",
              "a[b",
              "a\\b",
              "a@{1}",
              "@",
              "HEAD",
              "0123456789012345678901234567890123456789",
              "ABCDEFabcdef0123456789ABCDEFabcdef012345",
              "a\nb",
              "a\x7f",
              "+main"}) {
            CAPTURE(branch);
            CHECK(check_branch(branch).has_value() == (std::string_view(branch) == "+main"));
        }
    }

    TEST_CASE("variables that change how programs run are refused") {
        for (const auto* name : {"SMTP_HOST", "ODOO_STAGE", "_X", "A1"})
            CHECK(check_variable_name(name));
        for (const auto* name :
             {"",
              "lower",
              "1A",
              "A-B",
              "A=B",
              "A B",
              "LD_PRELOAD",
              "LD_LIBRARY_PATH",
              "PYTHONPATH",
              "PYTHONSTARTUP",
              "PGHOST",
              "PGPASSWORD",
              "ODOO_RC",
              "PATH",
              "HOME",
              "LISTEN_FDS",
              "NOTIFY_SOCKET",
              "GIT_SSH_COMMAND",
              "BASH_ENV",
              "ODOO_HTTP_SOCKET_FD",
              "A\n",
              "GCONV_PATH",
              "PIP_INDEX_URL"}) {
            CAPTURE(name);
            CHECK_FALSE(check_variable_name(name));
        }
    }

    TEST_CASE("requirement lines hold no option, no address and no path") {
        for (const auto* line :
             {"requests", "requests==2.31.0", "foo[bar,baz]>=1.0,<2",
              "num2words ; python_version < '3.12'", "a~=1.0", "x!=2"}) {
            CAPTURE(line);
            CHECK(check_requirement(line));
        }
        for (const auto* line :
             {"", "-r other.txt", "--index-url https://x", "-e .", "requests --hash=sha256:1",
              "./x", "/x/y", "../x", "foo @ https://x/y.whl", "git+https://x/y", "https://x/y.whl",
              "foo\nbar", "foo # c", "foo \\", "${HOME}", "evil.whl", "file:x", "foo -r x"}) {
            CAPTURE(line);
            CHECK_FALSE(check_requirement(line));
        }
    }

    TEST_CASE("slugs, modules, ports, versions, domains") {
        for (const auto* slug : {"a", "shop", "shop-1", "abcdefghijklmnopqrstuvwxyzabcde"})
            CHECK(check_slug(slug));
        for (const auto* slug :
             {"", "1a", "-a", "Shop", "a_b", "a/b", "..", "a.b", "a b",
              "abcdefghijklmnopqrstuvwxyzabcdef", "a\n", "a@b"})
            CHECK_FALSE(check_slug(slug));
        for (const auto* module : {"base", "sale_stock", "x1"}) CHECK(check_module(module));
        for (const auto* module : {"", "-i", "a,b", "a b", "a-b", "../x", "_x"})
            CHECK_FALSE(check_module(module));
        CHECK(check_port(8069, "port"));
        CHECK_FALSE(check_port(1023, "port"));
        CHECK_FALSE(check_port(0, "port"));
        for (const auto* version : {"19.0", "8.0", "saas-17.4", "master"})
            CHECK(check_version(version));
        for (const auto* version : {"", "19", "19.", ".0", "19.0.1", "x", "19.0 ", "-1.0"})
            CHECK_FALSE(check_version(version));
        for (const auto* domain : {"shop.example.com", "xn--bcher-kva.example"})
            CHECK(check_domain(domain));
        for (const auto* domain :
             {"", "localhost", "1.2.3.4", "-a.b", "a..b", "a b.c", "a.b\n", "a_b.c"})
            CHECK_FALSE(check_domain(domain));
    }

    TEST_CASE("no random text gets an option, a control character or a parent folder through") {
        std::mt19937 random(7);
        const std::string_view pieces[] = {
            "-",     "--",    "https://", "ssh://", "file:///",
            "git@",  "host",  "/",        "..",     ".",
            "a",     "\n",    "%2e",      ":",      "@",
            "refs/", "pull/", "x.lock",   " ",      "0123456789abcdef",
            "=",     "\\",    ";",        "$(",     "`",
            "\x01",  "é",     "main",     "*"};
        for (int i = 0; i < 20'000; ++i) {
            std::string text;
            for (auto n = random() % 6; n-- > 0;) text += pieces[random() % std::size(pieces)];
            CAPTURE(text);
            auto clean = [](const std::string& value) {
                return !value.starts_with('-') && value.find("..") == std::string::npos &&
                       std::ranges::all_of(value, [](char c) {
                           return static_cast<unsigned char>(c) > ' ';
                       });
            };
            if (auto url = parse_repository(text)) {
                CHECK(clean(url->text()));
                CHECK(url->path.find("/-") == std::string::npos);
                CHECK(parse_repository(url->text())->text() == url->text());
            }
            if (check_branch(text))
                CHECK((clean(text) && !text.starts_with("refs/") && !text.starts_with("pull/")));
            if (check_slug(text)) CHECK((clean(text) && text.find('/') == std::string::npos));
            if (check_requirement(text))
                CHECK((!text.starts_with('-') && text.find('/') == std::string::npos));
        }
    }
}
