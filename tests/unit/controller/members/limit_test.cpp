#include "controller/access/permissions.hpp"
#include "controller/api/readers.hpp"
#include "office.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// Two projects with an environment and a deployment each; Dan, an admin, is limited to the first.
struct Limited : Office {
    Limited() {
        server = add_server().str();
        auto at = ServerId::parse(server).value();
        mine = project("Mine");
        theirs = project("Theirs");
        my_environment = environment(mine, at);
        their_environment = environment(theirs, at);
        for (const auto& id : {my_environment, their_environment})
            REQUIRE(
                in(ann, "PUT", "/environments/" + id + "/variables/HOME_PAGE", {{"value", "x"}}
                ).status /
                    100 ==
                2
            );
        my_operation = in(ann, "POST", "/environments/" + my_environment + "/deploy").id();
        their_operation = in(ann, "POST", "/environments/" + their_environment + "/deploy").id();
        ping = in(ann, "POST", "/servers/" + server + "/ping").id();
        dan = member("dan@example.org", "admin");
        REQUIRE(in(ann, "PUT", path(dan, "/projects"), {{"projects", {mine}}}).status == 200);
    }
    std::vector<std::string> ids(const Person& who, const std::string& below) {
        std::vector<std::string> found;
        auto reply = in(who, "GET", below);
        REQUIRE_MESSAGE(reply.status == 200, boost::json::serialize(reply.json));
        for (const auto& one : reply.json.at("data").as_array())
            found.emplace_back(one.at("id").as_string());
        return found;
    }
    std::string server, mine, theirs, my_environment, their_environment;
    std::string my_operation, their_operation, ping;
    Person dan;
};

} // namespace

