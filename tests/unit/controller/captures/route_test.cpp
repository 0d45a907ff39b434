#include "../environments/fixture.hpp"
#include "controller/captures/routes.hpp"

#include <algorithm>

using namespace fairlead;
using namespace fairlead::test;

namespace {

const std::string name = "1767225600000-0123456789ab";

struct Stand : EnvironmentWorld {
    explicit Stand(std::uint32_t protocol = proto::protocol) {
        captures::add_routes(world.core->table, parts);
        agent.protocol = protocol;
        agent.connect();
    }
    /// One that is deployed.
    std::string environment(const char* type) {
        if (in.empty()) in = project();
        auto made = create(in, {{"type", type}, {"name", std::string("Shop ") + type}});
        REQUIRE_MESSAGE(made.status == 201, boost::json::serialize(made.json));
        deploy(made.id());
        return made.id();
    }
    Reply mail(
        const std::string& method, const std::string& id, const std::string& rest = "",
        boost::json::value body = nullptr
    ) {
        return world.in_org(method, "/environments/" + id + "/mail" + rest, std::move(body));
    }
    bool has_header(const Reply& reply, const std::string& header, const std::string& part) {
        return std::ranges::any_of(reply.headers, [&](const auto& one) {
            return one.first == header && one.second.find(part) != std::string::npos;
        });
    }
    static boost::json::object settings(bool capture, int days) {
        return {
            {"capture", capture},
            {"keep_days", days},
            {"keep_messages", 500},
            {"keep_bytes", 1 << 30}};
    }

    std::string in;
    logs::Directory directory;
    captures::RouteParts parts{
        {{world.core->store, world.log, world.events}, directory}, world.core->operations};
};

} // namespace

