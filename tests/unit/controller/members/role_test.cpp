#include "controller/access/permissions.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;

namespace {

std::string any_path(const api::Route& route, const std::string& org) {
    static const std::map<std::string, std::string, std::less<>> ids{
        {"server", "srv_"},     {"project", "prj_"}, {"environment", "env_"}, {"operation", "op_"},
        {"release", "rel_"},    {"role", "rol_"},    {"invitation", "inv_"},  {"token", "tok_"},
        {"credential", "gcr_"}, {"entry", "aud_"},   {"user", "usr_"}};
    auto path = route.path;
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
        auto end = path.find('}', at);
        auto name = path.substr(at + 1, end - at - 1);
        auto prefix = ids.find(name);
        path.replace(
            at, end - at + 1,
            name == "org"         ? org
            : prefix == ids.end() ? "HOME"
                                  : prefix->second + "01JD8Q4M3N7V5X2K9B6T0W1YHZ"
        );
    }
    return path;
}

} // namespace

TEST_SUITE("controller/members") {
    TEST_CASE("an organization makes roles of its own, and exactly what they combine works "
              "[S-RBAC-05]") {
        Office office;
        auto id =
            office.role("Librarian", {"servers.view", "projects.view", "registration_tokens.view"});
        auto bob = office.member("bob@example.org", "none");
        CHECK(office.in(office.ann, "PATCH", office.path(bob), {{"role", id}}).status == 200);
        auto org = office.org.org().str();
        for (const auto& route : office.core->table.routes()) {
            if (!route.path.starts_with("/api/v1/orgs/{org}")) continue;
            CAPTURE(route.path);
            CAPTURE(route.permission);
            bool held = route.permission == "servers.view" || route.permission == "projects.view" ||
                        route.permission == "registration_tokens.view";
            auto reply = office.as(bob, api::name_of(route.method), any_path(route, org));
            CHECK((reply.status != 403) == held);
        }
    }

    TEST_CASE("an auditor reads everything and changes nothing [S-RBAC-06]") {
        Office office;
        std::vector<std::string> reading;
        for (const auto& one : access::permissions())
            if (one.code.ends_with(".view") || one.code == "operations.log" ||
                one.code == "audit.export")
                reading.emplace_back(one.code);
        auto bob = office.member("bob@example.org", office.role("Auditor", reading));
        auto org = office.org.org().str();
        int reads = 0, writes = 0;
        for (const auto& route : office.core->table.routes()) {
            if (!route.path.starts_with("/api/v1/orgs/{org}")) continue;
            CAPTURE(route.path);
            auto status = office.as(bob, api::name_of(route.method), any_path(route, org)).status;
            // A POST whose question is too large for an address; it stores nothing.
            bool asks = route.path.ends_with("/backup-policy/preview");
            if (route.method == api::Method::get || asks) {
                CHECK(status != 403);
                ++reads;
            } else {
                CHECK(status == 403);
                ++writes;
            }
        }
        CHECK(reads > 20);
        CHECK(writes > 30);
        for (const char* below :
             {"/servers", "/projects", "/environments", "/operations", "/members", "/roles",
              "/invitations", "/plan", "/security", "/audit", "/registration-tokens",
              "/git-credentials"}) {
            CAPTURE(below);
            CHECK(office.in(bob, "GET", below).status == 200);
        }
    }

    TEST_CASE("a deployment engineer deploys and does not see the plan [S-RBAC-07]") {
        Office office;
        auto environment = office.environment(office.project("Shop"), office.add_server());
        auto bob = office.member(
            "bob@example.org",
            office.role(
                "Deployment engineer", {"projects.view", "environments.view", "deployments.create",
                                        "deployments.preflight", "deployments.rollback",
                                        "operations.view", "operations.log"}
            )
        );
        CHECK(office.in(bob, "POST", "/environments/" + environment + "/deploy").status == 202);
        CHECK(office.in(bob, "GET", "/environments").status == 200);
        CHECK(office.in(bob, "GET", "/plan").status == 403);
        CHECK(office.in(bob, "PUT", "/plan", {{"plan", "free"}}).status == 403);
    }

    TEST_CASE("names of roles are unique whatever their case, and those of built-in ones are taken"
    ) {
        Office office;
        auto make = [&](const std::string& name) {
            return office.in(
                office.ann, "POST", "/roles",
                {{"name", name}, {"permissions", boost::json::array()}}
            );
        };
        auto first = make("Ops");
        REQUIRE(first.status == 201);
        CHECK(make("oPS").code() == "name_in_use");
        for (const char* name : {"Admin", "none", "", " x", "x ", "a\nb"}) {
            CAPTURE(name);
            CHECK(make(name).blames("name"));
        }
        CHECK(make(std::string(60, 'x')).status == 201);
        CHECK(make(std::string(61, 'x')).blames("name"));
        auto renamed = office.in(office.ann, "PATCH", "/roles/" + first.id(), {{"name", "OPS"}});
        CHECK(renamed.status == 200);
        auto wrong = office.in(
            office.ann, "POST", "/roles", {{"name", "Y"}, {"permissions", {"servers.fly"}}}
        );
        CHECK(wrong.blames("permissions"));
    }

    TEST_CASE("a role that somebody has, or is invited to, is not deleted") {
        Office office;
        auto id = office.role("Ops", {"servers.view"});
        auto bob = office.member("bob@example.org", id);
        auto invited = office.in(office.ann, "POST", "/invitations", {{"role", id}, {"uses", 3}});
        REQUIRE(invited.status == 201);
        auto refused = office.in(office.ann, "DELETE", "/roles/" + id);
        CHECK(refused.code() == "role_in_use");
        CHECK(refused.text("detail").starts_with("1 members have"));
        office.in(office.ann, "PATCH", office.path(bob), {{"role", "viewer"}});
        CHECK(office.in(office.ann, "DELETE", "/roles/" + id).code() == "role_in_use");
        office.in(
            office.ann, "DELETE",
            "/invitations/" + std::string(invited.json.at("invitation").at("id").as_string())
        );
        CHECK(office.in(office.ann, "DELETE", "/roles/" + id).status == 204);
        CHECK(office.in(office.ann, "DELETE", "/roles/" + id).status == 404);
    }

    TEST_CASE("roles are listed with the built-in ones first; another organization's is not there"
    ) {
        Office office;
        auto id = office.role("Ops", {"servers.view"});
        auto list = office.in(office.ann, "GET", "/roles");
        const auto& data = list.json.at("data").as_array();
        REQUIRE(data.size() == 5);
        CHECK(data[0].at("id") == "admin");
        CHECK(data[0].at("built_in") == true);
        CHECK(data[0].at("members") == 1);
        CHECK(data[4].at("id").as_string() == id);
        auto elsewhere = "/api/v1/orgs/" + office.other.org().str();
        CHECK(
            office.as(office.zoe, "PATCH", elsewhere + "/roles/" + id, {{"name", "Z"}}).status ==
            404
        );
        CHECK(office.as(office.zoe, "POST", elsewhere + "/invitations", {{"role", id}}
        ).blames("role"));
    }

    TEST_CASE("a changed role counts for the next request of everybody who has it") {
        Office office;
        auto id = office.role("Ops", {"servers.view"});
        auto bob = office.member("bob@example.org", id);
        CHECK(office.in(bob, "GET", "/servers").status == 200);
        office.stream_ends.bonds.clear();
        office.in(office.ann, "PATCH", "/roles/" + id, {{"permissions", {"projects.view"}}});
        CHECK(office.in(bob, "GET", "/servers").status == 403);
        CHECK(office.in(bob, "GET", "/projects").status == 200);
        // And whoever a grant of Connect-As lets in with that role.
        CHECK(
            office.ended() ==
            std::vector{
                api::bond_of(office.org.org(), bob.id), api::bond_of_visits(office.org.org())}
        );
    }
}
