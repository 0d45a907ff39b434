#include "controller/cloudflare/hostnames.hpp"

#include "common/runtime/log.hpp"
#include "controller/cloudflare/view.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::cloudflare {
namespace {

using api::ScopeIssuer;

/// The controller's own doing.
const api::Actor controller{};

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string message) {
    return fail(Error(kind, std::move(message)).with_code(std::string(code)));
}

Leaving leaving_of(const Hostname& row, Timestamp now) {
    Leaving leaving;
    leaving.name = row.name;
    leaving.zone = row.zone;
    leaving.remote_id = row.remote_id;
    leaving.asked_ms = row.asked_ms;
    leaving.next_ms = now;
    return leaving;
}

/// Of a row that goes: nothing where the zone cannot have it.
Result<> let_go(store::Connection& db, const Hostname& row, Timestamp now) {
    if (row.remote_id.empty() && !row.asked_ms) return {};
    return add_leaving(db, leaving_of(row, now));
}

} // namespace

void Hostnames::publish(store::UnitOfWork& unit, const Hostname& row) const {
    api::publish(
        unit, parts_.events,
        {event(row.org_id, "custom_hostname.updated", to_json(row, target(), pause()))}
    );
}

Result<> Hostnames::sync() {
    if (!configured()) return {};
    Names wanted;
    std::map<std::string, Known> there;
    auto looked = parts_.store.read([&](store::Connection& db) -> Result<> {
        FAIRLEAD_TRY(names, parts_.routed(db));
        FAIRLEAD_TRY(rows, known(db));
        wanted = std::move(names);
        there = std::move(rows);
        return {};
    });
    FAIRLEAD_CHECK(looked);
    for (const auto& name : parts_.own_names) wanted.erase(name);
    std::vector<Known> gone;
    std::vector<std::pair<std::string, OrgId>> fresh;
    for (const auto& [name, row] : there) {
        auto found = wanted.find(name);
        bool stays =
            found != wanted.end() && found->second == row.org && row.zone == parts_.zone->id;
        if (!stays && gone.size() < changed_at_once) gone.push_back(row);
    }
    // What goes from one organization to another goes first, and comes with the next sync.
    for (const auto& [name, org] : wanted)
        if (!there.contains(name) && fresh.size() < changed_at_once) fresh.emplace_back(name, org);
    if (gone.empty() && fresh.empty()) return {};
    auto now = parts_.clock.now();
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        for (const auto& one : gone) {
            auto scope = ScopeIssuer::scope(one.org);
            HostnameRepo repo(unit.db(), scope);
            FAIRLEAD_TRY(row, repo.find(one.id));
            if (!row) continue;
            FAIRLEAD_CHECK(let_go(unit.db(), *row, now));
            FAIRLEAD_CHECK(repo.remove(one.id));
            parts_.audit.record(unit, scope, controller, act_on(*row, "custom_hostname.remove"));
            api::publish(
                unit, parts_.events,
                {event(
                    one.org, "custom_hostname.deleted", boost::json::object{{"id", one.id.str()}}
                )}
            );
        }
        for (const auto& [name, org] : fresh) {
            Hostname row;
            row.id = CustomHostnameId::make(now);
            row.org_id = org;
            row.name = name;
            row.zone = parts_.zone->id;
            row.next_ms = row.created_ms = now;
            FAIRLEAD_CHECK(HostnameRepo(unit.db(), ScopeIssuer::scope(org)).insert(row));
            publish(unit, row);
        }
        return {};
    });
}

std::optional<Pause> Hostnames::pause() const {
    if (!configured())
        return Pause{
            "cloudflare_not_configured",
            "This controller names no zone of Cloudflare any more (edge: cloudflare: in "
            "controller.yaml): what it put there before stays as it is.",
            {}};
    std::lock_guard held(lock_);
    if (!pause_ || *pause_->until <= parts_.clock.now()) return std::nullopt;
    return pause_;
}

Result<std::optional<Timestamp>> Hostnames::next() const {
    auto shut = pause();
    if (shut && !shut->until) return std::optional<Timestamp>();
    FAIRLEAD_TRY(next, parts_.store.read([](store::Connection& db) { return next_due(db); }));
    if (!next) return next;
    auto at = std::max(*next, not_before_);
    return std::optional(shut ? std::max(at, *shut->until) : at);
}

/// Whether it concerns all, so that nobody asks for a while.
bool Hostnames::pause_all(const Error& why) {
    if (!concerns_all(why.code())) return false;
    // The program ends.
    if (why.code() == "outbound_stopped") return true;
    std::lock_guard held(lock_);
    ++pauses_;
    auto now = parts_.clock.now();
    pause_ = Pause{why.code(), why.message(), now + pause_after(why, pauses_, parts_.chance())};
    log::warning(
        "nothing is asked of Cloudflare for a while", {{"code", why.code()},
                                                       {"reason", why.message()},
                                                       {"detail", why.detail()},
                                                       {"until", to_rfc3339(*pause_->until)}}
    );
    return true;
}

void Hostnames::end_pause() {
    std::lock_guard held(lock_);
    pauses_ = 0;
    pause_.reset();
}

Result<bool> Hostnames::step(const std::stop_token& stop) {
    FAIRLEAD_TRY(soonest, next());
    if (!soonest || *soonest > parts_.clock.now()) return false;
    FAIRLEAD_TRY(left, leave(stop));
    auto did = left;
    if (!did) {
        FAIRLEAD_TRY(looked, look(stop));
        did = looked;
    }
    if (did) not_before_ = parts_.clock.now() + least_gap;
    return did;
}

