#include "controller/pushes/pushes.hpp"

#include "common/crypto/token.hpp"
#include "common/crypto/webhook.hpp"
#include "common/json/json.hpp"
#include "controller/environments/spec.hpp"
#include "controller/environments/view.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::pushes {
namespace {

using environments::act_on;
using environments::Environment;

boost::json::object facts(const Hook& hook) {
    return {
        {"enabled", hook.enabled},
        {"repositories",
         hook.repositories ? boost::json::parse(*hook.repositories) : boost::json::value(nullptr)},
        {"backup_first", hook.backup_first}};
}

void take_over(Hook& hook, const Wanted& wanted) {
    if (wanted.enabled) hook.enabled = *wanted.enabled;
    if (wanted.backup_first) hook.backup_first = *wanted.backup_first;
    if (!wanted.choose) return;
    hook.repositories.reset();
    if (wanted.repositories)
        hook.repositories = boost::json::serialize(json::to_value(*wanted.repositories));
}

api::Event news(const api::OrgScope& scope, const Environment& environment) {
    return environments::event(
        scope.org(), "push_deploy.updated", environment.project_id,
        {{"environment_id", environment.id.str()}}
    );
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

Result<std::vector<Source>> Pushes::sources(
    store::Connection& db, const Scope& scope, const Environment& environment, const Hook* hook
) {
    FAIRLEAD_TRY(spec, environments::spec_of(db, scope, environment));
    std::optional<std::vector<std::string>> chosen;
    if (hook && hook->repositories) chosen = environments::strings(*hook->repositories);
    std::vector<Source> found;
    auto add = [&](const proto::Source& source) {
        found.push_back(
            {source.name, source.url, source.branch,
             hook && (!chosen || holds(*chosen, source.name))}
        );
    };
    add(spec.odoo);
    for (const auto& addon : spec.addons) add(addon);
    return found;
}

Result<> Pushes::check(
    store::Connection& db, const Scope& scope, const Environment& environment, const Wanted& wanted
) {
    if (!wanted.repositories) return {};
    FAIRLEAD_TRY(known, sources(db, scope, environment, nullptr));
    api::Checks checks;
    for (std::size_t i = 0; i < wanted.repositories->size(); ++i) {
        const auto& name = (*wanted.repositories)[i];
        bool is = std::any_of(known.begin(), known.end(), [&](const auto& source) {
            return source.name == name;
        });
        checks.that(
            is, fmt::format("repositories[{}]", i),
            fmt::format("is \"{}\", which is no repository of this environment", name)
        );
    }
    return checks.result();
}

Result<std::pair<Hook, Secret>> Pushes::create(
    api::Change& change, const Environment& environment, const Wanted& wanted,
    const api::Principal& by
) {
    PushRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(there, repo.find(environment.id));
    if (there)
        return api::conflict(
            "push_deploy_exists",
            fmt::format(
                "Pushes deploy {} already. Change its settings, or rotate its secret where that "
                "is lost.",
                environment.name
            )
        );
    FAIRLEAD_CHECK(check(change.db(), change.scope(), environment, wanted));
    Hook hook;
    hook.environment_id = environment.id;
    hook.token = crypto::make_token("").reveal();
    take_over(hook, wanted);
    hook.secret_made_ms = hook.created_ms = parts_.clock.now();
    hook.created_by = by.user;
    hook.created_by_email = by.email;
    auto secret = crypto::make_webhook_secret();
    store::Blob sealed{parts_.keys.seal(secret, secret_context(environment.id))};
    FAIRLEAD_CHECK(repo.insert(hook, sealed));
    auto act = act_on(environment, "push_deploy.create");
    act.after = facts(hook);
    change.record(std::move(act));
    change.publish(news(change.scope(), environment));
    return std::pair(std::move(hook), std::move(secret));
}

Result<Hook>
Pushes::edit(api::Change& change, const Environment& environment, const Wanted& wanted) {
    PushRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(hook, repo.get(environment.id));
    FAIRLEAD_CHECK(check(change.db(), change.scope(), environment, wanted));
    auto before = facts(hook);
    take_over(hook, wanted);
    if (!hook.enabled && hook.waiting)
        FAIRLEAD_CHECK(end_waiting(
            change.unit(), change.scope(), environment, hook, Outcome::refused, "switched_off",
            "It was switched off while this push waited."
        ));
    FAIRLEAD_CHECK(repo.update(hook));
    auto act = act_on(environment, "push_deploy.edit");
    act.before = std::move(before);
    act.after = facts(hook);
    change.record(std::move(act));
    change.publish(news(change.scope(), environment));
    return hook;
}

Result<std::pair<Hook, Secret>>
Pushes::rotate(api::Change& change, const Environment& environment, std::chrono::seconds overlap) {
    PushRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(hook, repo.get(environment.id));
    hook.secret_made_ms = parts_.clock.now();
    hook.old_until_ms.reset();
    if (overlap.count() > 0) hook.old_until_ms = parts_.clock.now() + overlap;
    hook.refused_count = 0;
    hook.refused_ms.reset();
    auto secret = crypto::make_webhook_secret();
    store::Blob sealed{parts_.keys.seal(secret, secret_context(environment.id))};
    FAIRLEAD_CHECK(repo.put_secret(hook, sealed));
    auto act = act_on(environment, "push_deploy.rotate");
    act.after = boost::json::object{{"keep_old_s", overlap.count()}};
    change.record(std::move(act));
    change.publish(news(change.scope(), environment));
    return std::pair(std::move(hook), std::move(secret));
}

Result<> Pushes::remove(api::Change& change, const Environment& environment) {
    PushRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(hook, repo.get(environment.id));
    FAIRLEAD_CHECK(repo.remove(environment.id));
    auto act = act_on(environment, "push_deploy.delete");
    act.before = facts(hook);
    change.record(std::move(act));
    change.publish(news(change.scope(), environment));
    return {};
}

} // namespace fairlead::pushes
