/// What the tests of environments share.
#pragma once

#include "../world/agent.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace fairlead::test {

/// A project, its environments, and the server that they stand on.
struct EnvironmentWorld {
    World world;
    ServerId server = world.add_server();
    Agent agent{world, server};

    std::string project(boost::json::object extra = {}) {
        boost::json::object body{
            {"name", "Shop"},
            {"odoo_version", "19.0"},
            {"odoo_source", {{"url", "https://git.example.com/odoo"}, {"branch", "19.0"}}},
            {"addons", boost::json::array{
                           {{"name", "own"},
                            {"url", "https://git.example.com/own"},
                            {"branch", "main"},
                            {"branch_by_type", {{"staging", "next"}}}}}}};
        for (auto& [name, value] : extra) body[name] = value;
        auto reply = world.in_org("POST", "/projects", body);
        REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
        return reply.id();
    }
    Reply create(const std::string& in, boost::json::object extra = {}) {
        boost::json::object body{
            {"project_id", in},
            {"server_id", server.str()},
            {"name", "Shop"},
            {"type", "production"}};
        for (auto& [name, value] : extra) body[name] = value;
        return world.in_org("POST", "/environments", body);
    }
    Reply get(const std::string& id) { return world.in_org("GET", "/environments/" + id); }
    Reply post(const std::string& id, const std::string& act, boost::json::value body = nullptr) {
        return world.in_org("POST", "/environments/" + id + "/" + act, body);
    }
    /// Deploys, with the server's success.
    std::string deploy(const std::string& id, boost::json::value body = nullptr) {
        auto asked = post(id, "deploy", body);
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        run(asked.id(), proto::Outcome::succeeded);
        return asked.id();
    }
    proto::DeployArgs args(const std::string& operation) {
        return proto::read<proto::DeployArgs>(agent.known.at(operation).operation.args).value();
    }
    void run(const std::string& operation, proto::Outcome outcome, std::string error = "") {
        if (!agent.connected()) agent.connect();
        agent.fetch();
        agent.take_all();
        proto::OperationResult result;
        if (agent.known.at(operation).operation.kind == proto::kind::deploy &&
            outcome == proto::Outcome::succeeded) {
            auto release = args(operation).release;
            result.release = info(release.id, release.number, true);
        }
        agent.finish(operation, outcome, result, error);
        while (!agent.reports.empty()) REQUIRE(agent.report());
    }
    static proto::ReleaseInfo info(std::string id, std::uint32_t number, bool live) {
        proto::ReleaseInfo release;
        release.id = std::move(id);
        release.number = number;
        release.commits.push_back(
            {"odoo", "https://git.example.com/odoo", "19.0", std::string(40, 'a'), "first"}
        );
        release.python_packages = {"lxml==5.2.1"};
        release.manifest_sha256 = std::string(64, 'b');
        release.live = live;
        release.has_database_snapshot = !live;
        return release;
    }
    void inventory(std::vector<proto::EnvironmentState> environments) {
        REQUIRE(world.core->agents.inventory(*agent.link, {std::move(environments)}));
    }
    static proto::EnvironmentState
    state(const std::string& id, std::string slug, std::vector<proto::ReleaseInfo> releases) {
        proto::EnvironmentState found;
        found.id = id;
        found.slug = std::move(slug);
        found.state = "running";
        found.port = 18069;
        found.releases = std::move(releases);
        return found;
    }
    std::vector<std::string> release_states(const std::string& id) {
        std::vector<std::string> found;
        auto list = world.in_org("GET", "/environments/" + id + "/releases");
        for (const auto& release : list.json.at("data").as_array())
            found.emplace_back(release.at("state").as_string());
        return found;
    }
};

} // namespace fairlead::test
