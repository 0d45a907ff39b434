#include "controller/captures/routes.hpp"

#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"
#include "controller/captures/settings.hpp"
#include "controller/environments/refusals.hpp"
#include "controller/environments/spec.hpp"
#include "controller/environments/view.hpp"
#include "controller/fleet/reachable.hpp"
#include "controller/logs/offering.hpp"
#include "controller/operations/routes.hpp"
#include "controller/operations/view.hpp"
#include "proto/codec.hpp"
#include "proto/messages.hpp"

#include <optional>

namespace fairlead::captures {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::Environment;
using environments::EnvironmentRepo;
using fleet::Server;
using fleet::ServerRepo;

constexpr std::uint64_t page = 50;
/// The settings of a server that is away for longer are those of its next deployment.
constexpr auto settings_wait = std::chrono::hours(24 * 30);
constexpr auto deletion_waits = std::chrono::hours(24);

Result<std::string> message_of(std::string_view text) {
    if (proto::is_mail_id(text)) return std::string(text);
    return fail(Errc::not_found, "There is no such message.");
}

// ---- reading

Result<logs::Asked> reading_of(const Call& call, const RouteParts& parts, proto::MailPurpose what) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    std::optional<Server> server;
    FAIRLEAD_TRY(
        environment,
        parts.readings.desk.store.read([&](store::Connection& db) -> Result<Environment> {
            FAIRLEAD_TRY(found, EnvironmentRepo(db, call.scope()).get(id));
            FAIRLEAD_TRY(stands_on, ServerRepo(db, call.scope()).get(found.server_id));
            server = std::move(stands_on);
            return found;
        })
    );
    FAIRLEAD_CHECK(check_stage(environment));
    FAIRLEAD_CHECK(environments::check_reachable(environment));
    FAIRLEAD_CHECK(fleet::check_reachable(*server, proto::mail_since, "mail could be captured"));
    auto asked = logs::asked_by(call, *server);
    asked.environment = environment.id;
    asked.environment_name = environment.name;
    what.kind = proto::MailPurpose::mail_kind;
    what.reading = asked.id.str();
    what.environment = environment.id.str();
    asked.mail = std::move(what);
    return asked;
}

Result<Response> list(const Call& call, const RouteParts& parts) {
    proto::MailPurpose what;
    FAIRLEAD_TRY(lines, api::query_number(call, "limit", 1, proto::most_mail_lines));
    what.lines = static_cast<std::uint32_t>(lines.value_or(page));
    if (auto before = call.query("before")) {
        if (!proto::is_mail_id(*before))
            return api::bad_query("before", *before, "must be the name of a message");
        what.before = *before;
    }
    what.search = call.query("search").value_or("");
    proto::MailPurpose shape = what;
    shape.environment = "any";
    // What was searched for is not repeated: others than whoever asked may see the answer.
    if (auto fine = proto::check(shape); !fine) {
        auto why = fine.error().message();
        return fail(Error(Errc::invalid, "search: " + why).with_fields({{"search", why}}));
    }
    FAIRLEAD_TRY(asked, reading_of(call, parts, std::move(what)));
    // Looking again, further back or for something is no look of its own; a message always is one.
    Response response;
    response.content_type = "application/x-ndjson";
    return logs::offer(
        call, parts.readings, std::move(asked), "mail.view", true, std::move(response)
    );
}

/// As it came, for whoever opens it to make something of: nothing looks into it on its way. It is
/// no page, whatever a browser would make of it.
Result<Response> show(const Call& call, const RouteParts& parts) {
    proto::MailPurpose what;
    FAIRLEAD_TRY(id, message_of(call.path("message")));
    what.message = std::move(id);
    FAIRLEAD_TRY(asked, reading_of(call, parts, std::move(what)));
    Response response;
    response.content_type = "application/octet-stream";
    logs::name_file(response, asked.environment_name + "-" + asked.mail->message + ".eml");
    return logs::offer(
        call, parts.readings, std::move(asked), "mail.open", false, std::move(response)
    );
}

// ---- operations