TEST_SUITE("controller/captures/routes") {

    TEST_CASE("S-MAIL-01, S-MAIL-02: development and staging are deployed with their mail captured"
    ) {
        Stand stand;
        for (const auto* type : {"development", "staging"}) {
            auto id = stand.environment(type);
            auto shown = stand.mail("GET", id, "-settings");
            REQUIRE(shown.status == 200);
            CHECK(shown.json.at("available").as_bool());
            CHECK(shown.json.at("capture").as_bool());
            CHECK(shown.json.at("captured").as_bool());
            CHECK(shown.json.at("keep_days") == 14);
            CHECK(stand.get(id).json.at("pending_changes").as_array().empty());
        }
    }

    TEST_CASE(
        "S-MAIL-03: on production everything about it is refused, and nothing of it is deployed"
    ) {
        Stand stand;
        auto id = stand.environment("production");
        auto shown = stand.mail("GET", id, "-settings");
        CHECK_FALSE(shown.json.at("available").as_bool());
        CHECK_FALSE(shown.json.at("capture").as_bool());
        CHECK_FALSE(shown.json.at("captured").as_bool());
        CHECK(
            stand.mail("PUT", id, "-settings", Stand::settings(true, 3)).code() ==
            "mail_on_production"
        );
        CHECK(stand.mail("GET", id).code() == "mail_on_production");
        CHECK(stand.mail("GET", id, "/" + name).code() == "mail_on_production");
        CHECK(stand.mail("DELETE", id).code() == "mail_on_production");
        CHECK(stand.mail("DELETE", id, "/" + name).code() == "mail_on_production");
        for (const auto& [operation, known] : stand.agent.known)
            CHECK(
                boost::json::serialize(known.operation.args).find("\"mail\":null") !=
                std::string::npos
            );
    }

    TEST_CASE(
        "a list is a look, which paging goes on with; each message that is opened is one of its own"
    ) {
        Stand stand;
        auto id = stand.environment("development");
        auto before = stand.world.audited().size();
        auto list = stand.mail("GET", id);
        CHECK(list.status == 200);
        CHECK(stand.world.audited().back() == "mail.view ok");
        CHECK(stand.mail("GET", id, "?before=" + name).status == 200);
        CHECK(stand.mail("GET", id, "?search=invoice").status == 200);
        CHECK(stand.world.audited().size() == before + 1);
        auto message = stand.mail("GET", id, "/" + name);
        CHECK(message.status == 200);
        CHECK(stand.has_header(
            message, "Content-Disposition", "attachment; filename=\"Shop_development-"
        ));
        CHECK(stand.world.audited().back() == "mail.open ok");
        CHECK(stand.directory.size() == 4);
    }

    TEST_CASE("wrong questions are refused before anything is asked or written down") {
        Stand stand;
        auto id = stand.environment("development");
        auto before = stand.world.audited().size();
        for (const auto* query : {"?limit=0", "?limit=201", "?before=..%2Fx", "?search=%00"})
            CHECK(stand.mail("GET", id, query).status == 400);
        CHECK(stand.mail("GET", id, "/passwd").status == 404);
        CHECK(stand.mail("DELETE", id, "/passwd").status == 404);
        CHECK(stand.mail("PUT", id, "-settings", Stand::settings(true, 0)).status == 400);
        CHECK(stand.world.audited().size() == before);
        CHECK(stand.directory.size() == 0);
    }

    TEST_CASE("S-MAIL-07: deletions are operations of the server, with the message in the audit log"
    ) {
        Stand stand;
        auto id = stand.environment("development");
        auto one = stand.mail("DELETE", id, "/" + name);
        REQUIRE(one.status == 202);
        stand.run(one.id(), proto::Outcome::succeeded);
        auto args =
            proto::read<proto::MailDeleteArgs>(stand.agent.known.at(one.id()).operation.args)
                .value();
        CHECK(args.messages == std::vector<std::string>{name});
        CHECK_FALSE(args.all);
        auto all = stand.mail("DELETE", id);
        REQUIRE(all.status == 202);
        stand.run(all.id(), proto::Outcome::succeeded);
        args = proto::read<proto::MailDeleteArgs>(stand.agent.known.at(all.id()).operation.args)
                   .value();
        CHECK(args.all);
        CHECK(args.messages.empty());
    }

    TEST_CASE("how much stays counts at once, and whether it is captured with the next deployment"
    ) {
        Stand stand;
        auto id = stand.environment("development");
        auto changed = stand.mail("PUT", id, "-settings", Stand::settings(true, 3));
        REQUIRE_MESSAGE(changed.status == 200, boost::json::serialize(changed.json));
        CHECK(changed.json.at("settings").at("keep_days") == 3);
        auto operation = std::string(changed.json.at("operation").at("id").as_string());
        stand.run(operation, proto::Outcome::succeeded);
        auto args =
            proto::read<proto::MailConfigureArgs>(stand.agent.known.at(operation).operation.args)
                .value();
        CHECK(args.retention.days == 3);
        CHECK(args.retention.messages == 500);

        auto off = stand.mail("PUT", id, "-settings", Stand::settings(false, 3));
        CHECK(off.json.at("operation").is_null());
        CHECK(off.json.at("settings").at("captured").as_bool());
        auto pending = boost::json::serialize(stand.get(id).json.at("pending_changes"));
        CHECK(pending.find("captured → sent") != std::string::npos);
        auto deployed = stand.args(stand.deploy(id));
        CHECK_FALSE(deployed.environment.mail);
        CHECK_FALSE(stand.mail("GET", id, "-settings").json.at("captured").as_bool());
    }

    TEST_CASE("an agent from before is told nothing of it, and that shows") {
        Stand stand(proto::mail_since - 1);
        auto id = stand.environment("development");
        CHECK_FALSE(stand.mail("GET", id, "-settings").json.at("captured").as_bool());
        CHECK(stand.mail("GET", id).code() == "agent_too_old");
        CHECK(stand.mail("DELETE", id).code() == "agent_too_old");
    }

    TEST_CASE("S-MAIL-04, S-MAIL-05: nobody outside of the organization finds it") {
        Stand stand;
        auto id = stand.environment("development");
        stand.world.act_for(stand.world.other);
        CHECK(stand.mail("GET", id).status == 404);
        CHECK(stand.mail("GET", id, "/" + name).status == 404);
        CHECK(stand.mail("DELETE", id).status == 404);
        CHECK(stand.directory.size() == 0);
    }
}
