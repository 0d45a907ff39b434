// How names leave the zone.
#include "common/runtime/log.hpp"
#include "controller/cloudflare/hostnames.hpp"

namespace fairlead::cloudflare {
namespace {

constexpr auto again = std::chrono::seconds(60);

} // namespace

Result<bool> Hostnames::leave(const std::stop_token& stop) {
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) {
        return due_leaving(db, now);
    }));
    if (!found) return false;
    auto row = *std::move(found);
    auto write = [&](auto work) {
        return parts_.store.write([&](store::UnitOfWork& unit) { return work(unit.db()); });
    };
    auto put_off = [&](std::chrono::milliseconds pause) {
        row.next_ms = now + pause;
        return write([&](store::Connection& db) { return update_leaving(db, row); });
    };
    auto drop = [&] {
        return write([&](store::Connection& db) { return drop_leaving(db, row.number); });
    };
    // A zone of before may be closed to the token of now, which is no matter of the others.
    bool former = row.zone != parts_.zone->id;
    auto fails = [&](const Error& why) -> Result<> {
        if (!former && pause_all(why)) return {};
        ++row.failures;
        log::warning(
            "a custom hostname is still in its zone", {{"name", row.name},
                                                       {"zone", row.zone},
                                                       {"id", row.remote_id},
                                                       {"reason", why.message()}}
        );
        return put_off(next_look(State::failed, row.failures, parts_.chance()));
    };

    if (row.remote_id.empty()) {
        auto there = parts_.api->find(row.zone, row.name, stop);
        if (!there) {
            FAIRLEAD_CHECK(fails(there.error()));
            return true;
        }
        bool ours = *there && row.asked_ms && made_by(*row.asked_ms, **there);
        // What was asked for a moment ago may still come.
        bool open = row.asked_ms && may_come(*row.asked_ms, now);
        if (!ours) {
            FAIRLEAD_CHECK(open && !*there ? put_off(again) : drop());
            return true;
        }
        row.remote_id = (*there)->id;
    }
    if (auto removed = parts_.api->remove(row.zone, row.remote_id, stop); !removed) {
        FAIRLEAD_CHECK(fails(removed.error()));
        return true;
    }
    end_pause();
    FAIRLEAD_CHECK(drop());
    log::info(
        "a custom hostname was taken out of its zone", {{"name", row.name}, {"zone", row.zone}}
    );
    return true;
}

} // namespace fairlead::cloudflare