Result<bool> Hostnames::look(const std::stop_token& stop) {
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) {
        return due(db, last_, parts_.clock.now());
    }));
    if (!found) return false;
    last_ = found->org_id;
    auto row = *std::move(found);
    auto reached = reach(row, stop);
    if (!reached && pause_all(reached.error())) {
        // The row is as it was, but for what its POST left open.
        FAIRLEAD_CHECK(note(row));
        return true;
    }
    end_pause();
    FAIRLEAD_CHECK(settle(std::move(row), reached));
    return true;
}

Result<Remote> Hostnames::reach(Hostname& row, const std::stop_token& stop) {
    return row.remote_id.empty() ? make(row, stop) : follow(row, stop);
}

Result<Remote> Hostnames::make(Hostname& row, const std::stop_token& stop) {
    auto& api = *parts_.api;
    FAIRLEAD_TRY(found, api.find(row.zone, row.name, stop));
    if (found) {
        if (!row.asked_ms || !made_by(*row.asked_ms, *found))
            return failed(
                Errc::conflict, "cloudflare_taken",
                "The zone has this name already, and this controller did not put it there. Its "
                "operator takes it out there; then it is tried again."
            );
        row.remote_id = found->id;
        row.asked_ms.reset();
        return *std::move(found);
    }
    FAIRLEAD_TRY(held, parts_.store.read([&](store::Connection& db) {
        return HostnameRepo(db, ScopeIssuer::scope(row.org_id)).held();
    }));
    if (held >= most_of_org && !row.asked_ms)
        return failed(
            Errc::conflict, "cloudflare_too_many",
            fmt::format(
                "An organization has at most {} names at Cloudflare. Take one away from an "
                "environment; then this one is tried again.",
                most_of_org
            )
        );
    auto now = parts_.clock.now();
    bool open = row.asked_ms && may_come(*row.asked_ms, now);
    if (!open) row.asked_ms = now;
    // Before it is asked: whatever becomes of this program, it is known that the zone may have it.
    FAIRLEAD_CHECK(note(row));
    auto made = api.create(row.zone, row.name, stop);
    if (made) row.remote_id = made->id;
    if (made || (!open && !is_uncertain(made.error()))) row.asked_ms.reset();
    return made;
}

Result<Remote> Hostnames::follow(Hostname& row, const std::stop_token& stop) {
    auto& api = *parts_.api;
    auto seen = api.get(row.zone, row.remote_id, stop);
    bool gone = seen ? seen->name != row.name || seen->status == "deleted" ||
                           seen->status == "pending_deletion"
                     : seen.error().kind() == Errc::not_found;
    if (gone) {
        // Somebody took it out of the zone: it is put there anew.
        row.remote_id.clear();
        return make(row, stop);
    }
    if (!seen) return seen;
    // At first it is only told; from the next look on it is asked for once more.
    bool told = row.state == State::failed && judge(*seen, target()).stuck;
    if (!told) return seen;
    return api.restart(row.zone, row.remote_id, stop);
}

/// Written down apart from what a look found.
Result<> Hostnames::note(const Hostname& row) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        HostnameRepo repo(unit.db(), ScopeIssuer::scope(row.org_id));
        FAIRLEAD_TRY(there, repo.find(row.id));
        if (!there) return let_go(unit.db(), row, parts_.clock.now());
        there->remote_id = row.remote_id;
        there->asked_ms = row.asked_ms;
        return repo.update(*there);
    });
}

void Hostnames::judge_row(Hostname& row, const Result<Remote>& reached) const {
    auto before = row.state;
    if (reached) {
        auto verdict = judge(*reached, target());
        row.state = verdict.state;
        row.error_code = verdict.code;
        row.error_message = verdict.message;
        row.status = reached->status;
        row.ssl_status = reached->ssl_status;
    } else {
        const auto& why = reached.error();
        row.state = State::failed;
        row.error_code = why.code().empty() ? "cloudflare_refused" : why.code();
        row.error_message = why.message();
        row.status.clear();
        row.ssl_status.clear();
    }
    auto now = parts_.clock.now();
    row.looks = row.state == before ? row.looks + 1 : 1;
    row.looked_ms = now;
    row.next_ms = now + next_look(row.state, row.looks, parts_.chance());
}

Result<> Hostnames::settle(Hostname row, const Result<Remote>& reached) {
    auto before = row.state;
    auto code = row.error_code;
    judge_row(row, reached);
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        auto scope = ScopeIssuer::scope(row.org_id);
        HostnameRepo repo(unit.db(), scope);
        FAIRLEAD_TRY(there, repo.find(row.id));
        // Its organization was erased meanwhile.
        if (!there) return let_go(unit.db(), row, parts_.clock.now());
        FAIRLEAD_CHECK(repo.update(row));
        publish(unit, row);
        // Once for each change: the log is for what changes.
        bool news = row.state != before || (row.state == State::failed && row.error_code != code);
        if (!news || row.state == State::waiting) return {};
        bool issued = row.state == State::issued;
        auto act = act_on(row, issued ? "custom_hostname.issue" : "custom_hostname.fail");
        if (!issued) {
            act.outcome = api::Act::Outcome::failed;
            act.after = boost::json::object{{"code", row.error_code}};
        }
        parts_.audit.record(unit, scope, controller, std::move(act));
        return {};
    });
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run(
        "INSERT INTO custom_hostname_leaving (name, zone, remote_id, asked_ms, next_ms) SELECT "
        "name, zone, remote_id, asked_ms, 0 FROM custom_hostname WHERE org_id = $1 AND (remote_id "
        "<> '' OR asked_ms IS NOT NULL)",
        scope.org()
    ));
    FAIRLEAD_CHECK(db.run("DELETE FROM custom_hostname WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::cloudflare
