/// An organization with a server, a storage and an environment that is live there.
#pragma once

#include "../world/agent.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace fairlead::test {

using boost::json::array;
using boost::json::object;

inline std::string str(const boost::json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
}

struct BackupWorld {
    World world;
    ServerId server = world.add_server();
    Agent agent{world, server};

    static constexpr auto recipient =
        "age1glddcck3tfjd7qw9y0dgsj8fpadqyuqcvraua7jgpq456rzx4g5qmgg48a";

    object storage_body(object extra = {}) {
        object body{
            {"name", "Main"},
            {"provider", "minio"},
            {"bucket", "odoo-backups"},
            {"endpoint", "https://minio.example.org:9000"},
            {"access_key", "AKIA1"},
            {"secret_key", "s3cret-marker"},
            {"test_on_server", server.str()}};
        for (auto& [name, value] : extra) {
            if (value.is_null())
                body.erase(name);
            else
                body[name] = value;
        }
        return body;
    }
    /// The domains, as JSON, that code and data may come from.
    void allow(std::string_view domains) {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO org_setting (org_id, downloads) VALUES ($1, $2)"
                " ON CONFLICT (org_id) DO UPDATE SET downloads = excluded.downloads",
                world.org.org(), domains
            );
        }));
    }
    Reply make_storage(object extra = {}) {
        return world.in_org("POST", "/storages", storage_body(std::move(extra)));
    }
    std::string storage(object extra = {}) {
        auto reply = make_storage(std::move(extra));
        REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
        return reply.id();
    }
    std::string project() {
        auto reply = world.in_org(
            "POST", "/projects",
            {{"name", "Shop"},
             {"odoo_version", "19.0"},
             {"odoo_source", {{"url", "https://git.example.com/odoo"}, {"branch", "19.0"}}}}
        );
        REQUIRE(reply.status == 201);
        return reply.id();
    }
    std::string environment(
        const std::string& in, std::string name = "Shop", std::string type = "staging",
        std::optional<ServerId> on = {}
    ) {
        auto reply = world.in_org(
            "POST", "/environments",
            {{"project_id", in},
             {"server_id", on.value_or(server).str()},
             {"name", name},
             {"type", type}}
        );
        REQUIRE_MESSAGE(reply.status == 201, boost::json::serialize(reply.json));
        return reply.id();
    }
    Reply env(const std::string& id) { return world.in_org("GET", "/environments/" + id); }
    boost::json::value env_backup(const std::string& id) { return env(id).json.at("backup"); }
    std::string slug(const std::string& id) { return env(id).text("slug"); }

    /// Everything that waits goes to the server, which ends it like this.
    void
    run(const std::string& operation, proto::Outcome outcome = proto::Outcome::succeeded,
        proto::OperationResult result = {}, std::string error = "") {
        fetch();
        agent.finish(operation, outcome, std::move(result), std::move(error));
        send();
    }
    void fetch() {
        if (!agent.connected()) agent.connect();
        agent.fetch();
        agent.take_all();
    }
    void send() {
        while (!agent.reports.empty()) REQUIRE(agent.report());
    }
    const proto::Operation& delivered(const std::string& operation) {
        fetch();
        REQUIRE(agent.known.contains(operation));
        return agent.known.at(operation).operation;
    }
    /// The newest operation of a kind.
    std::string newest(const std::string& kind) {
        auto list = world.in_org("GET", "/operations?kind=" + kind);
        REQUIRE(!list.json.at("data").as_array().empty());
        return std::string(list.json.at("data").as_array().front().at("id").as_string());
    }
    std::int64_t count(const std::string& kind) {
        return static_cast<std::int64_t>(world.in_org("GET", "/operations?limit=200&kind=" + kind)
                                             .json.at("data")
                                             .as_array()
                                             .size());
    }

    void deploy(const std::string& id) {
        auto asked = world.in_org("POST", "/environments/" + id + "/deploy");
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        proto::OperationResult result;
        auto args = proto::read<proto::DeployArgs>(delivered(asked.id()).args).value();
        result.release.emplace();
        result.release->id = args.release.id;
        result.release->number = args.release.number;
        result.release->live = true;
        run(asked.id(), proto::Outcome::succeeded, result);
    }
    std::string live(
        const std::string& in, std::string name = "Shop", std::string type = "staging",
        std::optional<ServerId> on = {}
    ) {
        auto id = environment(in, std::move(name), std::move(type), std::move(on));
        deploy(id);
        return id;
    }
    object policy_body(const std::string& storage, object extra = {}) {
        object body{
            {"storage_id", storage},
            {"schedule", "30 2 * * *"},
            {"drill_schedule", "0 4 * * 0"},
            {"time_zone", "Europe/Berlin"},
            {"retention", {{"daily", 7}, {"weekly", 4}}}};
        for (auto& [name, value] : extra) body[name] = value;
        return body;
    }
    Reply set_policy(const std::string& id, object body) {
        return world.in_org("PUT", "/environments/" + id + "/backup-policy", std::move(body));
    }
    /// With a policy that its server has taken.
    void protect(const std::string& id, const std::string& storage) {
        auto set = set_policy(id, policy_body(storage));
        REQUIRE_MESSAGE(set.status == 200, boost::json::serialize(set.json));
        run(set.text("operation_id"));
    }
    static proto::BackupInfo info(const std::string& id) {
        proto::BackupInfo info;
        info.id = id;
        info.odoo_version = "19.0";
        info.release = 3;
        info.database_bytes = 1000;
        info.files = 7;
        info.recipients = {recipient};
        return info;
    }
    /// A backup that succeeded; its id.
    std::string backup(const std::string& id) {
        auto asked = world.in_org("POST", "/environments/" + id + "/backups");
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        auto args = proto::read<proto::BackupArgs>(delivered(asked.id()).args).value();
        proto::OperationResult result;
        result.backup = info(args.backup_id);
        run(asked.id(), proto::Outcome::succeeded, result);
        return args.backup_id;
    }
    Reply get_backup(const std::string& id) { return world.in_org("GET", "/backups/" + id); }
    std::string state(const std::string& id) { return get_backup(id).text("state"); }
    void inventory(std::vector<proto::EnvironmentState> environments) {
        REQUIRE(world.core->agents.inventory(*agent.link, {std::move(environments)}));
    }
    void hold(std::string permission) {
        auto held =
            std::make_shared<std::set<std::string, std::less<>>>(*world.guard.principal->permissions
            );
        held->insert(std::move(permission));
        world.guard.principal->permissions = std::move(held);
    }
};

} // namespace fairlead::test
