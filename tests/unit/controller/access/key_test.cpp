#include "../support/site.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;
using namespace std::chrono_literals;

namespace {

/// Ann owns an organization and makes keys; a program shows them.
struct Office {
    explicit Office(access::Rates sessions = {}) : site(sessions) {
        ann_id = site.add_user("ann@example.org");
        org = site.org_of("ann@example.org");
        sign_in(ann, "ann@example.org");
    }

    void sign_in(Browser& browser, const std::string& email) {
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", email}, {"password", Site::password}}
            ).status == 200
        );
    }
    std::string path(const std::string& below = "") { return "/api/v1/orgs/" + org.str() + below; }

    Reply make(boost::json::object body) {
        if (!body.contains("name")) body["name"] = "build";
        if (!body.contains("kind")) body["kind"] = "read_write";
        if (!body.contains("permissions")) body["permissions"] = {"org.view", "api_keys.view"};
        return site.send(ann, "POST", path("/api-keys"), body);
    }
    std::string key(boost::json::object body = {}) {
        auto reply = make(std::move(body));
        REQUIRE_MESSAGE(reply.status == 201, reply.text);
        last = std::string(reply.json.at("api_key").at("id").as_string());
        return std::string(reply.json.at("key").as_string());
    }
    Reply
    use(const std::string& key, const std::string& method, const std::string& where,
        const std::string& address = "198.51.100.7", boost::json::value body = nullptr) {
        api::Request request;
        request.method = api::method_from(method).value();
        request.path = where;
        request.headers = {{"authorization", "Bearer " + key}};
        if (!body.is_null()) request.body = boost::json::serialize(body);
        request.address = address;
        return site.send_raw(std::move(request));
    }
    template <class... Args>
    void change(store::Sql sql, const Args&... args) {
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run(sql, args...);
        }));
    }
    bool logged(const std::string& entry) {
        auto entries = site.audited(org);
        return std::find(entries.begin(), entries.end(), entry) != entries.end();
    }

    Site site;
    Browser ann;
    UserId ann_id;
    OrgId org;
    std::string last; ///< id of the key that was made last
};

} // namespace

