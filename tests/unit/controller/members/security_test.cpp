#include "controller/members/source_domains.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;

namespace {

boost::json::object settings() {
    return {
        {"sso_required", nullptr},
        {"two_factor_required", false},
        {"clone_enabled", true},
        {"connect_as_enabled", true},
        {"download_domains", boost::json::array()},
        {"addresses", boost::json::array()}};
}

} // namespace

TEST_SUITE("controller/members") {
    TEST_CASE("security settings begin open, are kept, and each change is in the log") {
        Office office;
        auto first = office.in(office.ann, "GET", "/security");
        CHECK(first.status == 200);
        CHECK(first.json == settings());
        auto wanted = settings();
        wanted["clone_enabled"] = false;
        wanted["download_domains"] = {"GitHub.com.", "*.example.org", "github.com"};
        wanted["addresses"] = {"192.0.2.0/24"};
        auto set = office.in(office.ann, "PUT", "/security", wanted);
        REQUIRE(set.status == 200);
        CHECK(set.json.at("download_domains") == boost::json::array{"*.example.org", "github.com"});
        CHECK(office.in(office.ann, "GET", "/security").json == set.json);
        CHECK(office.acts().back() == "security.edit by ann@example.org");
        CHECK(
            office.one<std::string>("SELECT before_json FROM audit_entry WHERE action = "
                                    "'security.edit'"
            ) == R"({"addresses":[],"clone_enabled":true,"download_domains":[]})"
        );
        auto count = office.acts().size();
        CHECK(office.in(office.ann, "PUT", "/security", set.json).status == 200);
        CHECK(office.acts().size() == count);
        office.clock.advance(std::chrono::minutes(16));
        CHECK(office.in(office.ann, "PUT", "/security", wanted).code() == "step_up_required");
    }

    TEST_CASE("whoever asks for single sign-on or a second factor came that way themselves") {
        Office office;
        auto wanted = settings();
        wanted["sso_required"] = "okta";
        CHECK(office.in(office.ann, "PUT", "/security", wanted).blames("sso_required"));
        wanted["sso_required"] = "google";
        CHECK(office.in(office.ann, "PUT", "/security", wanted).code() == "sign_in_with_it_first");
        auto by_google = office.person("ann@example.org", {"sso", "google", false});
        CHECK(office.in(by_google, "PUT", "/security", wanted).status == 200);
        CHECK(office.in(office.ann, "GET", "/security").code() == "sso_required");

        wanted["two_factor_required"] = true;
        CHECK(office.in(by_google, "PUT", "/security", wanted).code() == "second_factor_first");
        auto with_both = office.person("ann@example.org", {"sso", "google", true});
        CHECK(office.in(with_both, "PUT", "/security", wanted).status == 200);
        CHECK(office.in(by_google, "GET", "/security").code() == "second_factor_required_here");
    }

    TEST_CASE("the addresses that members must come from hold the caller's own") {
        Office office;
        auto wanted = settings();
        wanted["addresses"] = {"198.51.100.0/24"};
        CHECK(office.in(office.ann, "PUT", "/security", wanted).blames("addresses"));
        wanted["addresses"] = {"192.0.2.1", "300.1.1.1"};
        CHECK(office.in(office.ann, "PUT", "/security", wanted).blames("addresses[1]"));
        wanted["addresses"] = {"192.0.2.1"};
        CHECK(office.in(office.ann, "PUT", "/security", wanted).status == 200);
        auto away = office.ann;
        away.address = "192.0.2.2";
        CHECK(office.in(away, "GET", "").code() == "address_not_allowed");
    }

    TEST_CASE("the switches of cloning and Connect-As are the owners' alone, and switching "
              "Connect-As off ends what is open") {
        Office office;
        auto adam = office.member("adam@example.org", "admin");
        for (const char* name : {"clone_enabled", "connect_as_enabled"}) {
            auto wanted = settings();
            wanted[name] = false;
            CHECK(office.in(adam, "PUT", "/security", wanted).code() == "owner_required");
        }
        auto wanted = settings();
        wanted["download_domains"] = {"github.com"};
        CHECK(office.in(adam, "PUT", "/security", wanted).status == 200);
        wanted["connect_as_enabled"] = false;
        CHECK(office.in(office.ann, "PUT", "/security", wanted).status == 200);
        CHECK(office.hooks == std::vector<std::string>{"connect_as_off"});
    }

    TEST_CASE("a domain is a name or a wildcard below one, and nothing that looks like another") {
        using members::normal_domain;
        CHECK(normal_domain("GitHub.com.").value() == "github.com");
        CHECK(normal_domain("*.Example.org").value() == "*.example.org");
        for (const char* text :
             {"",
              "localhost",
              "*",
              "*.",
              "*.org",
              "a.*.org",
              "*a.org",
              "github.com:443",
              "https://github.com",
              "github.com/odoo",
              "user@github.com",
              "192.0.2.1",
              "[::1]",
              "xn--gthub-n4a.com",
              "g\u0456thub.com",
              "a..b",
              "-a.org",
              "a-.org",
              "a b.org",
              "a.org..",
              "127.1",
              "a_b.org"}) {
            CAPTURE(text);
            CHECK_FALSE(normal_domain(text));
        }
        CHECK_FALSE(normal_domain(std::string(64, 'a') + ".org"));
        std::vector<std::string> list{"*.example.org", "github.com"};
        CHECK(members::allows(list, "GitHub.com"));
        CHECK(members::allows(list, "a.b.example.org."));
        CHECK_FALSE(members::allows(list, "example.org"));
        CHECK_FALSE(members::allows(list, "badexample.org"));
        CHECK_FALSE(members::allows(list, "github.com.evil.net"));
        CHECK_FALSE(members::allows(list, "api.github.com"));
        CHECK(members::allows({}, "anything.net"));
    }

    TEST_CASE("sources come from the listed domains alone, when a project is saved and when it is "
              "deployed") {
        Office office;
        auto project = office.project("Shop");
        auto server = office.add_server();
        auto environment = office.environment(project, server);
        auto allow = [&](boost::json::array domains) {
            auto now = office.in(office.ann, "GET", "/security").json.as_object();
            now["download_domains"] = std::move(domains);
            auto kept = office.in(office.ann, "PUT", "/security", now);
            REQUIRE_MESSAGE(kept.status == 200, boost::json::serialize(kept.json));
        };
        auto save = [&](const std::string& url) {
            return office.in(
                office.ann, "PATCH", "/projects/" + project,
                {{"odoo_source", {{"url", url}, {"branch", "17.0"}}}}
            );
        };
        auto deploy = [&] {
            return office.in(
                office.ann, "POST", "/environments/" + environment + "/deploy",
                boost::json::object()
            );
        };
        allow({"git.example.org", "*.odoo.com"});
        CHECK(deploy().blames("odoo_source.url"));
        for (auto url :
             {"https://github.com/odoo/odoo", "https://git.example.org.evil.test/odoo.git",
              "https://notgit.example.org/odoo.git", "https://git.example.org:8443/odoo.git",
              "https://odoo.com/odoo.git", "git@github.com:odoo/odoo.git"}) {
            CAPTURE(std::string(url));
            CHECK(save(url).blames("odoo_source.url"));
        }
        CHECK(save("https://nightly.odoo.com/odoo.git").status == 200);
        CHECK(save("git@git.example.org:odoo.git").status == 200);
        CHECK(deploy().status == 202);
        // The server is told, for what the repositories themselves ask pip for.
        auto args = office.one<std::string>(
            "SELECT args FROM operation WHERE kind = 'environment.deploy' ORDER BY id DESC LIMIT 1"
        );
        CHECK(args.find("\"listed_sources\":true") != std::string::npos);
        allow({});
        CHECK(save("https://github.com/odoo/odoo").status == 200);
    }
}
