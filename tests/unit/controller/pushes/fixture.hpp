/// An environment that is live, with a hook, and providers that send to it.
#pragma once

#include "../backups/fixture.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/token.hpp"
#include "payloads.hpp"

namespace fairlead::test {

struct PushWorld : BackupWorld {
    PushWorld() { hold_only({"deployments.create", "deployments.push"}); }

    void hold_only(std::set<std::string, std::less<>> permissions) {
        world.guard.principal->permissions =
            std::make_shared<std::set<std::string, std::less<>>>(std::move(permissions));
    }

    std::string in = project();
    std::string shop = live(in, "Shop", "staging");
    std::string hook;   ///< the path of its address
    std::string secret; ///< of it
    int deliveries = 0;

    std::string path(std::string of = "") const {
        return "/environments/" + (of.empty() ? shop : of) + "/push-deploy";
    }
    Reply settings() { return world.in_org("GET", path()); }
    void take(const Reply& made, int status) {
        REQUIRE_MESSAGE(made.status == status, boost::json::serialize(made.json));
        secret = made.text("secret");
        auto url = str(made.json.at("push_deploy").at("url"));
        constexpr std::string_view origin = "https://fairlead.example:8443";
        REQUIRE(url.starts_with(origin));
        hook = url.substr(origin.size());
    }
    void set_up(object body = {}, std::string of = "") {
        take(world.in_org("POST", path(of), std::move(body)), 201);
    }
    Reply edit(object body) { return world.in_org("PATCH", path(), std::move(body)); }

    /// As GitHub does, with an id of its own unless one is given.
    Reply push(
        const boost::json::value& body = github_push(), std::string id = "",
        std::string event = "push"
    ) {
        if (id.empty()) id = "delivery-" + std::to_string(++deliveries);
        return send(boost::json::serialize(body), id, event, secret);
    }
    Reply send(
        const std::string& text, const std::string& id, const std::string& event,
        const std::string& key
    ) {
        // Provider's clocks move on, and so do the rates.
        world.clock.advance(std::chrono::seconds(3));
        return world.call(
            "POST", hook, boost::json::value(text),
            {{"x-github-event", event},
             {"x-github-delivery", id},
             {"x-hub-signature-256", "sha256=" + crypto::hmac_sha256(key, text).hex()}}
        );
    }
    /// A body that none before it was.
    object fresh(std::string ref = "refs/heads/19.0", std::string commit = commit_1) {
        auto body = github_push(std::move(ref), std::move(commit));
        body["repository"].as_object()["pushed_at"] = 1'700'000'000 + ++deliveries;
        return body;
    }
    array pushes() {
        auto list = world.in_org("GET", "/environments/" + shop + "/pushes?limit=200");
        REQUIRE(list.status == 200);
        return list.json.at("data").as_array();
    }
    std::string newest_push(std::string_view member) { return str(pushes().at(0).at(member)); }
    /// The server ends it.
    void end(const std::string& operation, proto::Outcome outcome = proto::Outcome::succeeded) {
        proto::OperationResult result;
        auto kind = delivered(operation).kind;
        if (kind == proto::kind::deploy && outcome == proto::Outcome::succeeded) {
            auto args = proto::read<proto::DeployArgs>(delivered(operation).args).value();
            result.release.emplace();
            result.release->id = args.release.id;
            result.release->number = args.release.number;
            result.release->live = true;
        }
        run(operation, outcome, result, outcome == proto::Outcome::failed ? "broken" : "");
    }
    std::string ask(const std::string& act) {
        auto asked = world.in_org("POST", "/environments/" + shop + "/" + act);
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        return asked.id();
    }
};

} // namespace fairlead::test
