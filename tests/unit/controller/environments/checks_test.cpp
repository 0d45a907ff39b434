#include "controller/environments/checks.hpp"
#include "controller/environments/private_key.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::environments;

namespace {

template <class Check, class... Args>
bool fine(Check check, Args... args) {
    api::Checks checks;
    check(checks, "field", args...);
    return checks.result().has_value();
}

bool url(std::string_view text, GitTransports transports = GitTransports::safe) {
    return fine(check_git_url, text, transports);
}

} // namespace

TEST_SUITE("controller/environments/checks") {

    TEST_CASE("git addresses are https or ssh, hold no secret, and cannot be taken for an option") {
        for (const auto* good :
             {"https://github.com/odoo/odoo.git", "https://git.example.com:8443/a/b",
              "ssh://git@git.example.com/a", "ssh://git@git.example.com:2222/a/b.git",
              "git@github.com:acme/shop.git"}) {
            CAPTURE(good);
            CHECK(url(good));
        }
        for (const auto* bad :
             {"http://github.com/a/b",
              "git://github.com/a/b",
              "file:///srv/git/a",
              "https://user:token@github.com/a/b",
              "https://token@github.com/a/b",
              "ssh://git:pw@github.com/a",
              "ssh://-oProxyCommand=id/a",
              "git@-oProxyCommand=id:a",
              "ext::sh -c id",
              "ext::sh",
              "https://github.com",
              "https:///a/b",
              "--upload-pack=id",
              "git@github.com:-a",
              "https://a_b.com/x",
              "https://github.com/../../x",
              "https://github.com/a b",
              "https://git.example.com:99999/a",
              "/srv/git/repository",
              "https://\xc3\xa9.com/a"}) {
            CAPTURE(bad);
            CHECK(!url(bad));
        }
        CHECK(url("git://127.0.0.1:9418/odoo", GitTransports::any));
        CHECK(url("file:///srv/git/a", GitTransports::any));
        CHECK(!url("file://host/srv", GitTransports::any));
        CHECK(!url("ext::sh -c id", GitTransports::any));
        CHECK(host_of("git@GitHub.com:a/b") == "github.com");
        CHECK(host_of("https://git.example.com:8443/a") == "git.example.com:8443");
    }

    TEST_CASE("branches that could be somebody else's proposal, an option or a commit are refused"
    ) {
        for (const auto* good :
             {"17.0", "main", "feature/x", "release-2.1", "19.0-staging", "cafe", "1234567"}) {
            CAPTURE(good);
            CHECK(fine(check_branch, good));
        }
        for (const auto* bad :
             {"refs/pull/1/head",
              "refs/heads/main",
              "pull/12/head",
              "PULL/12/head",
              "merge-requests/3/head",
              "-main",
              "--upload-pack=id",
              "a..b",
              "..",
              "4f9c2d1",
              "0123456789abcdef0123456789abcdef01234567",
              "",
              "a b",
              "a//b",
              "a/.b",
              "main.lock",
              "main/",
              "a:b",
              "a~1",
              "HEAD",
              "@{u}"}) {
            CAPTURE(bad);
            CHECK(!fine(check_branch, bad));
        }
    }

    TEST_CASE("requirements name packages, no options, paths or addresses") {
        for (const auto* good :
             {"phonenumbers==8.13.40", "lxml", "a[b,c] >=1.0, <2", "x~=1.4", "y!=3"}) {
            CAPTURE(good);
            CHECK(fine(check_requirements, std::vector<std::string>{good}));
        }
        for (const auto* bad :
             {"-r evil.txt", "--index-url=http://x", "./local", "git+https://x/y",
              "a @ https://x/y.whl", "a==", "a;os", "a==1 --hash=x", "", "a==1,"}) {
            CAPTURE(bad);
            CHECK(!fine(check_requirements, std::vector<std::string>{bad}));
        }
    }

    TEST_CASE("variables cannot change how the process runs") {
        CHECK(fine(check_variable_name, "SMTP_HOST"));
        for (const auto* bad :
             {"PATH", "LD_PRELOAD", "PYTHONPATH", "PGHOST", "ODOO_RC", "HOME", "1A", "a", "A-B",
              ""}) {
            CAPTURE(bad);
            CHECK(!fine(check_variable_name, bad));
        }
    }

    TEST_CASE("slugs are made from names and fit everywhere a slug goes") {
        CHECK(slug_from("Shop (staging)", 24) == "shop-staging");
        CHECK(slug_from("  ", 24) == "env");
        CHECK(slug_from("42 things", 24) == "things");
        CHECK(slug_from(std::string(100, 'x'), 24).size() == 24);
        for (const auto* name :
             {"Shop (staging)", "  ", "42 things", "a", "x--y", "Größe", "a_b"}) {
            CAPTURE(name);
            CHECK(fine(check_slug, std::string_view(slug_from(name, 24)), std::size_t(24)));
        }
        CHECK(!fine(check_slug, "x--y", std::size_t(24)));
        CHECK(!fine(check_slug, "x-", std::size_t(24)));
    }

    TEST_CASE("private keys are told from public ones, cut ones and ones with a passphrase") {
        CHECK(
            inspect_private_key("ssh-ed25519 AAAA user").error().message().find("public half") !=
            std::string::npos
        );
        CHECK(!inspect_private_key("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"));
        CHECK(!inspect_private_key(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n"
        ));
        CHECK(!inspect_private_key("hello"));
        CHECK(inspect_private_key("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"));
    }
}
