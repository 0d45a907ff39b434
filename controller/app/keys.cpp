#include "controller/app/keys.hpp"

#include "common/crypto/encoding.hpp"
#include "controller/access/connect_token.hpp"
#include "controller/access/idempotency.hpp"
#include "controller/app/installation.hpp"
#include "controller/app/log_everywhere.hpp"
#include "controller/app/schema.hpp"
#include "controller/audit/notary.hpp"
#include "controller/authority/authority.hpp"
#include "controller/backups/sealed.hpp"
#include "controller/certificates/certificates.hpp"
#include "controller/environments/sealed.hpp"
#include "controller/imports/imports.hpp"
#include "controller/mail/outbox.hpp"
#include "controller/pushes/pushes.hpp"
#include "controller/tunnels/tunnel_keys.hpp"
#include "controller/webhooks/webhooks.hpp"

#include <fmt/core.h>

#include <map>
#include <optional>

namespace fairlead::app {
namespace {

using crypto::Keystore;

/// Everything sealed, of every subject.
Result<> visit_all(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_TRY(
        tickets, store::present(
                     db.one<store::Blob>("SELECT sealed_tickets FROM installation WHERE id = 1"),
                     "This controller was never set up."
                 )
    );
    auto put = [&](const store::Blob& now) {
        return db.run("UPDATE installation SET sealed_tickets = $1 WHERE id = 1", now);
    };
    FAIRLEAD_CHECK(api::visit_one(visit, tickets, tickets_place, put));
    FAIRLEAD_CHECK(authority::visit_sealed(db, visit));
    FAIRLEAD_CHECK(access::visit_sealed(db, visit));
    FAIRLEAD_CHECK(access::visit_sealed_connect_key(db, visit));
    FAIRLEAD_CHECK(mail::visit_sealed(db, visit));
    FAIRLEAD_CHECK(audit::visit_sealed(db, visit));
    FAIRLEAD_CHECK(backups::visit_sealed(db, visit));
    FAIRLEAD_CHECK(certificates::visit_sealed(db, visit));
    FAIRLEAD_CHECK(imports::visit_sealed(db, visit));
    FAIRLEAD_CHECK(pushes::visit_sealed(db, visit));
    FAIRLEAD_CHECK(tunnels::visit_sealed(db, visit));
    FAIRLEAD_CHECK(webhooks::visit_sealed(db, visit));
    return environments::visit_sealed(db, visit);
}

/// How many values each key sealed, by the key's id.
using Counts = std::map<std::string, std::int64_t>;

Result<Counts> count_by_key(store::Connection& db) {
    Counts counts;
    auto count = [&](std::string_view sealed, auto) -> Result<std::optional<std::string>> {
        FAIRLEAD_TRY(id, Keystore::key_of(sealed));
        ++counts[id];
        return std::optional<std::string>();
    };
    FAIRLEAD_CHECK(visit_all(db, count));
    return counts;
}

std::int64_t under_old_keys(const Counts& counts, const Keystore& keys) {
    std::int64_t old = 0;
    for (const auto& [id, count] : counts)
        if (id != keys.current()) old += count;
    return old;
}

template <class Work>
auto as_owner_of(const std::filesystem::path& folder, Work work) -> decltype(work()) {
    FAIRLEAD_TRY(owner, AsOwner::of(folder));
    return work();
}

/// The database and the master key of a controller that does not run, each as the owner of the
/// folder that it lies in.
class Workplace {
public:
    explicit Workplace(const Layout& layout) : layout_(layout) {}
    ~Workplace() { close(); }
    Workplace(const Workplace&) = delete;

    template <class Work>
    auto with_database(Work work) {
        return as_owner_of(layout_.data, std::move(work));
    }
    Result<> enter() {
        if (Keystore::is_credential())
            return fail(
                Errc::conflict,
                "A credential cannot be written. Run this outside of the unit, with master_key in "
                "controller.yaml naming the file that the credential comes from."
            );
        return with_database([&]() -> Result<> {
            FAIRLEAD_CHECK(expect_database(layout_));
            FAIRLEAD_TRY(lock, FolderLock::take(layout_));
            lock_ = std::move(lock);
            db_.emplace(layout_.database());
            return expect_schema(*db_);
        });
    }

