#include "controller/api/checks.hpp"
#include "controller/api/page.hpp"
#include "controller/api/router.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::api;

namespace {

/// Lets "ada" in everywhere in one organization, with the permissions a test gives her.
class TestGuard final : public Guard {
public:
    std::set<std::string, std::less<>> permissions{"things.view"};
    OrgId org = OrgId::make(from_ms(1));

    Result<std::optional<Principal>> admit(
        const Request& request, const Route& route, std::string_view asked,
        std::optional<Rate>& rate
    ) override {
        rate = Rate{60, 59, 1};
        if (route.permission == open_to_all) return std::optional<Principal>();
        if (request.cookie("who") != "ada") return fail(Errc::unauthenticated, "Sign in.");
        Principal principal;
        principal.email = "ada@example.org";
        if (!asked.empty() && asked != org.str())
            return fail(Errc::not_found, "There is no such organization.");
        if (!asked.empty()) principal.scope = ScopeIssuer::scope(org);
        if (route.permission != signed_in && !permissions.contains(route.permission))
            return fail(
                Error(Errc::forbidden, "You may not.").with_fact("permission", route.permission)
            );
        return principal;
    }
    bool knows(std::string_view permission) const override {
        return permission == open_to_all || permission == signed_in ||
               permission.starts_with("things.");
    }
};

Request get(std::string path, std::string cookie = "who=ada") {
    Request request;
    request.path = std::move(path);
    request.request_id = "req_1";
    if (!cookie.empty()) request.headers.emplace_back("cookie", cookie);
    return request;
}

Handler answering(std::string text) {
    return [text](const Call& call) -> Result<Response> {
        return answer(boost::json::object{
            {"text", text}, {"thing", std::string(call.path("thing"))}});
    };
}

} // namespace

