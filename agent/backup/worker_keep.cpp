// What the bucket holds of an environment: backups by their manifests, and what is of use no more.
#include "agent/archive/layout.hpp"
#include "agent/archive/reclaim.hpp"
#include "agent/backup/catalogue.hpp"
#include "agent/backup/known.hpp"
#include "agent/backup/place.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/time_zone.hpp"
#include "proto/retention.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace fairlead::backup {
namespace {

constexpr std::size_t most_backups = 2000;
/// Objects without a manifest are left alone for so long: somebody may be making that backup.
constexpr auto grace = std::chrono::hours(24);
/// Beside what is known of the bucket: ids of backups that are being removed, one a line.
constexpr std::string_view going_note = "going";
constexpr std::size_t largest_note = 1 << 20;

struct Leftover {
    std::vector<std::string> keys;
    Timestamp newest{};
    bool whole = false;
};

/// All objects below backups/, by backup.
Result<std::map<std::string, Leftover>> objects_by_backup(Worker& worker) {
    std::map<std::string, Leftover> found;
    const auto& environment = worker.job.environment_id;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::backups_prefix(environment),
        [&](const bucket::Object& object) -> Result<> {
            auto id = archive::backup_of_key(environment, object.key);
            if (!id) return {}; // not ours
            auto& one = found[*id];
            one.keys.push_back(object.key);
            if (object.modified) one.newest = std::max(one.newest, *object.modified);
            one.whole = one.whole || object.key == archive::manifest_key(environment, *id);
            if (found.size() > 2 * most_backups)
                return fail(
                    Errc::invalid,
                    fmt::format("The bucket has more than {} backups here.", most_backups)
                );
            return {};
        }
    ));
    return found;
}

/// First the manifest: what is removed half-way is no backup any more.
Result<> remove_objects(Worker& worker, const std::string& id, std::vector<std::string> keys) {
    FAIRLEAD_CHECK(worker.bucket.remove(archive::manifest_key(worker.job.environment_id, id)));
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::grants_prefix(worker.job.environment_id, id),
        [&](const bucket::Object& object) -> Result<> {
            keys.push_back(object.key);
            return {};
        }
    ));
    return worker.bucket.remove(keys);
}

using Ids = std::set<std::string, std::less<>>;

/// Those that an earlier run began to remove and may not have come to the end of.
Ids noted_as_going(Worker& worker) {
    Ids ids;
    auto text = read_file(worker.folder(going_note), largest_note);
    std::string_view left = text ? std::string_view(*text) : std::string_view();
    while (!left.empty()) {
        auto line = left.substr(0, left.find('\n'));
        left.remove_prefix(std::min(line.size() + 1, left.size()));
        if (archive::is_backup_id(line)) ids.emplace(line);
    }
    return ids;
}

Result<> note_as_going(Worker& worker, const Ids& ids) {
    return write_file(worker.folder(going_note), fmt::format("{}", fmt::join(ids, "\n")), 0600);
}

