/// An agency, a client that lets it in, and somebody of the agency who works there.
#pragma once

#include "../support/site.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace fairlead::test {

struct Agency {
    Agency() {
        site.add_user("cleo@client.example");
        site.add_user("gus@agency.example");
        gina_id = site.add_user("gina@agency.example");
        client = site.org_of("cleo@client.example");
        agency = site.org_of("gus@agency.example");
        change("DELETE FROM membership WHERE user_id = $1", gina_id);
        change(
            "INSERT INTO membership (org_id, user_id, role, owner, created_ms) VALUES ($1, $2, "
            "'developer', 0, 0)",
            agency, gina_id
        );
        sign_in(cleo, "cleo@client.example");
        sign_in(gus, "gus@agency.example");
        sign_in(gina, "gina@agency.example");
        // What somebody does in an environment, as any subject's route would.
        site.table.add(
            api::Method::post, "/api/v1/orgs/{org}/deploy", "deployments.create",
            [this](const api::Call& call) {
                return api::change(call, site.audit_parts.desk, [&](api::Change& change) {
                    limit = change.scope().limit();
                    api::Act act;
                    act.action = "environment.deploy";
                    act.target_type = "environment";
                    change.record(std::move(act));
                    return Result<api::Response>(api::no_content());
                });
            }
        );
    }

    void sign_in(Browser& browser, const std::string& email) {
        REQUIRE(
            site.send(
                    browser, "POST", "/api/v1/session",
                    {{"email", email}, {"password", Site::password}}
            ).status == 200
        );
    }
    std::string in(const OrgId& org, const std::string& below = "") {
        return "/api/v1/orgs/" + org.str() + below;
    }
    Reply offer(boost::json::object body = {}) {
        if (!body.contains("agency")) body["agency"] = agency.str();
        if (!body.contains("role") && !body.contains("permissions")) body["role"] = "developer";
        if (!body.contains("expires_in_s")) body["expires_in_s"] = 30 * 24 * 3600;
        return site.send(cleo, "POST", in(client, "/connect/grants"), body);
    }
    std::string grant(boost::json::object body = {}) {
        auto reply = offer(std::move(body));
        REQUIRE_MESSAGE(reply.status == 201, reply.text);
        return std::string(reply.json.at("id").as_string());
    }
    Reply redeem(const std::string& grant) {
        return site.send(
            gina, "POST", in(agency, "/connect/grants/" + grant + "/redeem"),
            {{"reason", "the invoices do not print"}}
        );
    }
    /// Grants and redeems; gives the session's id.
    std::string enter(boost::json::object body = {}) {
        last_grant = grant(std::move(body));
        auto reply = redeem(last_grant);
        REQUIRE_MESSAGE(reply.status == 201, reply.text);
        token = reply.json.at("token").as_string();
        return std::string(reply.json.at("connect_session").at("id").as_string());
    }
    Reply look() { return site.send(gina, "GET", in(client)); }
    Reply deploy() { return site.send(gina, "POST", in(client, "/deploy")); }

    template <class... Args>
    void change(store::Sql sql, const Args&... args) {
        REQUIRE(site.store->write([&](store::UnitOfWork& unit) {
            return unit.db().run(sql, args...);
        }));
    }
    std::int64_t count(store::Sql sql) {
        return site.store->read([&](store::Connection& db) { return db.one<std::int64_t>(sql); })
            .value()
            .value();
    }
    /// Entries of an organization's log, newest first.
    boost::json::array log(const OrgId& org, const std::string& query = "") {
        auto& owner = org == client ? cleo : gus;
        auto reply = site.send(owner, "GET", in(org, "/audit") + query);
        REQUIRE_MESSAGE(reply.status == 200, reply.text);
        return reply.json.at("data").as_array();
    }
    bool streams_ended(const std::string& bond) {
        const auto& ended = site.events.ended;
        return std::find(ended.begin(), ended.end(), bond) != ended.end();
    }

    Site site;
    Browser cleo, gus, gina;
    UserId gina_id;
    OrgId client, agency;
    std::string limit; ///< of the scope of the last deploy()
    std::string token, last_grant;
};

} // namespace fairlead::test
