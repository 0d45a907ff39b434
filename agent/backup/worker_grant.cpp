// How another server comes to open a backup: the keys of its objects, and of nothing else, are
// encrypted anew for that server's environment.
#include "agent/archive/layout.hpp"
#include "agent/backup/worker_parts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace fairlead::backup {
namespace {

/// More than the header of a file for four recipients; one with more is read again.
constexpr std::size_t usual_header = 1024;
constexpr unsigned readers = 4;

tl::unexpected<Error> damaged(std::string text) {
    return fail(Error(Errc::invalid, std::move(text)).with_code("backup_damaged"));
}

Result<std::string>
beginning(Worker& worker, const archive::StoredObject& object, std::size_t bytes) {
    StringSink sink(bytes);
    bucket::Range range;
    range.length = std::min<std::uint64_t>(bytes, object.bytes);
    auto got = worker.bucket.get(object.key, sink, range);
    if (!got && object_missing(got.error()))
        return damaged(fmt::format("{} is not in the bucket any more.", object.key));
    FAIRLEAD_CHECK(got);
    return std::move(sink.text);
}

Result<Secret> key_of(Worker& worker, const archive::StoredObject& object) {
    FAIRLEAD_TRY(head, beginning(worker, object, usual_header));
    // The last line of a header begins so.
    if (head.size() == usual_header && head.find("\n--- ") == std::string::npos) {
        FAIRLEAD_TRY(longer, beginning(worker, object, crypto::age_max_header));
        head = std::move(longer);
    }
    auto found = crypto::age_file_key(head, worker.identities);
    if (found) return std::move(*found);
    return fail(
        Error(found.error().kind(), fmt::format("{}: {}", object.key, found.error().message()))
            .with_code(found.error().code())
    );
}

/// Of all objects, a few at a time: a large filestore has thousands of packs.
Result<archive::FileKeys>
keys_of(Worker& worker, const std::vector<archive::StoredObject>& objects) {
    std::mutex mutex;
    archive::FileKeys keys;
    std::optional<Error> failed;
    std::atomic<std::size_t> next{0};
    auto read = [&] {
        for (;;) {
            auto at = next.fetch_add(1);
            if (at >= objects.size()) return;
            auto key = key_of(worker, objects[at]);
            std::lock_guard lock(mutex);
            if (failed) return;
            if (!key) {
                failed = std::move(key).error();
                return;
            }
            keys.emplace(objects[at].key, std::move(*key));
            worker.say.progress(keys.size(), objects.size(), "objects");
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < std::min<std::size_t>(readers, objects.size()); ++i)
            threads.emplace_back(read);
    }
    if (failed) return fail(*std::move(failed));
    return keys;
}

} // namespace

std::vector<archive::StoredObject> objects_of(const archive::Manifest& manifest) {
    std::vector<archive::StoredObject> objects{manifest.database.object, manifest.filestore.list};
    for (const auto& pack : manifest.filestore.packs) objects.push_back(pack.object);
    return objects;
}

Result<Answer> grant(Worker& worker) {
    if (worker.recipients.size() != 1) return fail(Errc::internal, "A grant is for one recipient.");
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    auto objects = objects_of(manifest);
    FAIRLEAD_TRY(keys, keys_of(worker, objects));
    const auto& recipient = worker.recipients.front();
    FAIRLEAD_TRY(
        sealed, archive::write_grant(
                    manifest.environment.id, manifest.id, recipient, keys, worker.clock.now()
                )
    );
    // It goes with its backup, so nothing is to hold it back.
    FAIRLEAD_CHECK(worker.bucket.put(
        archive::grant_key(manifest.environment.id, manifest.id, recipient.str()), sealed,
        bucket::Lock::none
    ));
    Answer answer;
    answer.files = objects.size();
    answer.sent_bytes = sealed.size();
    return answer;
}

Result<> use_grant(Worker& worker) {
    const auto& job = worker.job;
    if (worker.identities.size() != 1)
        return fail(Errc::internal, "A grant is opened with one identity.");
    auto recipient = worker.identities.front().recipient().str();
    auto sealed = worker.bucket.get(
        archive::grant_key(job.environment_id, job.backup_id, recipient), archive::grant_limit
    );
    if (!sealed && object_missing(sealed.error()))
        return fail(Error(
                        Errc::not_found,
                        fmt::format(
                            "The key that opens {} is on the server that made it, and that one has "
                            "not granted it to {}.",
                            job.backup_id, recipient
                        )
        )
                        .with_code("backup_key_elsewhere"));
    FAIRLEAD_CHECK(sealed);
    FAIRLEAD_TRY(
        keys, archive::read_grant(*sealed, worker.identities, job.environment_id, job.backup_id)
    );
    worker.file_keys = std::move(keys);
    return {};
}

crypto::AgeReader opener(const Worker& worker, std::string_view key, Sink& out) {
    auto found = worker.file_keys.find(key);
    if (found == worker.file_keys.end()) return crypto::AgeReader(out, worker.identities);
    return crypto::AgeReader(out, found->second.clone());
}

} // namespace fairlead::backup