/// Packs that no backup of `kept` names go; what the newest hardly uses is sent anew next time.
Result<std::uint64_t> reclaim(Worker& worker, const std::vector<Listed>& kept) {
    std::set<std::string, std::less<>> named;
    for (const auto& backup : kept)
        for (const auto& pack : backup.manifest.filestore.packs)
            if (auto name = archive::pack_of_key(worker.job.environment_id, pack.object.key))
                named.insert(*name);
    // Of an environment that is not on this server any more, nothing is known and nothing relied
    // on.
    std::optional<Known> known;
    if (!worker.job.folder.empty()) {
        FAIRLEAD_TRY(loaded, Known::load(worker));
        known = std::move(loaded);
    }
    std::vector<archive::ListedPack> listed;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::packs_prefix(worker.job.environment_id),
        [&](const bucket::Object& object) -> Result<> {
            auto name = archive::pack_of_key(worker.job.environment_id, object.key);
            if (!name) return {};
            std::uint64_t content = 0;
            if (known && known->packs().contains(*name))
                content = known->packs().at(*name).content_bytes;
            listed.push_back({*name, object.modified.value_or(worker.clock.now()), content});
            return {};
        }
    ));
    archive::PackUse use;
    if (known && !kept.empty()) {
        FAIRLEAD_TRY(table, file_table(worker, kept.front().manifest));
        FAIRLEAD_CHECK(table.each([&](const archive::FileEntry& entry) -> Result<> {
            use.add(entry);
            return {};
        }));
    }
    auto plan = archive::packs_to_reclaim(listed, use, grace, worker.clock.now());
    std::vector<std::string> keys;
    std::set<std::string, std::less<>> retired(plan.rewrite.begin(), plan.rewrite.end());
    for (const auto& name : plan.remove) {
        retired.insert(name);
        if (!named.contains(name))
            keys.push_back(archive::pack_key(worker.job.environment_id, name));
    }
    // Forgotten before they go: a backup must not rely on what is being removed.
    if (known) {
        known->keep_packs([&](std::string_view name) { return !retired.contains(name); });
        FAIRLEAD_CHECK(known->save());
    }
    FAIRLEAD_CHECK(worker.bucket.remove(keys));
    return keys.size();
}

} // namespace

Result<std::vector<Listed>> catalogue(Worker& worker, std::vector<std::string>* unreadable) {
    FAIRLEAD_TRY(objects, objects_by_backup(worker));
    std::vector<Listed> backups;
    for (const auto& [id, found] : objects) {
        if (!found.whole) continue;
        FAIRLEAD_TRY(
            text, worker.bucket.get(
                      archive::manifest_key(worker.job.environment_id, id), archive::manifest_limit
                  )
        );
        auto manifest = archive::read_manifest(text);
        if (!manifest) {
            worker.say.warn(
                fmt::format("The manifest of {} cannot be read: {}", id, manifest.error().message())
            );
            if (unreadable) unreadable->push_back(id);
            continue;
        }
        FAIRLEAD_TRY(started, from_rfc3339(manifest->started_at));
        backups.push_back({std::move(*manifest), started});
    }
    std::ranges::sort(backups, std::greater<>(), &Listed::started);
    return backups;
}

Result<Answer> list_backups(Worker& worker) {
    FAIRLEAD_TRY(backups, catalogue(worker));
    Answer answer;
    for (const auto& backup : backups)
        answer.backups.push_back(archive::info_of(backup.manifest, worker.job.storage.id));
    return answer;
}

Result<archive::Manifest> manifest_of(Worker& worker) {
    const auto& job = worker.job;
    auto text = worker.bucket.get(
        archive::manifest_key(job.environment_id, job.backup_id), archive::manifest_limit
    );
    if (!text && object_missing(text.error()))
        return fail(Error(
                        Errc::not_found,
                        fmt::format(
                            "The bucket {} has no backup {}: it was removed, or never whole.",
                            job.storage.bucket, job.backup_id
                        )
        )
                        .with_code("backup_missing"));
    FAIRLEAD_CHECK(text);
    FAIRLEAD_TRY(manifest, archive::read_manifest(*text));
    if (manifest.id != job.backup_id || manifest.environment.id != job.environment_id)
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "The manifest where {} should be is that of {}: somebody moved it.",
                            job.backup_id, manifest.id
                        )
        )
                        .with_code("backup_damaged"));
    return manifest;
}

