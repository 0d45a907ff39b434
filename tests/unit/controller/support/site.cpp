#include "site.hpp"

#include <doctest/doctest.h>

namespace fairlead::test {

Site::Site(access::Rates allowed, access::SessionLimits limits)
    : sessions(store.store(), limits), rates(allowed) {
    sessions.on_end([this](const SessionId& id) { ended.push_back(id); });
    access::add_access_routes(table, {store.store(), sessions, accounts, second_step, view});
    access::AccountRoutes account_routes{account, registration, view, outbox, "fairlead.example"};
    access::add_account_routes(table, account_routes);
    access::add_registration_routes(table, account_routes);
    access::join_passkeys(factors, account);
    access::add_passkey_routes(table, {passkeys, passkey_proofs, view});
    sessions.on_ending([this](store::UnitOfWork& unit, const auto& ids) {
        return connect.signed_out(unit, ids, clock.now());
    });
    access::add_key_routes(table, key_parts);
    access::add_connect_grant_routes(table, connect_parts);
    access::add_connect_session_routes(table, connect_parts);
    access::add_support_routes(table, support_parts);
    audit::add_audit_routes(table, audit_parts);
    audit::add_installation_audit_routes(table, audit_parts);
    orgs::add_org_routes(table, org_parts);
    router = std::make_unique<api::Router>(table, guard, &idempotency);
}

Reply Site::send(Browser& browser, std::string method, std::string path, boost::json::value body) {
    api::Request request;
    request.method = api::method_from(method).value();
    auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.headers = {
        {"host", "fairlead.example"}, {"sec-fetch-site", "same-origin"}, {"user-agent", "Firefox"}};
    std::string cookies = "a=b";
    if (!browser.cookie.empty()) cookies += "; __Host-fairlead=" + browser.cookie;
    if (!browser.connect.empty()) cookies += "; __Host-fairlead-connect=" + browser.connect;
    request.headers.emplace_back("cookie", cookies);
    for (const auto& header : browser.headers) request.headers.push_back(header);
    if (!body.is_null()) request.body = boost::json::serialize(body);
    request.address = browser.address;
    auto reply = send_raw(std::move(request));
    if (!reply.cookie.empty()) browser.cookie = reply.cookie == "-" ? "" : reply.cookie;
    if (!reply.connect.empty()) browser.connect = reply.connect == "-" ? "" : reply.connect;
    return reply;
}

Reply Site::repeat(Browser& browser, std::string key, std::string path, boost::json::value body) {
    api::Request request;
    request.method = api::Method::post;
    request.path = std::move(path);
    request.headers = {
        {"sec-fetch-site", "same-origin"},
        {"cookie", "__Host-fairlead=" + browser.cookie},
        {"idempotency-key", std::move(key)}};
    request.body = boost::json::serialize(body);
    return send_raw(std::move(request));
}

Reply Site::send_raw(api::Request request) {
    request.at = clock.now();
    request.request_id = "req-1";
    std::string pattern;
    auto response = router->handle(request, pattern);
    Reply reply;
    reply.status = response.status;
    reply.text = response.body;
    reply.events = response.events;
    if (!response.body.empty()) reply.json = boost::json::parse(response.body);
    for (const auto& [name, value] : response.headers) {
        if (name == "Retry-After") reply.retry_after = value;
        if (name.starts_with("RateLimit-")) reply.rate += (reply.rate.empty() ? "" : " ") + value;
        if (name != "Set-Cookie") continue;
        auto start = value.find('=') + 1;
        auto& into = value.starts_with("__Host-fairlead-connect=") ? reply.connect : reply.cookie;
        into = value.substr(start, value.find(';') - start);
        if (into.empty()) into = "-";
        REQUIRE(value.find("; Path=/; Max-Age=") != std::string::npos);
        REQUIRE(value.ends_with("; Secure; HttpOnly; SameSite=Lax"));
        REQUIRE((value.starts_with("__Host-fairlead=") || &into == &reply.connect));
    }
    return reply;
}

UserId Site::add_user(const std::string& email, const std::string& role, bool owner) {
    auto hash = hasher.hash(Secret(password)).value();
    return store
        ->write([&](store::UnitOfWork& unit) -> Result<UserId> {
            access::UserRepo users(unit.db());
            orgs::Memberships memberships(unit.db());
            FAIRLEAD_TRY(user, users.create(email, "Ann", clock.now()));
            FAIRLEAD_CHECK(users.set_password(user.id, hash));
            FAIRLEAD_CHECK(
                unit.db().run("UPDATE app_user SET verified_ms = created_ms WHERE id = $1", user.id)
            );
            FAIRLEAD_TRY(
                org, memberships.create("Org of " + email, orgs::Plan::agency, clock.now())
            );
            FAIRLEAD_CHECK(memberships.add(org.id, user.id, role, owner, clock.now()));
            return user.id;
        })
        .value();
}

OrgId Site::org_of(const std::string& email) {
    return store
        ->read([&](store::Connection& db) {
            return db.one<OrgId>(
                "SELECT m.org_id FROM membership m JOIN app_user u ON u.id = m.user_id WHERE "
                "u.email = $1",
                email
            );
        })
        .value()
        .value();
}

std::string Site::link_for(const std::string& email, std::chrono::seconds good_for) {
    return store
        ->write([&](store::UnitOfWork& unit) -> Result<std::string> {
            access::UserRepo users(unit.db());
            FAIRLEAD_TRY(user, users.by_email(email));
            FAIRLEAD_TRY(link, users.make_link(user->id, clock.now() + good_for));
            return std::string(link.reveal());
        })
        .value();
}

std::vector<std::string> Site::audited(const OrgId& org) {
    return store
        ->read([&](store::Connection& db) {
            return db.all<std::string>(
                "SELECT action || ' ' || result FROM audit_entry WHERE org_id = $1 ORDER BY id", org
            );
        })
        .value();
}

mail::Message Site::mailed_to(const std::string& email) {
    mail::Message found;
    auto waiting = outbox.due(clock.now(), 1000).value();
    for (auto& due : waiting)
        if (due.message.to == email) found = std::move(due.message);
    return found;
}

std::string Site::token_mailed_to(const std::string& email) {
    auto text = mailed_to(email).text;
    auto start = text.find('#');
    REQUIRE(start != std::string::npos);
    return text.substr(start + 1, text.find('\n', start) - start - 1);
}

std::size_t Site::letters_to(const std::string& email) {
    std::size_t count = 0;
    auto waiting = outbox.due(clock.now(), 1000).value();
    for (const auto& due : waiting)
        if (due.message.to == email) ++count;
    return count;
}

} // namespace fairlead::test
