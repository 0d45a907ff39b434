#include "office.hpp"

#include "controller/environments/counts.hpp"
#include "controller/fleet/counts.hpp"
#include "controller/operations/counts.hpp"

#include <doctest/doctest.h>

namespace fairlead::test {

Office::Office()
    : sessions(core->store, {}), notary(core->store, keys, "fairlead.example"),
      connect_tokens(core->store, keys), connect_visits(core->store),
      real_guard(
          {core->store,
           sessions,
           rates,
           core->plans,
           connect_tokens,
           connect_visits,
           {"https://fairlead.example"}}
      ),
      audit_parts{{core->store, log, stream_ends}, notary, core->plans},
      org_parts{
          core->store,
          log,
          stream_ends,
          core->plans,
          {fleet::count, environments::count, operations::count},
          {fleet::erase, environments::erase}},
      parts{
          .store = core->store,
          .audit = log,
          .events = stream_ends,
          .plans = core->plans,
          .sessions = sessions,
          .hasher = hasher,
          .url = "https://fairlead.example"} {
    parts.mail = [this](store::UnitOfWork&, const members::InvitationLetter& letter) {
        mailed.push_back(
            {letter.invitation, letter.to, letter.subject, letter.text,
             Secret(std::string(letter.link.reveal())), letter.expires}
        );
        return Result<bool>(true);
    };
    parts.unmail =
        [this](store::UnitOfWork&, std::string_view id, std::string_view to) -> Result<> {
        hooks.push_back("unmail " + std::string(id) + " " + std::string(to));
        return {};
    };
    parts.knows_provider = [](std::string_view slug) { return slug == "google"; };
    parts.left = [this](store::UnitOfWork&, const api::OrgScope&, const UserId& user) -> Result<> {
        hooks.push_back("left " + user.str());
        return {};
    };
    parts.connect_as_withdrawn =
        [this](store::UnitOfWork&, const api::OrgScope&, const UserId& user) -> Result<> {
        hooks.push_back("connect_as_withdrawn " + user.str());
        return {};
    };
    parts.connect_as_off = [this](store::UnitOfWork&, const api::OrgScope&) -> Result<> {
        hooks.push_back("connect_as_off");
        return {};
    };
    orgs::add_org_routes(core->table, org_parts);
    members::add_routes(core->table, parts);
    audit::add_audit_routes(core->table, audit_parts);
    ann = person("ann@example.org");
    zoe = person("zoe@example.org");
    join(ann, org, "admin", true);
    join(zoe, other, "admin", true);
}

Person Office::person(const std::string& email, access::Proof proof) {
    return core->store
        .write([&](store::UnitOfWork& unit) -> Result<Person> {
            access::UserRepo users(unit.db());
            FAIRLEAD_TRY(known, users.by_email(email));
            if (!known) {
                FAIRLEAD_TRY(user, users.create(email, email.substr(0, 3), clock.now()));
                FAIRLEAD_CHECK(unit.db().run(
                    "UPDATE app_user SET verified_ms = created_ms WHERE id = $1", user.id
                ));
                known = user;
            }
            FAIRLEAD_TRY(
                opened, sessions.open(unit, *known, proof, "192.0.2.1", "Firefox", clock.now())
            );
            return Person{known->id, email, std::string(opened.token.reveal())};
        })
        .value();
}

void Office::join(
    const Person& who, const api::OrgScope& where, std::string_view role, bool owner
) {
    REQUIRE(core->store.write([&](store::UnitOfWork& unit) {
        return orgs::Memberships(unit.db()).add(where.org(), who.id, role, owner, clock.now());
    }));
}

Person Office::member(const std::string& email, std::string_view role) {
    auto who = person(email);
    join(who, org, role);
    return who;
}

std::string Office::role(const std::string& name, const std::vector<std::string>& codes) {
    boost::json::array list(codes.begin(), codes.end());
    auto made = in(ann, "POST", "/roles", {{"name", name}, {"permissions", std::move(list)}});
    REQUIRE_MESSAGE(made.status == 201, boost::json::serialize(made.json));
    return made.id();
}

Reply Office::as(
    const Person& who, std::string_view method, std::string path, boost::json::value body,
    std::vector<std::pair<std::string, std::string>> headers
) {
    api::Request request;
    request.method = api::method_from(method).value();
    auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.headers = std::move(headers);
    request.headers.emplace_back("sec-fetch-site", "same-origin");
    if (!who.cookie.empty())
        request.headers.emplace_back("cookie", "__Host-fairlead=" + who.cookie);
    if (!body.is_null()) request.body = boost::json::serialize(body);
    request.address = who.address;
    request.request_id = "req-1";
    request.at = clock.now();
    std::string pattern;
    auto response = api::Router(core->table, real_guard).handle(request, pattern);
    Reply reply;
    reply.status = response.status;
    if (!response.body.empty() && response.body[0] == '{')
        reply.json = boost::json::parse(response.body);
    reply.headers = std::move(response.headers);
    reply.events = std::move(response.events);
    return reply;
}

Reply Office::in(
    const Person& who, std::string_view method, std::string below, boost::json::value body,
    std::vector<std::pair<std::string, std::string>> headers
) {
    return as(
        who, method, "/api/v1/orgs/" + org.org().str() + below, std::move(body), std::move(headers)
    );
}

void Office::set_plan(orgs::Plan plan) {
    REQUIRE(core->store.write([&](store::UnitOfWork& unit) {
        return unit.db().run("UPDATE org SET plan = $2 WHERE id = $1", org.org(), plan);
    }));
}

std::string Office::project(const std::string& name) {
    auto made =
        in(ann, "POST", "/projects",
           {{"name", name},
            {"odoo_version", "17.0"},
            {"odoo_source", {{"url", "https://github.com/odoo/odoo"}, {"branch", "17.0"}}}});
    REQUIRE_MESSAGE(made.status == 201, boost::json::serialize(made.json));
    return made.id();
}

std::string Office::environment(const std::string& project, const ServerId& server) {
    static int number = 0;
    auto made =
        in(ann, "POST", "/environments",
           {{"name", "shop " + std::to_string(++number)},
            {"project_id", project},
            {"server_id", server.str()},
            {"type", "staging"}});
    REQUIRE_MESSAGE(made.status == 201, boost::json::serialize(made.json));
    return made.id();
}

std::vector<std::string> Office::acts() {
    return core->store
        .read([&](store::Connection& db) {
            return db.all<std::string>(
                "SELECT action || ' by ' || actor_label FROM audit_entry WHERE org_id = $1 ORDER "
                "BY id",
                org.org()
            );
        })
        .value();
}

} // namespace fairlead::test
