// A backup on its way into the bucket: the database, the list, the manifest.
#include "agent/archive/layout.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/known.hpp"
#include "agent/backup/place.hpp"
#include "agent/backup/snapshot.hpp"
#include "agent/backup/worker_parts.hpp"
#include "agent/bucket/upload.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/program.hpp"

#include <fmt/core.h>

#include <array>
#include <map>
#include <thread>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_note = 32 << 20;
constexpr auto longest_dump = std::chrono::hours(24);
/// Beside what is known of the bucket: the id of the backup that was begun last.
constexpr std::string_view begun_note = "begun";

template <class T>
Result<T> load_note(const std::filesystem::path& file) {
    FAIRLEAD_TRY(text, read_file(file, largest_note));
    return json::decode<T>(text, json::Strictness::exact, largest_note);
}

bool same_object(const bucket::Object& there, const archive::StoredObject& wanted) {
    return there.bytes == wanted.bytes;
}

tl::unexpected<Error> not_there(const archive::StoredObject& object, std::string_view why) {
    return fail(
        Error(
            Errc::unavailable,
            fmt::format("The bucket took {} and now it {}: this is no backup.", object.key, why)
        )
            .with_code("storage_damaged")
    );
}

/// What was sent is asked for again: each object must be there, with its size.
Result<> look_again(Worker& worker, const archive::Manifest& manifest) {
    for (const auto* object : {&manifest.database.object, &manifest.filestore.list}) {
        auto there = worker.bucket.head(object->key);
        if (!there && there.error().kind() == Errc::not_found)
            return not_there(*object, "is not there");
        FAIRLEAD_CHECK(there);
        if (!same_object(*there, *object)) return not_there(*object, "has another size");
    }
    std::map<std::string, std::uint64_t> packs;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::packs_prefix(manifest.environment.id),
        [&](const bucket::Object& object) -> Result<> {
            packs.emplace(object.key, object.bytes);
            return {};
        }
    ));
    for (const auto& pack : manifest.filestore.packs) {
        auto there = packs.find(pack.object.key);
        if (there == packs.end()) return not_there(pack.object, "is not there");
        if (there->second != pack.object.bytes) return not_there(pack.object, "has another size");
    }
    return {};
}

/// The manifest as the bucket gives it back.
Result<> read_again(Worker& worker, const archive::Manifest& manifest, std::string_view text) {
    FAIRLEAD_TRY(
        read,
        worker.bucket.get(
            archive::manifest_key(manifest.environment.id, manifest.id), archive::manifest_limit
        )
    );
    if (read != text)
        return fail(
            Error(Errc::unavailable, "The bucket gives back another manifest than it was given.")
                .with_code("storage_damaged")
        );
    return {};
}

} // namespace

namespace {

/// Of an environment there is one operation at a time: what is unfinished is left over. A server
/// that cannot list its uploads clears them away by itself, or its owner does.
Result<> give_up_uploads(Worker& worker) {
    std::uint64_t given_up = 0;
    auto listed = worker.bucket.list_uploads(
        worker.job.environment_id + "/",
        [&](const bucket::Unfinished& upload) -> Result<> {
            ++given_up;
            return worker.bucket.abort_upload(upload.key, upload.id);
        }
    );
    if (given_up > 0)
        worker.say.info(fmt::format(
            "{} uploads that an earlier operation left unfinished are given up.", given_up
        ));
    if (!listed && listed.error().code() == "storage_not_supported") return {};
    return listed;
}

/// Packs stay for the next backup to use.
Result<> take_back(Worker& worker, const std::string& backup) {
    const auto& environment = worker.job.environment_id;
    // The manifest first: without it there is no backup.
    FAIRLEAD_CHECK(worker.bucket.remove(archive::manifest_key(environment, backup)));
    std::vector<std::string> keys;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::backup_prefix(environment, backup),
        [&](const bucket::Object& object) -> Result<> {
            keys.push_back(object.key);
            return {};
        }
    ));
    return worker.bucket.remove(keys);
}

/// What the last backup left where it failed and could not take it back, as the bucket was out of
/// reach.
Result<> take_back_last(Worker& worker) {
    auto last = read_file(worker.folder(begun_note), 100);
    if (!last || *last == worker.job.backup_id || !archive::is_backup_id(*last)) return {};
    auto whole = worker.bucket.head(archive::manifest_key(worker.job.environment_id, *last));
    if (whole) return {};
    if (whole.error().kind() != Errc::not_found) return fail(whole.error());
    return take_back(worker, *last);
}

} // namespace

