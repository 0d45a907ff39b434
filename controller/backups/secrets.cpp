// The keys of storages: sealed here, opened for the one delivery of an operation that needs them.
#include "controller/backups/backups.hpp"
#include "controller/backups/sealed.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

namespace fairlead::backups {
namespace {

/// What an operation's arguments say, whichever kind it is; nothing where they are of another one.
template <class Args, class Visit>
void visit_args(std::string_view kind, std::string_view of, const std::string& text, Visit visit) {
    if (kind != of) return;
    if (auto args = proto::read_text<Args>(text)) visit(*args);
}

struct Place {
    std::int64_t row = 0;
    OrgId org_id;
    StorageId id;
    store::Blob sealed;
    std::optional<store::Blob> sealed_token;
};
BOOST_DESCRIBE_STRUCT(Place, (), (row, org_id, id, sealed, sealed_token))

} // namespace

std::set<std::string> storages_of(std::string_view kind, const std::string& text) {
    std::set<std::string> ids;
    auto bucket = [&](const proto::Storage& storage) {
        if (!storage.id.empty()) ids.insert(storage.id);
    };
    auto backup = [&](const std::optional<proto::BackupArgs>& args) {
        if (args) bucket(args->settings.storage);
    };
    namespace k = proto::kind;
    visit_args<proto::StorageTestArgs>(kind, k::storage_test, text, [&](const auto& args) {
        bucket(args.storage);
    });
    visit_args<proto::BackupConfigureArgs>(kind, k::backup_configure, text, [&](const auto& args) {
        if (args.settings) bucket(args.settings->storage);
    });
    visit_args<proto::BackupArgs>(kind, k::backup, text, [&](const auto& args) {
        bucket(args.settings.storage);
    });
    visit_args<proto::BackupDeleteArgs>(kind, k::backup_delete, text, [&](const auto& args) {
        bucket(args.backup.storage);
    });
    visit_args<proto::DrillArgs>(kind, k::drill, text, [&](const auto& args) {
        bucket(args.backup.storage);
    });
    visit_args<proto::BackupGrantArgs>(kind, k::grant, text, [&](const auto& args) {
        bucket(args.backup.storage);
    });
    visit_args<proto::RestoreArgs>(kind, k::restore, text, [&](const auto& args) {
        bucket(args.backup.storage);
        backup(args.safety);
    });
    visit_args<proto::CloneArgs>(kind, k::clone, text, [&](const auto& args) {
        backup(args.safety);
    });
    visit_args<proto::ImportRunArgs>(kind, k::import_run, text, [&](const auto& args) {
        backup(args.safety);
    });
    visit_args<proto::DeployArgs>(kind, k::deploy, text, [&](const auto& args) {
        backup(args.backup_before);
    });
    visit_args<proto::EnvironmentArgs>(kind, k::remove, text, [&](const auto& args) {
        backup(args.last_backup);
    });
    return ids;
}

Result<std::map<std::string, std::string>> Backups::secrets(
    store::Connection& db, const Scope& scope, const Operation& operation, const std::string& args
) {
    std::map<std::string, std::string> secrets;
    // What a server began by itself it does with what it has.
    if (!operations::begun_here(operation.origin)) return secrets;
    StorageRepo repo(db, scope);
    for (const auto& text : storages_of(operation.kind, args)) {
        auto id = StorageId::trusted(text);
        FAIRLEAD_TRY(sealed, repo.sealed(id));
        if (!sealed)
            return fail(
                Errc::not_found, "The storage of this backup was deleted since. Choose another one."
            );
        auto open = [&](const store::Blob& value, const std::string& context,
                        std::string name) -> Result<> {
            auto opened = parts_.keys.open(value.bytes, context);
            if (!opened)
                return fail(
                    Errc::internal,
                    "The keys of the storage cannot be opened with this controller's keystore. "
                    "Store them anew.",
                    opened.error().message()
                );
            secrets.emplace(std::move(name), std::string(opened->reveal()));
            return {};
        };
        FAIRLEAD_CHECK(open(sealed->sealed, secret_context(id), "storage:" + text));
        if (sealed->sealed_token)
            FAIRLEAD_CHECK(open(*sealed->sealed_token, token_context(id), "storage_token:" + text));
    }
    return secrets;
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<Place>(
        db,
        "SELECT rowid AS row, org_id, id, sealed, sealed_token FROM storage WHERE rowid > $1 ORDER "
        "BY rowid LIMIT $2",
        [&](const Place& place) -> Result<> {
            auto put_secret = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE storage SET sealed = $3 WHERE org_id = $1 AND id = $2", place.org_id,
                    place.id, now
                );
            };
            FAIRLEAD_CHECK(api::visit_one(visit, place.sealed, secret_context(place.id), put_secret)
            );
            if (!place.sealed_token) return {};
            auto put_token = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE storage SET sealed_token = $3 WHERE org_id = $1 AND id = $2",
                    place.org_id, place.id, now
                );
            };
            return api::visit_one(visit, *place.sealed_token, token_context(place.id), put_token);
        }
    );
}

} // namespace fairlead::backups
