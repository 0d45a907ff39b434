#include "controller/access/permissions.hpp"
#include "controller/members/leaving.hpp"
#include "controller/members/member_repo.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// The path with an id of the right kind in each place.
std::string filled(std::string path, const std::string& org) {
    auto put = [&](std::string_view name, const std::string& value) {
        auto place = "{" + std::string(name) + "}";
        for (auto at = path.find(place); at != std::string::npos; at = path.find(place))
            path.replace(at, place.size(), value);
    };
    auto id = [](std::string_view prefix) {
        return std::string(prefix) + "01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    };
    put("org", org);
    put("user", id("usr_"));
    put("server", id("srv_"));
    put("project", id("prj_"));
    put("environment", id("env_"));
    put("operation", id("op_"));
    put("release", id("rel_"));
    put("role", id("rol_"));
    put("invitation", id("inv_"));
    put("token", id("tok_"));
    put("credential", id("gcr_"));
    put("entry", id("aud_"));
    put("name", "HOME");
    return path;
}

bool of_org(const api::Route& route) {
    return route.path.starts_with("/api/v1/orgs/{org}");
}

} // namespace

TEST_SUITE("controller/members") {
    TEST_CASE("owners are found wherever they stand among the members") {
        Office office;
        for (const auto* name : {"bob", "cid", "dan"})
            office.member(name + std::string("@example.org"), "none");
        office.join(office.person("zed@example.org"), office.org, "none", true);
        auto owners = [&](std::int64_t limit) {
            std::vector<std::string> emails;
            auto found = office.core->store.read([&](store::Connection& db) {
                return members::MemberRepo(db, office.org).owners(limit);
            });
            for (const auto& owner : found.value()) emails.push_back(owner.email);
            return emails;
        };
        CHECK(owners(10) == std::vector<std::string>{"ann@example.org", "zed@example.org"});
        CHECK(owners(1) == std::vector<std::string>{"ann@example.org"});
    }

    TEST_CASE("a member without a role sees nothing and can do nothing, and what is no permission "
              "is held by nobody [S-RBAC-01]") {
        Office office;
        auto bob = office.member("bob@example.org", "none");
        int routes = 0;
        for (const auto& route : office.core->table.routes()) {
            if (!of_org(route)) continue;
            CAPTURE(route.path);
            auto reply = office.as(
                bob, api::name_of(route.method), filled(route.path, office.org.org().str())
            );
            CHECK(reply.status == 403);
            bool told = reply.code() == "permission_denied" || reply.code() == "owner_required";
            CHECK(told);
            ++routes;
        }
        CHECK(routes > 50);
        CHECK_FALSE(office.real_guard.knows("servers.fly"));
        CHECK_THROWS(office.core->table.add(
            api::Method::get, "/api/v1/orgs/{org}/nothing", "",
            [](const api::Call&) -> Result<api::Response> { return api::no_content(); }
        ));
        auto granted = office.in(
            office.ann, "PUT", office.path(bob, "/adjustments"),
            {{"granted", {"servers.fly"}}, {"withdrawn", boost::json::array()}}
        );
        CHECK(granted.status == 400);
        CHECK(granted.blames("granted"));
    }

    TEST_CASE("the table of permissions names each once, with its area and who holds it") {
        Office office;
        auto table = office.as(office.ann, "GET", "/api/v1/permissions");
        REQUIRE(table.status == 200);
        std::set<std::string> codes;
        for (const auto& one : table.json.at("data").as_array()) {
            auto code = std::string(one.at("code").as_string());
            CHECK(codes.insert(code).second);
            CHECK(code.starts_with(std::string(one.at("area").as_string()) + "."));
            CHECK_FALSE(one.at("allows").as_string().empty());
        }
        CHECK(codes.size() >= 55);
    }

    TEST_CASE("granting one permission opens a route, and withdrawing it closes the route") {
        Office office;
        auto server = office.add_server();
        auto project = office.project("Shop");
        auto environment = office.environment(project, server);
        struct Row {
            const char* code;
            const char* method;
            std::string below;
            boost::json::value body;
        };
        const std::vector<Row> rows{
            {"deployments.create", "POST", "/environments/" + environment + "/deploy", nullptr},
            {"environments.edit",
             "PATCH",
             "/environments/" + environment,
             {{"name", "renamed shop"}}},
            {"servers.edit", "PATCH", "/servers/" + server.str(), {{"name", "odoo-2"}}},
            {"servers.enroll", "POST", "/registration-tokens", {{"name", "token"}}},
            {"invitations.create", "POST", "/invitations", {{"role", "none"}}},
        };
        auto bob = office.member("bob@example.org", "none");
        for (const auto& row : rows) {
            CAPTURE(row.code);
            CHECK(office.in(bob, row.method, row.below, row.body).status == 403);
            auto give = [&](boost::json::array granted, boost::json::array withdrawn) {
                CHECK(
                    office
                        .in(office.ann, "PUT", office.path(bob, "/adjustments"),
                            {{"granted", std::move(granted)}, {"withdrawn", std::move(withdrawn)}})
                        .status == 200
                );
            };
            give({row.code}, {});
            CHECK(office.in(bob, row.method, row.below, row.body).status / 100 == 2);
            give({}, {row.code});
            auto refused = office.in(bob, row.method, row.below, row.body);
            CHECK(refused.status == 403);
            CHECK(refused.text("permission") == row.code);
        }
    }

    TEST_CASE("a contractor who may deploy can neither change the plan nor invite [S-RBAC-04]") {
        Office office;
        auto server = office.add_server();
        auto environment = office.environment(office.project("Shop"), server);
        auto bob =
            office.member("bob@example.org", office.role("Contractor", {"deployments.create"}));
        CHECK(office.in(bob, "POST", "/environments/" + environment + "/deploy").status == 202);
        CHECK(office.in(bob, "GET", "/plan").status == 403);
        CHECK(office.in(bob, "PUT", "/plan", {{"plan", "free"}}).status == 403);
        CHECK(office.in(bob, "POST", "/invitations", {{"role", "none"}}).status == 403);
    }

    TEST_CASE("a role belongs to the membership: other rights in another organization, and none of "
              "one in the other [S-RBAC-08] [S-RBAC-09]") {
        Office office;
        auto bob = office.member("bob@example.org", "admin");
        office.join(bob, office.other, "viewer");
        auto in_other = [&](std::string_view method, const std::string& below,
                            boost::json::value body = nullptr) {
            return office.as(
                bob, method, "/api/v1/orgs/" + office.other.org().str() + below, std::move(body)
            );
        };
        CHECK(office.in(bob, "POST", "/registration-tokens", {{"name", "one"}}).status == 201);
        CHECK(in_other("POST", "/registration-tokens", {{"name", "one"}}).status == 403);
        CHECK(in_other("GET", "/registration-tokens").status == 403);
        CHECK(in_other("GET", "/servers").status == 200);
        // What is granted in one counts there alone.
        office.in(office.ann, "PATCH", office.path(bob), {{"role", "none"}});
        CHECK(office.in(bob, "GET", "/servers").status == 403);
        CHECK(in_other("GET", "/servers").status == 200);
    }

    TEST_CASE("members are listed with what they may do") {
        Office office;
        auto bob = office.member("bob@example.org", "viewer");
        auto list = office.in(office.ann, "GET", "/members");
        REQUIRE(list.status == 200);
        const auto& data = list.json.at("data").as_array();
        REQUIRE(data.size() == 2);
        CHECK(data[0].at("email") == "ann@example.org");
        CHECK(data[0].at("owner") == true);
        CHECK(data[1].at("role") == "viewer");
        CHECK(data[1].at("last_seen_at").is_string());
        auto held = data[1].at("permissions").as_array().size();
        CHECK(held == access::permissions_of("viewer").size());
        auto first = office.in(office.ann, "GET", "/members?limit=1");
        auto cursor = first.text("next_cursor");
        auto second = office.in(office.ann, "GET", "/members?limit=1&cursor=" + cursor);
        CHECK(second.json.at("data").at(0).at("id").as_string() == bob.id.str());
        CHECK(second.json.at("next_cursor").is_null());
        CHECK(office.in(office.ann, "GET", office.path(office.zoe)).status == 404);
    }

    TEST_CASE("each change of a member is in the log and ends what they watch") {
        Office office;
        auto bob = office.member("bob@example.org", "viewer");
        auto project = office.project("Shop");
        office.stream_ends.bonds.clear();
        auto before = office.acts().size();
        office.in(office.ann, "PATCH", office.path(bob), {{"role", "developer"}});
        office.in(
            office.ann, "PUT", office.path(bob, "/adjustments"),
            {{"granted", {"members.edit"}}, {"withdrawn", {"projects.edit"}}}
        );
        office.in(office.ann, "PUT", office.path(bob, "/projects"), {{"projects", {project}}});
        office.in(office.ann, "PUT", office.path(bob, "/connect-as"), {{"allowed", false}});
        office.in(office.ann, "POST", office.path(bob, "/owner"));
        office.in(office.ann, "DELETE", office.path(bob, "/owner"));
        office.in(office.ann, "DELETE", office.path(bob));
        auto acts = office.acts();
        CHECK(
            std::vector(acts.begin() + static_cast<std::ptrdiff_t>(before), acts.end()) ==
            std::vector<std::string>{
                "member.role by ann@example.org", "member.adjust by ann@example.org",
                "member.limit by ann@example.org", "member.connect_as by ann@example.org",
                "owner.add by ann@example.org", "owner.remove by ann@example.org",
                "member.remove by ann@example.org"}
        );
        std::vector<std::string> ends(7, api::bond_of(office.org.org(), bob.id));
        CHECK(office.ended() == ends);
        CHECK(
            office.hooks ==
            std::vector<std::string>{"connect_as_withdrawn " + bob.id.str(), "left " + bob.id.str()}
        );
        auto log = office.one<std::string>(
            "SELECT before_json || after_json FROM audit_entry WHERE action = 'member.role' LIMIT 1"
        );
        CHECK(log == R"({"role":"viewer"}{"role":"developer"})");
        CHECK(office.in(bob, "GET", "/members").status == 404);
    }

    TEST_CASE("whoever deletes their account leaves each organization with all that hangs on it") {
        Office office;
        auto bob = office.member("bob@example.org", "admin");
        office.join(bob, office.other, "viewer");
        REQUIRE(
            office
                .in(bob, "POST", "/invitations", {{"email", "eve@example.org"}, {"role", "viewer"}})
                .status == 201
        );
        auto remove = [&](const UserId& user) {
            return office.core->store.write([&](store::UnitOfWork& unit) {
                return members::take_out_of_all(unit, office.parts, user, office.clock.now());
            });
        };
        office.hooks.clear();
        REQUIRE(remove(bob.id));
        CHECK(office.in(bob, "GET", "/members").status == 404);
        CHECK(std::ranges::count(office.hooks, "left " + bob.id.str()) == 2);
        CHECK(std::ranges::any_of(office.hooks, [](const std::string& hook) {
            return hook.starts_with("unmail inv_") && hook.ends_with(" eve@example.org");
        }));
        CHECK(
            office.one<std::int64_t>(
                "SELECT count(*) FROM invitation WHERE org_id = $1 AND revoked_ms IS NULL",
                office.org.org()
            ) == 0
        );
        CHECK(office.ended().size() == 2);
        // The whole is one: nobody is left without an owner.
        auto refused = remove(office.ann.id);
        REQUIRE(!refused);
        CHECK(refused.error().code() == "last_owner");
    }

    TEST_CASE("whoever wants to leave may; the only owner cannot") {
        Office office;
        auto bob = office.member("bob@example.org", "none");
        auto leave = [&](const Person& who) {
            return office.as(who, "DELETE", "/api/v1/memberships/" + office.org.org().str());
        };
        CHECK(leave(bob).status == 204);
        CHECK(leave(bob).status == 404);
        CHECK(office.acts().back() == "member.leave by bob@example.org");
        auto refused = leave(office.ann);
        CHECK(refused.status == 409);
        CHECK(refused.code() == "last_owner");
        CHECK(leave(office.zoe).status == 404);
    }

    TEST_CASE("whether a member may use Connect-As is set for each, on plans that have it") {
        Office office;
        auto bob = office.member("bob@example.org", "admin");
        auto set = [&] {
            return office.in(
                office.ann, "PUT", office.path(bob, "/connect-as"), {{"allowed", false}}
            );
        };
        office.set_plan(orgs::Plan::starter);
        auto refused = set();
        CHECK(refused.code() == "plan_required");
        CHECK(refused.text("required_plan") == "pro");
        office.set_plan(orgs::Plan::pro);
        auto done = set();
        CHECK(done.status == 200);
        CHECK(done.json.at("connect_as") == false);
    }
}