TEST_SUITE("controller/access/keys") {

    TEST_CASE("a key is shown once, opens its organization, and is stored as a hash") {
        Office office;
        auto made =
            office.make({{"name", "build"}, {"kind", "read_only"}, {"expires_in_s", 86400}});
        REQUIRE(made.status == 201);
        auto key = std::string(made.json.at("key").as_string());
        CHECK(key.starts_with("flk_ro_"));
        CHECK(made.json.at("api_key").at("hint").as_string() == key.substr(0, 11));
        CHECK(office.use(key, "GET", office.path()).status == 200);
        CHECK(office.use(key, "HEAD", office.path()).status == 200);

        auto list = office.site.send(office.ann, "GET", office.path("/api-keys"));
        REQUIRE(list.status == 200);
        CHECK(list.text.find(key) == std::string::npos);
        CHECK(list.json.at("data").at(0).at("status") == "active");
        CHECK(list.json.at("data").at(0).at("created_by").at("email") == "ann@example.org");
        CHECK(list.json.at("data").at(0).at("projects").is_null());
        auto copies = office.site.store
                          ->read([&](store::Connection& db) {
                              return db.one<std::int64_t>(
                                  "SELECT count(*) FROM api_key WHERE token_hash = $1 OR hint = $1"
                                  " OR name = $1",
                                  key
                              );
                          })
                          .value();
        CHECK(copies == 0);
        CHECK(office.key({{"kind", "read_write"}}).starts_with("flk_rw_"));
    }

    TEST_CASE("the key alone counts, whatever cookie comes with it, and needs no proof of origin") {
        Office office;
        auto key = office.key({{"permissions", {"org.view"}}});
        api::Request request;
        request.method = api::Method::get;
        request.path = office.path("/audit");
        request.headers = {
            {"authorization", "bearer " + key},
            {"cookie", "__Host-fairlead=" + office.ann.cookie},
            {"sec-fetch-site", "cross-site"}};
        auto reply = office.site.send_raw(request);
        CHECK(reply.code() == "permission_denied"); // Ann herself may
        request.path = office.path("/api-keys/") + office.last;
        request.method = api::Method::remove;
        CHECK(office.site.send_raw(request).code() == "permission_denied");
        auto strong = office.key({{"permissions", {"api_keys.revoke"}}});
        request.path = office.path("/api-keys/") + office.last;
        request.headers = {{"authorization", "Bearer " + strong}};
        CHECK(office.site.send_raw(request).status == 204);
        CHECK(office.use(strong, "GET", office.path()).code() == "key_refused");
    }

    TEST_CASE("a read-only key asks by GET and HEAD alone") {
        Office office;
        auto key = office.key({{"kind", "read_only"}, {"permissions", {"api_keys.revoke"}}});
        auto reply = office.use(key, "DELETE", office.path("/api-keys/" + office.last));
        CHECK(reply.status == 403);
        CHECK(reply.code() == "read_only_key");
        // A GET that becomes a socket is no reading.
        api::Request request;
        request.path = office.path("/servers/x/ssh");
        request.headers = {{"authorization", "Bearer " + key}};
        request.address = "198.51.100.7";
        request.at = office.site.clock.now();
        api::Route route{api::Method::get, request.path, "api_keys.revoke", {}, {}};
        std::optional<api::Rate> rate;
        CHECK(office.site.guard.admit(request, route, office.org.str(), rate));
        route.marks.socket = true;
        auto refused = office.site.guard.admit(request, route, office.org.str(), rate);
        REQUIRE(!refused);
        CHECK(refused.error().code() == "read_only_key");
    }

    TEST_CASE("what is for people is not for keys, and other organizations are not there") {
        Office office;
        office.site.add_user("bob@example.org");
        auto theirs = "/api/v1/orgs/" + office.site.org_of("bob@example.org").str();
        auto key = office.key({{"permissions", {"org.view", "api_keys.create", "connect.grant"}}});
        CHECK(office.use(key, "GET", theirs).status == 404);
        CHECK(office.use(key, "POST", theirs + "/api-keys").status == 404);
        for (auto path : {"/api/v1/session", "/api/v1/sessions", "/api/v1/connect"}) {
            CAPTURE(std::string(path));
            CHECK(office.use(key, "GET", path).code() == "session_required");
        }
        // Those step up, and that is an owner's.
        CHECK(office.use(key, "POST", office.path("/api-keys")).code() == "session_required");
        CHECK(office.use(key, "POST", office.path("/connect/grants")).code() == "session_required");
        CHECK(
            office.use(key, "DELETE", office.path("/support-access")).code() == "session_required"
        );
    }

    TEST_CASE("a key tells what it may, and nobody else has one to ask about") {
        Office office;
        auto key = office.key({{"permissions", {"audit.view", "org.view"}}});
        auto own = office.use(key, "GET", "/api/v1/key");
        REQUIRE(own.status == 200);
        CHECK(own.json.at("org").as_string() == office.org.str());
        CHECK(own.json.at("permissions") == boost::json::array{"audit.view", "org.view"});
        CHECK(own.json.at("api_key").at("name") == "build");
        CHECK(office.site.send(office.ann, "GET", "/api/v1/key").code() == "key_required");
    }

    TEST_CASE("a key never counts more than its maker holds at that moment") {
        Office office;
        office.site.add_user("bob@example.org");
        auto bob =
            office.site.store
                ->read([&](store::Connection& db) {
                    return db.one<UserId>("SELECT id FROM app_user WHERE email = 'bob@example.org'"
                    );
                })
                .value()
                .value();
        office.change(
            "INSERT INTO membership (org_id, user_id, role, owner, created_ms) VALUES ($1, $2, "
            "'admin', 0, 0)",
            office.org, bob
        );
        Browser browser;
        office.sign_in(browser, "bob@example.org");
        auto made = office.site.send(
            browser, "POST", office.path("/api-keys"),
            {{"name", "of Bob"}, {"kind", "read_only"}, {"permissions", {"org.view", "audit.view"}}}
        );
        REQUIRE(made.status == 201);
        auto key = std::string(made.json.at("key").as_string());
        CHECK(office.use(key, "GET", office.path("/audit")).status == 200);

        office.change(
            "UPDATE membership SET role = 'viewer' WHERE org_id = $1 AND user_id = $2", office.org,
            bob
        );
        CHECK(office.use(key, "GET", office.path("/audit")).code() == "permission_denied");
        CHECK(office.use(key, "GET", office.path()).status == 200);

        office.change("DELETE FROM membership WHERE org_id = $1 AND user_id = $2", office.org, bob);
        auto dead = office.use(key, "GET", office.path());
        CHECK(dead.status == 401);
        CHECK(dead.code() == "key_refused");
        auto list = office.site.send(office.ann, "GET", office.path("/api-keys"));
        CHECK(list.json.at("data").at(0).at("status") == "maker_left");
    }

    TEST_CASE("nobody makes a key above themselves, nor one of what is not there") {
        Office office;
        office.change(
            "UPDATE membership SET owner = 0, withdrawn = '[\"audit.view\"]' WHERE org_id = $1",
            office.org
        );
        auto above = office.make({{"permissions", {"org.view", "audit.view"}}});
        CHECK(above.status == 403);
        CHECK(above.json.at("permission") == "audit.view");
        auto nowhere = ProjectId::make(office.site.clock.now());
        struct {
            const char* field;
            boost::json::object body;
        } rows[] = {
            {"permissions", {{"permissions", {"made.up"}}}},
            {"permissions", {{"permissions", boost::json::array()}}},
            {"permissions", {{"permissions", {"org.edit"}}, {"projects", {nowhere.str()}}}},
            {"projects", {{"projects", {nowhere.str()}}, {"permissions", {"org.view"}}}},
            {"projects", {{"projects", boost::json::array()}, {"permissions", {"org.view"}}}},
            {"addresses", {{"addresses", {"10.0.0.1/8"}}}},
            {"expires_in_s", {{"expires_in_s", 59}}},
            {"name", {{"name", ""}}},
        };
        for (const auto& row : rows) {
            CAPTURE(boost::json::serialize(row.body));
            auto reply = office.make(row.body);
            CHECK(reply.status == 400);
            REQUIRE(reply.json.as_object().contains("errors"));
            CHECK(reply.json.at("errors").at(0).at("field") == row.field);
        }
    }

    TEST_CASE("a key that is limited to projects sees those, and nothing about the whole") {
        Office office;
        auto mine = ProjectId::make(office.site.clock.now());
        office.site.projects = {mine};
        auto key = office.key({{"permissions", {"projects.view"}}, {"projects", {mine.str()}}});
        auto own = office.use(key, "GET", "/api/v1/key");
        CHECK(own.json.at("api_key").at("projects") == boost::json::array{mine.str()});

        // What the scope of its requests is limited by.
        std::string limit;
        office.site.table.add(
            api::Method::get, "/api/v1/orgs/{org}/x", "projects.view",
            [&](const api::Call& call) -> Result<api::Response> {
                limit = call.scope().limit();
                return api::no_content();
            }
        );
        CHECK(office.use(key, "GET", office.path("/x")).status == 204);
        CHECK(limit == office.last);

        // Its maker is limited since, too: to the same project, and then to another one.
        office.change("UPDATE membership SET owner = 0, limited = 1 WHERE org_id = $1", office.org);
        office.change(
            "INSERT INTO project_limit (org_id, holder, project_id) VALUES ($1, $2, $3)",
            office.org, office.ann_id, mine
        );
        CHECK(office.use(key, "GET", office.path("/x")).status == 204);
        CHECK(limit == office.last);
        office.change("DELETE FROM project_limit WHERE holder = $1", office.ann_id);
        CHECK(office.use(key, "GET", office.path("/x")).code() == "key_beyond_maker");
    }

    TEST_CASE("a key for everything shrinks with its maker's projects") {
        Office office;
        auto key = office.key({{"permissions", {"projects.view", "audit.view"}}});
        std::string limit = "?";
        office.site.table.add(
            api::Method::get, "/api/v1/orgs/{org}/x", "projects.view",
            [&](const api::Call& call) -> Result<api::Response> {
                limit = call.scope().limit();
                return api::no_content();
            }
        );
        CHECK(office.use(key, "GET", office.path("/x")).status == 204);
        CHECK(limit.empty());
        office.change("UPDATE membership SET owner = 0, limited = 1 WHERE org_id = $1", office.org);
        CHECK(office.use(key, "GET", office.path("/x")).status == 204);
        CHECK(limit == office.ann_id.str());
        CHECK(office.use(key, "GET", office.path("/audit")).code() == "permission_denied");
    }

    TEST_CASE("time and address end what a key opens") {
        Office office;
        auto key = office.key({{"expires_in_s", 3600}, {"addresses", {"198.51.100.0/24"}}});
        CHECK(office.use(key, "GET", office.path()).status == 200);
        CHECK(office.use(key, "GET", office.path(), "203.0.113.1").code() == "address_not_allowed");
        auto stream = office.use(key, "GET", office.path("/events"));
        REQUIRE(stream.events);
        CHECK(stream.events->lasts == 3600s);
        office.site.clock.advance(3600s);
        CHECK(office.use(key, "GET", office.path()).code() == "key_refused");
    }

    TEST_CASE("the organization's own addresses and plan count for keys too") {
        Office office;
        auto key = office.key();
        office.change(
            "INSERT INTO org_setting (org_id, addresses) VALUES ($1, '[\"192.0.2.0/24\"]')",
            office.org
        );
        CHECK(office.use(key, "GET", office.path()).code() == "address_not_allowed");
        CHECK(office.use(key, "GET", office.path(), "192.0.2.9").status == 200);
        office.change("UPDATE org SET plan = 'free' WHERE id = $1", office.org);
        auto reply = office.use(key, "GET", office.path(), "192.0.2.9");
        CHECK(reply.code() == "plan_required");
        CHECK(reply.json.at("required_plan") == "starter");
        CHECK(office.make({}).code() == "plan_required");
        // What is there can still be taken away.
        CHECK(
            office.site.send(office.ann, "DELETE", office.path("/api-keys/" + office.last))
                .status == 204
        );
    }

    TEST_CASE("the making of a key is in the audit log [S-AUD-17]") {
        Office office;
        auto key = office.key({{"permissions", {"org.view"}}});
        auto entries =
            office.site.send(office.ann, "GET", office.path("/audit?action=api_key.create"));
        const auto& entry = entries.json.at("data").at(0);
        CHECK(entry.at("actor").at("label") == "ann@example.org");
        CHECK(entry.at("target").at("id").as_string() == office.last);
        CHECK(entries.text.find(key) == std::string::npos);
    }

    TEST_CASE("the end of a key is in the audit log, and ends its streams [S-AUD-18]") {
        Office office;
        auto key = office.key({{"permissions", {"org.view"}}});
        auto stream = office.use(key, "GET", office.path("/events"));
        REQUIRE(stream.events);
        auto bonds = stream.events->bonds;
        CHECK(std::find(bonds.begin(), bonds.end(), office.last) != bonds.end());
        auto path = office.path("/api-keys/" + office.last);
        CHECK(office.site.send(office.ann, "DELETE", path).status == 204);
        CHECK(office.logged("api_key.revoke ok"));
        CHECK(office.site.events.ended.back() == office.last);
        CHECK(office.use(key, "GET", office.path()).code() == "key_refused");
        CHECK(office.site.send(office.ann, "DELETE", path).status == 404);
    }

    TEST_CASE("the keys of whoever left do not come back with them") {
        Office office;
        auto key = office.key({{"permissions", {"org.view"}}});
        auto made = office.last;
        REQUIRE(office.use(key, "GET", office.path()).status == 200);
        REQUIRE(office.site.store->write([&](store::UnitOfWork& unit) {
            return access::end_keys_of(
                unit, api::ScopeIssuer::scope(office.org), office.ann_id, office.site.log,
                office.site.events
            );
        }));
        // Still, or again, a member.
        CHECK(office.use(key, "GET", office.path()).code() == "key_refused");
        CHECK(office.logged("api_key.revoke ok"));
        CHECK(office.site.events.ended.back() == made);
        CHECK(office.key() != key);
    }

    TEST_CASE("what a key does is in the log under the key's name") {
        Office office;
        auto key = office.key({{"permissions", {"api_keys.revoke"}}});
        auto first = office.last;
        office.key();
        CHECK(office.use(key, "DELETE", office.path("/api-keys/" + office.last)).status == 204);
        auto entries =
            office.site.send(office.ann, "GET", office.path("/audit?action=api_key.revoke"));
        const auto& actor = entries.json.at("data").at(0).at("actor");
        CHECK(actor.at("type") == "key");
        CHECK(actor.at("id").as_string() == first);
        CHECK(actor.at("label") == "build");
    }

    TEST_CASE("an address that shows ten keys that are none waits for 15 minutes") {
        Office office;
        auto key = office.key();
        auto wrong = key;
        wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
        for (int i = 0; i < 10; ++i)
            CHECK(office.use(wrong, "GET", office.path()).code() == "key_refused");
        auto waits = office.use(key, "GET", office.path());
        CHECK(waits.status == 429);
        CHECK(waits.retry_after == "900");
        CHECK(office.use(key, "GET", office.path(), "203.0.113.1").status == 200);

        // A restart forgives nothing.
        access::Refusals after(office.site.store.store());
        CHECK(!after.check("198.51.100.7", office.site.clock.now()));
        CHECK(after.check("203.0.113.1", office.site.clock.now()));
        office.site.clock.advance(900s);
        CHECK(office.use(key, "GET", office.path()).status == 200);
        CHECK(office.use(wrong, "GET", office.path()).code() == "key_refused");
        CHECK(office.use(key, "GET", office.path()).status == 200);
    }

    TEST_CASE("when a key was used last is saved once a minute") {
        Office office;
        auto key = office.key();
        auto last_used = [&] {
            return office.site.send(office.ann, "GET", office.path("/api-keys/" + office.last))
                .json.at("last_used_at");
        };
        CHECK(last_used().is_null());
        auto first = to_rfc3339(office.site.clock.now());
        CHECK(office.use(key, "GET", office.path()).status == 200);
        office.site.clock.advance(59s);
        auto commits = office.site.store->commits();
        CHECK(office.use(key, "GET", office.path()).status == 200);
        CHECK(office.site.store->commits() == commits);
        CHECK(last_used() == boost::json::value(first));
        office.site.clock.advance(1s);
        CHECK(office.use(key, "GET", office.path()).status == 200);
        CHECK(last_used() == boost::json::value(to_rfc3339(office.site.clock.now())));
    }

    TEST_CASE("an organization has 200 keys at most") {
        Office office(access::Rates{10'000, 10'000});
        for (int i = 0; i < 200; ++i) office.key();
        CHECK(office.make({}).code() == "too_many_keys");
    }
}