Result<Answer> open_storage(Worker& worker) {
    clear_strays(worker.job.folder);
    FAIRLEAD_CHECK(give_up_uploads(worker));
    FAIRLEAD_CHECK(take_back_last(worker));
    auto there =
        worker.bucket.head(archive::manifest_key(worker.job.environment_id, worker.job.backup_id));
    if (there)
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "The bucket has a backup {} already; a new one needs a "
                                            "new id.",
                                            worker.job.backup_id
                                        )
        )
                        .with_code("backup_exists"));
    if (there.error().kind() != Errc::not_found) return fail(there.error());
    FAIRLEAD_CHECK(write_file(worker.folder(begun_note), worker.job.backup_id, 0600));
    // For the freeze, which holds what is not there.
    FAIRLEAD_TRY(known, Known::load(worker));
    FAIRLEAD_CHECK(known.save());
    return Answer{};
}

Result<Answer> dump(Worker& worker) {
    const auto& job = worker.job;
    FAIRLEAD_TRY(snapshot, Snapshot::begin(job.database));
    archive::DatabasePart part;
    part.dump_format = "custom";
    FAIRLEAD_CHECK(snapshot->count(part));
    FAIRLEAD_CHECK(snapshot->save_attachments(worker.folder("attachments")));

    part.object.key = archive::database_key(job.environment_id, job.backup_id);
    bucket::UploadOptions options;
    options.expected_bytes = part.logical_bytes;
    bucket::Upload upload(worker.bucket, part.object.key, options);
    crypto::AgeWriter sealed(upload, worker.recipients);
    // Compressing is most of the work: beside what reads, encrypts and sends it.
    auto threads = std::thread::hardware_concurrency() > 1 ? 2 : 0;
    archive::ZstdWriter packed(sealed, archive::ZstdWriter::default_level, threads);
    Watched watched(packed, worker.say, part.logical_bytes);
    Command command;
    // Uncompressed: zstd does that better, and pg_restore reads it all the same.
    command.argv = {
        "pg_dump",
        "--format=custom",
        "--compress=0",
        "--no-owner",
        "--no-privileges",
        "--lock-wait-timeout=60s",
        "--snapshot=" + snapshot->id(),
        "--dbname=" + job.database};
    command.environment = {{"HOME", "/nonexistent"}};
    command.deadline = longest_dump;
    FAIRLEAD_CHECK(stream_from(command, watched, "pg_dump", "dump_failed"));
    FAIRLEAD_CHECK(watched.finish());
    FAIRLEAD_CHECK(snapshot->end());
    part.dump_bytes = watched.bytes;
    part.object.bytes = upload.bytes();
    part.object.sha256 = upload.sha256().hex();
    FAIRLEAD_CHECK(write_file(worker.folder("dump.json"), json::encode(part), 0600));
    Answer answer;
    answer.sent_bytes = upload.bytes();
    answer.bytes = watched.bytes;
    return answer;
}

Result<Answer> seal(Worker& worker) {
    const auto& job = worker.job;
    if (!job.manifest) return fail(Errc::internal, "The job has no manifest.");
    auto manifest = *job.manifest;
    FAIRLEAD_TRY(database, load_note<archive::DatabasePart>(worker.folder("dump.json")));
    FAIRLEAD_TRY(files, load_note<archive::FilestorePart>(worker.folder("files.json")));
    FAIRLEAD_TRY(sent, load_note<std::uint64_t>(worker.folder("sent.json")));
    manifest.database = database;
    manifest.filestore = files;
    manifest.recipients = job.recipients;
    manifest.sent_bytes = sent + database.object.bytes + files.list.bytes;
    manifest.finished_at = to_rfc3339(worker.clock.now());
    auto text = archive::write_manifest(manifest);
    FAIRLEAD_CHECK(archive::read_manifest(text));
    // Before there is a manifest: what was found bad must never look like a backup.
    FAIRLEAD_CHECK(look_again(worker, manifest));
    worker.say.progress(1, 2, "steps");
    FAIRLEAD_CHECK(worker.bucket.put(archive::manifest_key(job.environment_id, job.backup_id), text)
    );
    FAIRLEAD_CHECK(read_again(worker, manifest, text));
    Answer answer;
    answer.backups.push_back(archive::info_of(manifest, job.storage.id));
    return answer;
}

Result<Answer> discard(Worker& worker) {
    FAIRLEAD_CHECK(give_up_uploads(worker));
    FAIRLEAD_CHECK(take_back(worker, worker.job.backup_id));
    return Answer{};
}

} // namespace fairlead::backup
