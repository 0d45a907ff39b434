#include "../support/site.hpp"
#include "controller/access/permissions.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

struct SignedIn {
    explicit SignedIn(access::Rates rates = {}) : site(rates) {
        site.add_user("ann@example.org");
        REQUIRE(
            send(
                "POST", "/api/v1/session",
                {{"email", "ann@example.org"}, {"password", Site::password}}
            ).status == 200
        );
    }
    Reply send(std::string method, std::string path, boost::json::value body = nullptr) {
        return site.send(browser, std::move(method), std::move(path), std::move(body));
    }
    /// A sign-out with these headers, and the cookie unless told otherwise.
    Reply
    sign_out(std::vector<std::pair<std::string, std::string>> headers, bool with_cookie = true) {
        api::Request request;
        request.method = api::Method::remove;
        request.path = "/api/v1/session";
        request.headers = std::move(headers);
        if (with_cookie)
            request.headers.emplace_back("cookie", "__Host-fairlead=" + browser.cookie);
        return site.send_raw(std::move(request));
    }
    Site site;
    Browser browser;
};

} // namespace

TEST_SUITE("controller/access/guard") {

    TEST_CASE("another site's page cannot act with the visitor's cookie") {
        using Headers = std::vector<std::pair<std::string, std::string>>;
        SignedIn fixture;
        Headers refused[] = {
            {},
            {{"sec-fetch-site", "cross-site"}},
            {{"sec-fetch-site", "same-site"}},
            {{"sec-fetch-site", "none"}},
            {{"sec-fetch-site", "cross-site"},
             {"host", "fairlead.example"},
             {"origin", "https://fairlead.example"}},
            {{"host", "fairlead.example"}, {"origin", "https://evil.example"}},
            {{"host", "fairlead.example"}, {"origin", "http://fairlead.example"}},
            {{"host", "fairlead.example"}, {"origin", "https://fairlead.example.evil.example"}},
            {{"host", "fairlead.example"}, {"origin", "null"}},
        };
        for (const auto& headers : refused) {
            auto reply = fixture.sign_out(headers);
            CHECK(reply.status == 403);
            CHECK(reply.code() == "cross_site_request");
        }
        CHECK(fixture.send("GET", "/api/v1/session").status == 200);

        for (const Headers& headers :
             {Headers{{"host", "10.0.0.1:8443"}, {"origin", "https://10.0.0.1:8443"}},
              Headers{{"host", "proxied"}, {"origin", "https://fairlead.example"}},
              Headers{{"sec-fetch-site", "same-origin"}}}) {
            SignedIn fresh;
            CHECK(fresh.sign_out(headers).status == 204);
        }
    }

    TEST_CASE("what becomes a socket proves its origin although it is asked for by GET") {
        SignedIn fixture;
        auto admitted = [&](bool socket, std::string origin) {
            api::Request request;
            request.path = "/api/v1/terminals/x";
            request.headers = {
                {"host", "fairlead.example"},
                {"cookie", "__Host-fairlead=" + fixture.browser.cookie}};
            if (!origin.empty()) request.headers.emplace_back("origin", std::move(origin));
            request.at = fixture.site.clock.now();
            api::Route route{
                api::Method::get,
                request.path,
                std::string(api::signed_in),
                {},
                {.socket = socket}};
            std::optional<api::Rate> rate;
            return fixture.site.guard.admit(request, route, "", rate).has_value();
        };
        CHECK(admitted(true, "https://fairlead.example"));
        CHECK(!admitted(true, "https://evil.example"));
        CHECK(!admitted(true, ""));
        CHECK(admitted(false, ""));
    }

    TEST_CASE("another site cannot sign a visitor in, and a program without a browser can") {
        Site site;
        site.add_user("ann@example.org");
        api::Request request;
        request.method = api::Method::post;
        request.path = "/api/v1/session";
        request.body = boost::json::serialize(boost::json::value{
            {"email", "ann@example.org"}, {"password", Site::password}});
        request.headers = {{"sec-fetch-site", "cross-site"}};
        CHECK(site.send_raw(request).code() == "cross_site_request");
        request.headers = {{"host", "fairlead.example"}, {"origin", "https://evil.example"}};
        CHECK(site.send_raw(request).code() == "cross_site_request");
        request.headers = {};
        CHECK(site.send_raw(request).status == 200);
    }

    TEST_CASE("an organization of others is as if it did not exist [S-ISO-01]") {
        SignedIn fixture;
        fixture.site.add_user("bob@example.org");
        auto mine = fixture.site.org_of("ann@example.org").str(),
             theirs = fixture.site.org_of("bob@example.org").str();
        CHECK(fixture.send("GET", "/api/v1/orgs/" + mine).status == 200);
        auto other = fixture.send("GET", "/api/v1/orgs/" + theirs);
        auto none =
            fixture.send("GET", "/api/v1/orgs/" + OrgId::make(fixture.site.clock.now()).str());
        CHECK(other.status == 404);
        CHECK(other.text == none.text);
        for (auto rubbish : {"x", "org_", "org_1", "usr_01J00000000000000000000000", "%00"}) {
            CAPTURE(std::string(rubbish));
            CHECK(fixture.send("GET", std::string("/api/v1/orgs/") + rubbish).status >= 400);
            CHECK(fixture.send("GET", std::string("/api/v1/orgs/") + rubbish).status <= 404);
        }
    }

    TEST_CASE("a role that was taken away or given counts from the next request on") {
        Site site;
        site.add_user("vic@example.org", "viewer", false);
        Browser browser;
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", "vic@example.org"}, {"password", Site::password}}
            ).status == 200
        );
        auto org = site.org_of("vic@example.org");
        auto path = "/api/v1/orgs/" + org.str();
        auto change = [&](store::Sql sql) {
            REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
                return unit.db().run(sql, org);
            }));
        };
        CHECK(site.send(browser, "GET", path).status == 200);
        CHECK(site.send(browser, "GET", path + "/audit").status == 403);
        change("UPDATE membership SET role = 'admin' WHERE org_id = $1");
        CHECK(site.send(browser, "GET", path + "/audit").status == 200);
        change("UPDATE membership SET role = 'viewer' WHERE org_id = $1");
        CHECK(site.send(browser, "GET", path + "/audit").status == 403);
        CHECK(site.send(browser, "GET", path).status == 200);
        change("DELETE FROM membership WHERE org_id = $1");
        CHECK(site.send(browser, "GET", path).status == 404);
    }

    TEST_CASE("a permission that is missing is named") {
        Site site;
        site.add_user("vic@example.org", "viewer", false);
        Browser browser;
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", "vic@example.org"}, {"password", Site::password}}
            ).status == 200
        );
        auto org = "/api/v1/orgs/" + site.org_of("vic@example.org").str();
        auto seen = site.send(browser, "GET", org);
        CHECK(seen.json.at("counts").at("servers") == 3);
        CHECK(seen.json.at("plan") == "agency");
        auto refused = site.send(browser, "GET", org + "/audit");
        CHECK(refused.status == 403);
        CHECK(refused.code() == "permission_denied");
        CHECK(refused.json.at("permission") == "audit.view");
    }

    TEST_CASE("an organization's events begin now, after the one seen last, or with a reset") {
        SignedIn fixture;
        auto path = "/api/v1/orgs/" + fixture.site.org_of("ann@example.org").str() + "/events";
        auto now = fixture.send("GET", path);
        REQUIRE(now.events);
        CHECK(now.events->after == 7);
        CHECK(now.events->first.empty());
        CHECK(now.events->permissions.contains("servers.view"));
        CHECK(now.events->bonds.size() == 2);
        CHECK(fixture.send("GET", path + "?last_event_id=5").events->after == 5);
        auto lost = fixture.send("GET", path + "?last_event_id=4");
        CHECK(lost.events->after == 7);
        CHECK(lost.events->first == "id: 7\nevent: reset\ndata: {}\n\n");
        for (auto bad : {"x", "-1", "1.5", "99999999999999999999999"})
            CHECK(fixture.send("GET", path + "?last_event_id=" + bad).status == 400);
    }

    TEST_CASE("nobody signed in is told so before anything else is looked at") {
        Site site;
        Browser nobody;
        CHECK(site.send(nobody, "GET", "/api/v1/orgs/org_x").status == 401);
        for (auto cookie : {"rubbish", "fls_", "fls_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
            Browser forged{cookie, "192.0.2.1"};
            CHECK(site.send(forged, "GET", "/api/v1/session").status == 401);
        }
    }

    TEST_CASE("reads and writes have buckets of their own, which fill again") {
        SignedIn fixture(access::Rates{60, 3});
        CHECK(fixture.send("GET", "/api/v1/session").rate == "60 59 1");
        for (int i = 1; i < 60; ++i) REQUIRE(fixture.send("GET", "/api/v1/session").status == 200);
        auto reply = fixture.send("GET", "/api/v1/session");
        CHECK(reply.status == 429);
        CHECK(reply.rate == "60 0 60");
        CHECK(reply.retry_after == "1");
        auto write = [&] {
            return fixture.send(
                "DELETE", "/api/v1/sessions/" + SessionId::make(fixture.site.clock.now()).str()
            );
        };
        for (int i = 0; i < 3; ++i) CHECK(write().status == 404);
        auto late = write();
        CHECK(late.retry_after == "20");
        CHECK(late.rate == "3 0 60");
        // Also when the answer is that something may not be done or is not there; not to strangers.
        fixture.site.clock.advance(60s);
        auto other =
            fixture.send("GET", "/api/v1/orgs/" + OrgId::make(fixture.site.clock.now()).str());
        CHECK(other.status == 404);
        CHECK(other.rate == "60 59 1");
        Browser stranger;
        CHECK(fixture.site.send(stranger, "GET", "/api/v1/session").rate.empty());
        for (int i = 1; i < 60; ++i) fixture.send("GET", "/api/v1/session");
        fixture.site.clock.advance(1s);
        CHECK(fixture.send("GET", "/api/v1/session").status == 200);
        CHECK(fixture.send("GET", "/api/v1/session").status == 429);
    }

    TEST_CASE("roles grow: what a viewer may, a developer may, and an administrator may all") {
        const auto &viewer = access::permissions_of("viewer"),
                   &developer = access::permissions_of("developer"),
                   &admin = access::permissions_of("admin");
        CHECK(std::includes(developer.begin(), developer.end(), viewer.begin(), viewer.end()));
        CHECK(std::includes(admin.begin(), admin.end(), developer.begin(), developer.end()));
        CHECK(admin.size() == access::permissions().size());
        CHECK(admin.size() >= 55);
        CHECK(viewer.size() < developer.size());
        CHECK(developer.size() < admin.size());
        CHECK(access::permissions_of("made up").empty());
        for (const auto& permission : access::permissions()) {
            CHECK(permission.code.find('.') != std::string_view::npos);
            CHECK(!permission.allows.empty());
        }
    }

    TEST_CASE("a route with a permission that nobody knows keeps the program from starting") {
        Site site;
        site.table.add(
            api::Method::get, "/api/v1/orgs/{org}/x", "made.up",
            [](const api::Call&) -> Result<api::Response> { return api::no_content(); }
        );
        CHECK_THROWS_AS(api::Router(site.table, site.guard), std::logic_error);
    }

    TEST_CASE("a slug is what a name leaves in letters and digits") {
        CHECK(orgs::slug_of("Acme Odoo & Co") == "acme-odoo-co");
        CHECK(orgs::slug_of("  --x--  ") == "x");
        CHECK(orgs::slug_of("日本") == "org");
        CHECK(orgs::slug_of(std::string(100, 'a')).size() == 40);
    }
}
