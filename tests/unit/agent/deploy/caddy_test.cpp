#include "agent/deploy/caddy.hpp"
#include "common/json/json.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::deploy;

namespace {

proto::EnvironmentSpec shop(std::uint32_t workers = 0) {
    proto::EnvironmentSpec e;
    e.slug = "shop";
    e.port = 8069;
    e.gevent_port = 8072;
    e.exposure = proto::Exposure::direct;
    e.domains = {"shop.example.com", "www.shop.example.com"};
    e.resources.workers = workers;
    return e;
}

/// What stands at a path of names and numbers.
const boost::json::value& at(const boost::json::value& root, const char* pointer) {
    return root.at_pointer(pointer);
}

std::string at_text(const boost::json::value& root, const char* pointer) {
    return std::string(at(root, pointer).as_string());
}

} // namespace

TEST_SUITE("agent/deploy/caddy") {

    TEST_CASE("domains are served here only where the environment is exposed directly") {
        CHECK(site_of(shop()));
        for (auto other : {proto::Exposure::port, proto::Exposure::tunnel}) {
            auto e = shop();
            e.exposure = other;
            CHECK_FALSE(site_of(e));
        }
        auto nameless = shop();
        nameless.domains.clear();
        CHECK_FALSE(site_of(nameless));
    }

    TEST_CASE("a site is its names alone, and proofs of domains are not Odoo's to answer") {
        auto site = json::parse(*site_of(shop())).value();
        CHECK(at(site, "/match/0/host").as_array().size() == 2);
        CHECK(at_text(site, "/match/0/host/1") == "www.shop.example.com");
        CHECK(
            at_text(site, "/handle/0/routes/0/match/0/path_regexp/pattern") ==
            R"(^/\.well-known/fairlead-challenge(/|$))"
        );
        CHECK(at(site, "/handle/0/routes/0/handle/0/status_code").as_int64() == 404);
        CHECK(at(site, "/handle/0/routes/1/handle/0/max_size").as_int64() > 0);
        CHECK(at_text(site, "/handle/0/routes/2/handle/0/upstreams/0/dial") == "127.0.0.1:8069");
        auto text = boost::json::serialize(site);
        for (const auto* header : {"Forwarded", "X-Forwarded-Port", "X-Forwarded-Prefix"})
            CHECK(text.find(header) != std::string::npos);
        CHECK(text.find("8072") == std::string::npos);
    }

    TEST_CASE("websockets find the process that Odoo has for them beside its workers") {
        auto site = json::parse(*site_of(shop(2))).value();
        CHECK(at_text(site, "/handle/0/routes/2/match/0/path/0") == "/websocket");
        CHECK(at_text(site, "/handle/0/routes/2/handle/0/upstreams/0/dial") == "127.0.0.1:8072");
        CHECK(at_text(site, "/handle/0/routes/3/handle/0/upstreams/0/dial") == "127.0.0.1:8069");
    }

    TEST_CASE("the whole configuration has every site, one authority, and no door but a file") {
        AcmeSettings settings;
        settings.directory = "https://ca.test/dir";
        settings.root_file = "/etc/ca.pem";
        auto text = caddy_config({*site_of(shop()), *site_of(shop(2))}, settings);
        REQUIRE(text);
        auto config = json::parse(*text).value();
        CHECK(at_text(config, "/admin/listen") == "unix//run/fairlead-caddy/admin.sock");
        CHECK(at(config, "/apps/http/servers/environments/routes").as_array().size() == 2);
        const auto* issuer = "/apps/tls/automation/policies/0/issuers/0";
        CHECK(at_text(at(config, issuer), "/ca") == "https://ca.test/dir");
        CHECK(at_text(at(config, issuer), "/trusted_roots_pem_files/0") == "/etc/ca.pem");
        CHECK_FALSE(at(config, issuer).as_object().contains("email"));
        CHECK_FALSE(caddy_config({"nonsense"}, settings));
        CHECK_FALSE(caddy_config({"[]"}, settings));
    }

    TEST_CASE("settings of certificates are read with their lines, and unknown ones refused") {
        CHECK(*acme_settings("", "agent.yaml") == AcmeSettings());
        CHECK(*acme_settings("# nothing\n", "agent.yaml") == AcmeSettings());
        auto own = acme_settings(
            "direct:\n  acme_ca: https://ca.test/dir\n  acme_ca_root: /etc/ca.pem\n"
            "  acme_email: ops@example.org\n",
            "agent.yaml"
        );
        REQUIRE(own);
        CHECK(own->directory == "https://ca.test/dir");
        CHECK(own->root_file == "/etc/ca.pem");
        CHECK(own->email == "ops@example.org");
        for (const auto* bad :
             {"colour: red\n", "direct:\n  acme: x\n", "direct:\n  acme_ca: http://plain\n",
              "direct:\n  acme_ca_root: relative.pem\n", "direct: yes\n",
              "direct:\n  acme_email: [a]\n"}) {
            CAPTURE(bad);
            auto refused = acme_settings(bad, "agent.yaml");
            REQUIRE_FALSE(refused);
            CHECK(refused.error().message().find("agent.yaml line ") == 0);
        }
    }
}