TEST_SUITE("controller/members") {
    TEST_CASE("whoever is limited to a project sees it and what belongs to it, and nothing else") {
        Limited office;
        const auto& dan = office.dan;
        CHECK(office.ids(dan, "/projects") == std::vector{office.mine});
        CHECK(office.ids(dan, "/environments") == std::vector{office.my_environment});
        CHECK(office.ids(dan, "/operations") == std::vector{office.my_operation});
        CHECK(office.ids(office.ann, "/operations").size() == 3);

        auto theirs = "/environments/" + office.their_environment;
        for (const auto& [method, below] : std::vector<std::pair<std::string, std::string>>{
                 {"GET", "/projects/" + office.theirs},
                 {"GET", theirs},
                 {"PATCH", theirs},
                 {"GET", theirs + "/releases"},
                 {"GET", theirs + "/variables"},
                 {"DELETE", theirs + "/variables/HOME_PAGE"},
                 {"POST", theirs + "/deploy"},
                 {"POST", theirs + "/start"},
                 {"DELETE", theirs},
                 {"GET", "/operations/" + office.their_operation},
                 {"GET", "/operations/" + office.their_operation + "/log"},
                 {"GET", "/operations/" + office.their_operation + "/events"},
                 {"POST", "/operations/" + office.their_operation + "/cancel"},
                 {"GET", "/operations/" + office.ping}}) {
            CAPTURE(below);
            boost::json::value body = nullptr;
            if (method == "PATCH") body = {{"name", "x"}};
            CHECK(office.in(dan, method, below, body).status == 404);
        }
        auto release = office.ids(office.ann, theirs + "/releases").at(0);
        CHECK(office.in(office.ann, "GET", theirs + "/releases/" + release).status == 200);
        CHECK(office.in(dan, "GET", theirs + "/releases/" + release).status == 404);
        CHECK(office.ids(dan, "/operations?environment=" + office.their_environment).empty());
        CHECK(office.in(dan, "GET", "/projects?cursor=" + office.theirs).code() == "bad_cursor");

        auto counts = office.in(dan, "GET", "").json.at("counts");
        CHECK(counts.at("projects") == 1);
        CHECK(counts.at("environments") == 1);
        CHECK(counts.at("operations_active") == 1);
        auto elsewhere = office.in(
            dan, "POST", "/environments",
            {{"name", "x"},
             {"project_id", office.theirs},
             {"server_id", office.server},
             {"type", "staging"}}
        );
        CHECK(elsewhere.status == 404);
    }

    TEST_CASE("a limit keeps only permissions about projects, whatever the role") {
        Limited office;
        auto self = office.in(office.ann, "GET", office.path(office.dan));
        for (const auto& code : self.json.at("permissions").as_array())
            CHECK(access::limited_permissions().contains(std::string(code.as_string())));
        CHECK(office.in(office.dan, "GET", "/members").status == 403);
        CHECK(office.in(office.dan, "POST", "/projects").status == 403);
        CHECK(office.in(office.dan, "GET", "/servers").status == 200);
    }

    TEST_CASE("whoever is limited works on their project like anybody else") {
        Limited office;
        auto mine = "/environments/" + office.my_environment;
        CHECK(office.in(office.dan, "PATCH", mine, {{"name", "renamed"}}).status == 200);
        CHECK(
            office.in(office.dan, "POST", "/operations/" + office.my_operation + "/cancel")
                .status == 202
        );
        CHECK(office.in(office.dan, "POST", mine + "/deploy").status == 202);
        auto made = office.in(
            office.dan, "POST", "/environments",
            {{"name", "another"},
             {"project_id", office.mine},
             {"server_id", office.server},
             {"type", "development"}}
        );
        CHECK(made.status == 201);
        CHECK(office.ids(office.dan, "/environments").size() == 2);
    }

    TEST_CASE("an operation stays with its project when its environment is gone") {
        Limited office;
        auto mine = "/environments/" + office.my_environment;
        office.in(office.ann, "POST", "/operations/" + office.my_operation + "/cancel");
        auto name = office.in(office.ann, "GET", mine).text("name");
        CHECK(office.in(office.ann, "DELETE", mine, nullptr, {{"x-confirm", name}}).status == 204);
        CHECK(office.ids(office.dan, "/operations") == std::vector{office.my_operation});
    }

    TEST_CASE("what is published says which project it tells of, and a limited reader's stream has "
              "its own") {
        Limited office;
        for (const auto& event : office.events.take()) {
            CAPTURE(event.type);
            if (event.type.starts_with("server."))
                CHECK_FALSE(event.project);
            else
                CHECK(event.project.has_value());
        }
        auto stream = office.in(office.dan, "GET", "/events");
        REQUIRE(stream.events);
        REQUIRE(stream.events->projects);
        CHECK(*stream.events->projects == std::set<std::string, std::less<>>{office.mine});
        CHECK_FALSE(office.in(office.ann, "GET", "/events").events->projects);

        auto told = [&](const api::Event& event) { return api::concerns(event, *stream.events); };
        office.in(office.ann, "POST", "/servers/" + office.server + "/ping");
        for (const auto& event : office.events.take()) CHECK_FALSE(told(event));
        auto rename = [&](const std::string& environment) {
            office.in(office.ann, "PATCH", "/environments/" + environment, {{"name", "other"}});
            auto events = office.events.take();
            REQUIRE(events.size() == 1);
            return events[0];
        };
        CHECK(told(rename(office.my_environment)));
        CHECK_FALSE(told(rename(office.their_environment)));
        office.in(office.ann, "PATCH", "/servers/" + office.server, {{"name", "odoo-9"}});
        auto server = office.events.take();
        REQUIRE(server.size() == 1);
        CHECK(told(server[0]));
    }

    TEST_CASE("a limit names projects of the organization, and is lifted with null") {
        Limited office;
        auto limit = [&](boost::json::value projects) {
            return office.in(
                office.ann, "PUT", office.path(office.dan, "/projects"),
                boost::json::object{{"projects", std::move(projects)}}
            );
        };
        CHECK(limit({"prj_01JD8Q4M3N7V5X2K9B6T0W1YHZ"}).blames("projects"));
        CHECK(limit({office.server}).blames("projects"));
        CHECK(limit(boost::json::array()).blames("projects"));
        CHECK(office
                  .in(office.ann, "PUT", office.path(office.dan, "/projects"),
                      boost::json::object())
                  .blames("projects"));
        CHECK(
            limit({office.mine, office.theirs, office.mine})
                .json.at("projects")
                .as_array()
                .size() == 2
        );
        CHECK(office.ids(office.dan, "/projects").size() == 2);
        CHECK(limit(nullptr).status == 200);
        CHECK(office.ids(office.dan, "/operations").size() == 3);
    }

    TEST_CASE("when the last project of a limit is deleted nothing is left to see") {
        Office office;
        auto project = office.project("Shop");
        office.project("Other");
        auto dan = office.member("dan@example.org", "admin");
        office.in(office.ann, "PUT", office.path(dan, "/projects"), {{"projects", {project}}});
        CHECK(
            office.in(dan, "DELETE", "/projects/" + project, nullptr, {{"x-confirm", "Shop"}}
            ).status == 204
        );
        CHECK(office.in(dan, "GET", "/projects").json.at("data").as_array().empty());
    }
}