TEST_SUITE("controller/api/router") {

    TEST_CASE("a route without a permission, with one that checks nothing, or twice stops the start"
    ) {
        RouteTable table;
        CHECK_THROWS(table.add(Method::get, "/x", "", answering("x")));
        CHECK_THROWS(table.add(Method::get, "/x", "things", answering("x")));
        CHECK_THROWS(table.add(Method::get, "/x", "things.view", answering("x")));
        CHECK_THROWS(table.add(Method::get, "/orgs/{org}/x", "self", answering("x")));
        CHECK_THROWS(table.add(Method::get, "/orgs/{org}/x", "none", answering("x")));
        table.add(Method::get, "/x", "none", answering("x"));
        CHECK_THROWS(table.add(Method::get, "/x", "none", answering("x")));
        table.add(Method::get, "/orgs/{org}/y", "unheard.of", answering("y"));
        TestGuard guard;
        CHECK_THROWS(Router(table, guard));
    }

    TEST_CASE("what hashes a password is told before it is done, by method and path") {
        RouteTable table;
        table.add(Method::post, "/session", "none", answering("in"), {.hashes = true});
        table.add(Method::get, "/session", "none", answering("who"));
        table.add(Method::post, "/things/{thing}", "none", answering("made"));
        TestGuard guard;
        Router router(table, guard);
        auto asked = [&](Method method, std::string path) {
            auto request = get(std::move(path));
            request.method = method;
            return router.hashes(request);
        };
        CHECK(asked(Method::post, "/session"));
        CHECK_FALSE(asked(Method::get, "/session"));
        CHECK_FALSE(asked(Method::post, "/things/1"));
        CHECK_FALSE(asked(Method::post, "/nowhere"));
        CHECK(router.serves("/session"));
        CHECK(router.serves("/things/1")); // by another method
        CHECK_FALSE(router.serves("/nowhere"));
    }

    TEST_CASE("the path decides the route, the method and the permission decide the answer") {
        TestGuard guard;
        RouteTable table;
        auto orgs = "/api/v1/orgs/" + guard.org.str();
        table.add(
            Method::get, "/api/v1/orgs/{org}/things/{thing}", "things.view", answering("one")
        );
        table.add(
            Method::get, "/api/v1/orgs/{org}/things/count", "things.view", answering("count")
        );
        table.add(
            Method::post, "/api/v1/orgs/{org}/things/{thing}", "things.edit", answering("changed")
        );
        table.add(Method::get, "/healthz", "none", answering("ok"));
        table.add(Method::get, "/api/v1/session", "self", answering("me"));
        Router router(table, guard);

        struct Row {
            const char* name;
            Method method;
            std::string path, cookie;
            int status;
            const char* says;
        };
        for (const auto& row : std::vector<Row>{
                 {"a parameter is decoded", Method::get, orgs + "/things/a%20b", "who=ada", 200,
                  R"("thing":"a b")"},
                 {"a fixed segment wins", Method::get, orgs + "/things/count", "who=ada", 200,
                  R"("text":"count")"},
                 {"HEAD finds GET", Method::head, orgs + "/things/x", "who=ada", 200, "one"},
                 {"another method", Method::remove, orgs + "/things/x", "who=ada", 405,
                  "method_not_allowed"},
                 {"what is possible is said once", Method::remove, orgs + "/things/count",
                  "who=ada", 405, "possible is GET, HEAD, POST."},
                 {"no such path", Method::get, orgs + "/nothing", "who=ada", 404, "not_found"},
                 {"a slash too many", Method::get, orgs + "/things/x/", "who=ada", 404,
                  "not_found"},
                 {"nobody", Method::get, orgs + "/things/x", "", 401, "unauthenticated"},
                 {"another cookie of a similar name", Method::get, orgs + "/things/x",
                  "xwho=ada; who2=ada", 401, "unauthenticated"},
                 {"a permission that is missing is named", Method::post, orgs + "/things/x",
                  "who=ada", 403, R"("permission":"things.edit")"},
                 {"another organization", Method::get,
                  "/api/v1/orgs/" + OrgId::make(from_ms(9)).str() + "/things/x", "who=ada", 404,
                  "not_found"},
                 {"open to all", Method::get, "/healthz", "", 200, "ok"},
                 {"signed in", Method::get, "/api/v1/session", "a=b; who=ada", 200, "me"},
                 {"a broken escape", Method::get, orgs + "/things/%4", "who=ada", 400, "escape"},
                 {"a control character", Method::get, orgs + "/things/%00", "who=ada", 400,
                  "control"},
             }) {
            CAPTURE(row.name);
            auto request = get(row.path, row.cookie);
            request.method = row.method;
            std::string pattern;
            auto response = router.handle(request, pattern);
            CHECK(response.status == row.status);
            CHECK(response.body.find(row.says) != std::string::npos);
        }
    }

    TEST_CASE("an exception becomes a 500 that keeps its reason to itself") {
        TestGuard guard;
        RouteTable table;
        table.add(Method::get, "/break", "none", [](const Call&) -> Result<Response> {
            throw std::runtime_error("disk /dev/sda");
        });
        Router router(table, guard);
        std::string pattern;
        auto response = router.handle(get("/break"), pattern);
        CHECK(response.status == 500);
        CHECK(response.body.find("sda") == std::string::npos);
        CHECK(response.body.find("req_1") != std::string::npos);
        CHECK(pattern == "/break");
    }

    TEST_CASE("what a browser calls itself is text of bounded length, whatever it sends") {
        Request request;
        CHECK(request.user_agent().empty());
        request.headers = {{"user-agent", "Fire\xe9 \u20ac"}};
        CHECK(request.user_agent() == "Fire\ufffd \u20ac");
        request.headers = {{"user-agent", std::string(299, 'x') + "\u20ac"}};
        CHECK(request.user_agent() == std::string(299, 'x'));
        request.headers = {{"user-agent", std::string(1000, '\xff')}};
        CHECK(request.user_agent().size() == 300);
    }

    TEST_CASE("queries decode, and are limited") {
        auto query = parse_query("a=1&b=x%26y+z&c").value();
        CHECK(query["b"] == "x&y z");
        CHECK(query["c"].empty());
        CHECK(!parse_query("a=1&a=2"));
        CHECK(!parse_query("a=%zz"));
        std::string many;
        for (int i = 0; i < 33; ++i) many += "p" + std::to_string(i) + "=1&";
        CHECK(!parse_query(many));
    }

    TEST_CASE("a page takes 1 to 200 rows and a cursor that a list gave out") {
        auto page_for = [](std::string name, std::string value) {
            static Request request;
            Call call(request, {}, {{std::move(name), std::move(value)}}, std::nullopt);
            return Page::of(call);
        };
        CHECK(page_for("limit", "200").value().limit == 200);
        for (auto bad : {"0", "201", "-1", "ten", "", "1e2", "99999999999999999999"}) {
            CAPTURE(bad);
            CHECK(page_for("limit", bad).error().fields().at(0).field == "limit");
        }
        auto id = ServerId::make(from_ms(1)).str();
        CHECK(page_for("cursor", id).value().after == id);
        CHECK(!page_for("cursor", "' OR 1=1"));

        Page page;
        page.limit = 2;
        auto three = page_of({{{"id", "c"}}, {{"id", "b"}}, {{"id", "a"}}}, page);
        CHECK(three.body == R"({"data":[{"id":"c"},{"id":"b"}],"next_cursor":"b"})");
        CHECK(page_of({{{"id", "c"}}, {{"id", "b"}}}, page).body.ends_with(R"("next_cursor":null})")
        );
    }

    TEST_CASE("checks tell everything that is wrong at once") {
        Checks checks;
        checks.length("name", std::string(101, 'x'), 1, 100);
        checks.length("note", "two\nlines", 0, 100);
        checks.length(
            "city",
            "K\xc3\xb8"
            "benhavn",
            9, 9
        );
        checks.length("bad", "\xff\xfe", 0, 10);
        checks.range("port", 80, 1024, 65535);
        auto error = checks.result().error();
        CHECK(error.fields().size() == 4);
        CHECK(error.message().find("port must be from 1024 to 65535") != std::string::npos);
    }

    TEST_CASE("a destructive act needs the name typed back") {
        Request request;
        Call bare(request, {}, {}, std::nullopt);
        CHECK(bare.confirmed("Shop").error().code() == "confirmation_required");
        request.headers.emplace_back("x-confirm", "Shop");
        CHECK(Call(request, {}, {}, std::nullopt).confirmed("Shop"));
        CHECK(!Call(request, {}, {}, std::nullopt).confirmed("shop"));
    }
}