Result<operations::Operation>
ask(Change& change, const RouteParts& parts, const Environment& environment, std::string_view kind,
    std::string args, boost::json::object facts, std::chrono::milliseconds deadline) {
    operations::NewOperation wanted;
    wanted.kind = kind;
    wanted.server = environment.server_id;
    wanted.environment = environment.id;
    wanted.project = environment.project_id;
    wanted.target_name = environment.name;
    wanted.mutating = false; // beside a deployment too
    wanted.args = std::move(args);
    wanted.facts = std::move(facts);
    wanted.deadline = deadline;
    return parts.operations.create(
        change.unit(), change.scope(), change.actor(), std::move(wanted)
    );
}

Result<> may_be_asked(const Environment& environment) {
    FAIRLEAD_CHECK(check_stage(environment));
    FAIRLEAD_CHECK(environments::check_reachable(environment));
    if (environment.server_protocol >= proto::mail_since) return {};
    return api::conflict(
        "agent_too_old", "The agent on the server of " + environment.name +
                             " is from before mail could be captured. Update its package."
    );
}

Result<Response> remove(const Call& call, const RouteParts& parts, std::string message) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return api::change(call, parts.readings.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(may_be_asked(environment));
        proto::MailDeleteArgs args;
        args.environment_id = environment.id.str();
        args.slug = environment.slug;
        args.all = message.empty();
        if (!message.empty()) args.messages.push_back(message);
        boost::json::object facts{{"all", args.all}};
        if (!message.empty()) facts["message"] = message;
        FAIRLEAD_TRY(
            operation, ask(change, parts, environment, proto::kind::mail_delete,
                           proto::write_text(args), std::move(facts), deletion_waits)
        );
        return operations::accepted(call.scope(), operation);
    });
}

Result<Response> remove_one(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(message, message_of(call.path("message")));
    return remove(call, parts, std::move(message));
}

Result<Response> remove_all(const Call& call, const RouteParts& parts) {
    return remove(call, parts, "");
}

// ---- settings

Result<Response> settings(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return parts.readings.desk.store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(body, to_json(db, call.scope(), environment));
        return api::answer(std::move(body));
    });
}

boost::json::object facts_of(const Environment& e) {
    return {
        {"capture", e.captures_mail()},
        {"keep_days", e.mail_days},
        {"keep_messages", e.mail_messages},
        {"keep_bytes", e.mail_bytes}};
}

Result<Response> configure(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<SettingsBody>());
    return api::change(call, parts.readings.desk, [&](Change& change) -> Result<Response> {
        EnvironmentRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(environment, repo.get(id));
        FAIRLEAD_CHECK(check(body, environment));
        auto before = environment;
        take(body, environment);
        FAIRLEAD_CHECK(repo.update_mail(environment));
        auto act = environments::act_on(environment, "mail.configure");
        act.before = facts_of(before);
        act.after = facts_of(environment);
        change.record(std::move(act));
        FAIRLEAD_TRY(shown, to_json(change.db(), change.scope(), environment));
        // Whether mail is captured is a matter of the next deployment; how much stays is not.
        bool differs = before.mail_days != environment.mail_days ||
                       before.mail_messages != environment.mail_messages ||
                       before.mail_bytes != environment.mail_bytes;
        boost::json::value operation = nullptr;
        if (differs && shown["captured"].as_bool() && may_be_asked(environment)) {
            proto::MailConfigureArgs args;
            args.environment_id = environment.id.str();
            args.slug = environment.slug;
            args.retention = environments::mail_retention(environment);
            FAIRLEAD_TRY(
                asked, ask(change, parts, environment, proto::kind::mail_configure,
                           proto::write_text(args), facts_of(environment), settings_wait)
            );
            operation = operations::to_json(asked, {});
        }
        FAIRLEAD_TRY(
            news, environments::environment_event(change.db(), change.scope(), environment)
        );
        change.publish(std::move(news));
        return api::answer(boost::json::object{
            {"settings", std::move(shown)}, {"operation", std::move(operation)}});
    });
}

} // namespace

void add_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/environments/{environment}");
    routes.get("/mail", "mail.view", &list);
    routes.remove("/mail", "mail.delete", &remove_all);
    routes.get("/mail/{message}", "mail.view", &show);
    routes.remove("/mail/{message}", "mail.delete", &remove_one);
    routes.get("/mail-settings", "mail.view", &settings);
    routes.put("/mail-settings", "mail.configure", &configure);
}

} // namespace fairlead::captures
