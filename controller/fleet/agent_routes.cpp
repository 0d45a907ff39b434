#include "common/json/json.hpp"
#include "controller/api/routes.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/fleet/server_routes.hpp"
#include "proto/codec.hpp"

namespace fairlead::fleet {
namespace {

using api::Call;
using api::Response;

struct EnrolBody {
    std::string token;
    std::string csr;
    std::string name;
    std::optional<std::uint32_t> capability;
    std::optional<std::string> agent_version;
    boost::json::object facts;
};
BOOST_DESCRIBE_STRUCT(EnrolBody, (), (token, csr, name, capability, agent_version, facts))

struct ChallengeBody {
    std::string server_id;
};
BOOST_DESCRIBE_STRUCT(ChallengeBody, (), (server_id))

struct RecoverBody {
    std::string server_id;
    std::string challenge;
    std::string csr;
    std::string signature;
};
BOOST_DESCRIBE_STRUCT(RecoverBody, (), (server_id, challenge, csr, signature))

Result<ServerId> server_id(const std::string& text) {
    auto id = ServerId::parse(text);
    if (!id)
        return fail(Error(Errc::invalid, "server_id is no server's id.")
                        .with_fields({{"server_id", "is no server's id"}}));
    return *id;
}

Result<Response> enrol(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(body, call.body<EnrolBody>());
    api::Checks checks;
    check_server_name(checks, "name", body.name);
    checks.length("token", body.token, 20, 128);
    checks.range("capability", body.capability.value_or(1), 1, 1'000'000);
    checks.length("agent_version", body.agent_version.value_or(""), 0, 64);
    checks.that(
        body.csr.size() >= 64 && body.csr.size() <= 4096, "csr", "must have 64 to 4096 characters"
    );
    FAIRLEAD_CHECK(checks.result());
    // Agents of other versions say more or less about themselves; that must not keep a server out.
    auto facts = proto::read<proto::Facts>(body.facts);
    EnrolRequest request{
        body.token,
        body.csr,
        body.name,
        body.capability.value_or(1),
        body.agent_version.value_or(""),
        facts ? std::move(*facts) : proto::Facts{}};
    FAIRLEAD_TRY(enrolled, parts.enrolment.enrol(request, call.actor()));
    return api::answer(
        boost::json::object{
            {"server_id", enrolled.server.str()},
            {"org_id", enrolled.org.str()},
            {"certificate", enrolled.certificate.certificate},
            {"ca", enrolled.certificate.ca},
            {"controllers", json::to_value(parts.controllers)}},
        201
    );
}

Result<Response> challenge(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(body, call.body<ChallengeBody>());
    FAIRLEAD_TRY(id, server_id(body.server_id));
    return api::answer(boost::json::object{{"challenge", parts.enrolment.challenge(id)}});
}

Result<Response> recover(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(body, call.body<RecoverBody>());
    FAIRLEAD_TRY(id, server_id(body.server_id));
    FAIRLEAD_TRY(
        issued,
        parts.enrolment.recover({id, body.challenge, body.csr, body.signature}, call.actor())
    );
    return api::answer(boost::json::object{{"certificate", issued.certificate}, {"ca", issued.ca}});
}

} // namespace

void add_agent_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/agent");
    routes.post("/enroll", api::open_to_all, &enrol);
    routes.post("/recover/challenge", api::open_to_all, &challenge);
    routes.post("/recover", api::open_to_all, &recover);
}

} // namespace fairlead::fleet