    store::Connection& db() { return *db_; }
    Result<Counts> counts() {
        return with_database([&] { return count_by_key(*db_); });
    }
    /// `change`: Keystore::load, add_key or drop_old_keys.
    Result<Keystore> key(Result<Keystore> (*change)(const std::filesystem::path&)) {
        const auto& file = layout_.master_key();
        return as_owner_of(file.parent_path(), [&] { return change(file); });
    }

private:
    void close() {
        auto closed = with_database([&]() -> Result<> {
            db_.reset();
            return {};
        });
        static_cast<void>(closed);
    }

    const Layout& layout_;
    std::optional<FolderLock> lock_;
    std::optional<store::Connection> db_;
};

} // namespace

Result<std::string> rekey(const Settings& settings, const Clock& clock) {
    Layout layout(settings);
    Workplace work(layout);
    FAIRLEAD_CHECK(work.enter());
    FAIRLEAD_TRY(keys, work.key(&Keystore::load));
    FAIRLEAD_TRY(before, work.counts());
    // Values of older keys: an earlier run was stopped before its end, or an older backup was
    // restored.
    bool finishing = under_old_keys(before, keys) > 0;
    if (!finishing) {
        FAIRLEAD_TRY(added, work.key(&Keystore::add_key));
        keys = std::move(added);
    }
    std::int64_t count = 0;
    auto renew = [&](std::string_view sealed,
                     std::string_view place) -> Result<std::optional<std::string>> {
        FAIRLEAD_TRY(id, Keystore::key_of(sealed));
        if (id == keys.current()) return std::optional<std::string>();
        ++count;
        FAIRLEAD_TRY(renewed, keys.rekey(sealed, place));
        return std::optional(std::move(renewed));
    };
    auto id = crypto::hex_encode(keys.current());
    auto renew_all = [&]() -> Result<> {
        FAIRLEAD_CHECK(visit_all(work.db(), renew));
        api::Act act{
            .action = "keys.rekey",
            .target_type = "controller",
            .target_id = "master_key",
            .target_name = "Master key"};
        act.after = boost::json::object{{"key", id}, {"values", count}};
        store::UnitOfWork unit(work.db());
        return log_everywhere(unit, clock, act);
    };
    FAIRLEAD_CHECK(work.with_database([&] { return work.db().transaction(renew_all); }));
    return fmt::format(
        "{} values are sealed by the master key {} now{}. Keep a copy of {} elsewhere. Older keys "
        "are still in it, for backups made before now; once those are gone run: "
        "fairlead-controller "
        "keys forget",
        count, id, finishing ? ", which was there already: an earlier run had not finished" : "",
        layout.master_key().string()
    );
}

Result<std::string> forget_old_keys(const Settings& settings) {
    Layout layout(settings);
    Workplace work(layout);
    FAIRLEAD_CHECK(work.enter());
    FAIRLEAD_TRY(keys, work.key(&Keystore::load));
    FAIRLEAD_TRY(counts, work.counts());
    if (auto old = under_old_keys(counts, keys); old > 0)
        return fail(
            Errc::conflict,
            fmt::format(
                "{} values are sealed by an older key. Run first: fairlead-controller keys rekey",
                old
            )
        );
    FAIRLEAD_CHECK(work.key(&Keystore::drop_old_keys));
    return fmt::format(
        "{} holds one key now. Backups made under older ones cannot be restored with it.",
        layout.master_key().string()
    );
}

Result<std::string> list_keys(const Settings& settings) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    store::Connection db(layout.database(), {.access = store::Access::read_only});
    FAIRLEAD_CHECK(expect_schema(db));
    FAIRLEAD_TRY(keys, Keystore::load(layout.master_key()));
    FAIRLEAD_TRY(counts, count_by_key(db));
    std::string text;
    for (const auto& id : keys.ids())
        text += fmt::format(
            "{}{}: {} values{}", text.empty() ? "" : "\n", crypto::hex_encode(id), counts[id],
            id == keys.current() ? ", and seals new ones" : ""
        );
    return text;
}

} // namespace fairlead::app