Result<Answer> inspect(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    std::vector<archive::StoredObject> wanted{manifest.database.object, manifest.filestore.list};
    for (const auto& object : wanted) {
        auto there = worker.bucket.head(object.key);
        if (there && there->bytes == object.bytes) continue;
        if (!there && there.error().kind() != Errc::not_found) return fail(there.error());
        return fail(Error(
                        Errc::invalid, fmt::format(
                                           "{} is {}: the backup is not whole.", object.key,
                                           there ? "cut or altered" : "not in the bucket any more"
                                       )
        )
                        .with_code("backup_damaged"));
    }
    std::map<std::string, std::uint64_t> packs;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::packs_prefix(worker.job.environment_id),
        [&](const bucket::Object& object) -> Result<> {
            packs.emplace(object.key, object.bytes);
            return {};
        }
    ));
    for (const auto& pack : manifest.filestore.packs) {
        auto there = packs.find(pack.object.key);
        if (there != packs.end() && there->second == pack.object.bytes) continue;
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "{} is {}: the backup is not whole.", pack.object.key,
                            there == packs.end() ? "not in the bucket any more" : "cut or altered"
                        )
        )
                        .with_code("backup_damaged"));
    }
    if (worker.job.granted)
        for (const auto& object : objects_of(manifest))
            if (!worker.file_keys.contains(object.key))
                return fail(Error(
                                Errc::invalid,
                                fmt::format("The grant does not open {}: make it anew.", object.key)
                )
                                .with_code("grant_wrong"));
    Answer answer;
    answer.backups.push_back(archive::info_of(manifest, worker.job.storage.id));
    manifest.filestore.packs.clear();
    answer.manifest = std::move(manifest);
    return answer;
}

Result<Answer> prune(Worker& worker) {
    clear_strays(worker.job.folder);
    std::vector<std::string> unreadable;
    FAIRLEAD_TRY(backups, catalogue(worker, &unreadable));
    std::vector<proto::Candidate> candidates;
    for (const auto& backup : backups) {
        const auto& id = backup.manifest.id;
        bool good = std::ranges::find(worker.job.bad, id) == worker.job.bad.end();
        candidates.push_back({id, backup.started, good});
    }
    FAIRLEAD_TRY(zone, TimeZone::load(worker.job.time_zone));
    auto plan = proto::plan_retention(std::move(candidates), worker.job.retention, zone);
    Answer answer;
    Ids going(plan.remove.begin(), plan.remove.end());
    auto begun = noted_as_going(worker);
    begun.insert(going.begin(), going.end());
    if (!begun.empty()) FAIRLEAD_CHECK(note_as_going(worker, begun));
    FAIRLEAD_TRY(objects, objects_by_backup(worker));
    for (auto& [id, found] : objects) {
        bool old = begun.contains(id) || worker.clock.now() - found.newest > grace;
        bool left_over = !found.whole && old;
        if (found.whole && !going.contains(id)) answer.stored.push_back(id);
        if (!going.contains(id) && !left_over) continue;
        FAIRLEAD_CHECK(remove_objects(worker, id, std::move(found.keys)));
        if (going.contains(id)) answer.removed.push_back(id);
    }
    std::error_code ignored;
    std::filesystem::remove(worker.folder(going_note), ignored);
    std::erase_if(backups, [&](const Listed& one) { return going.contains(one.manifest.id); });
    // A manifest that cannot be read may name any pack.
    if (!unreadable.empty()) return answer;
    FAIRLEAD_TRY(packs, reclaim(worker, backups));
    if (!answer.removed.empty() || packs > 0)
        worker.say.info(fmt::format(
            "{} backups that are not kept are gone, and {} packs that nothing used any more.",
            answer.removed.size(), packs
        ));
    return answer;
}

Result<Answer> remove_backup(Worker& worker) {
    FAIRLEAD_TRY(objects, objects_by_backup(worker));
    Answer answer;
    answer.removed.push_back(worker.job.backup_id);
    auto found = objects.find(worker.job.backup_id);
    if (found != objects.end())
        FAIRLEAD_CHECK(remove_objects(worker, found->first, std::move(found->second.keys)));
    std::vector<std::string> unreadable;
    FAIRLEAD_TRY(left, catalogue(worker, &unreadable));
    if (unreadable.empty()) FAIRLEAD_CHECK(reclaim(worker, left));
    return answer;
}

} // namespace fairlead::backup
