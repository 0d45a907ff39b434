/// What the tasks of a worker share.
#pragma once

#include "agent/archive/file_list.hpp"
#include "agent/archive/grant.hpp"
#include "agent/backup/job.hpp"
#include "agent/bucket/bucket.hpp"
#include "common/crypto/age.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/sink.hpp"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::backup {

/// Writes lines for the executor. Thread-safe.
class Reporter {
public:
    void info(std::string_view text) { log(text, false); }
    void warn(std::string_view text) { log(text, true); }
    /// Twice a second at most.
    void progress(std::uint64_t done, std::uint64_t total, std::string_view unit = "MiB");
    void answer(Answer answer);
    void problem(const Error& error);

private:
    void log(std::string_view text, bool warning);
    void write(const Line& line);

    std::mutex mutex_;
    std::chrono::steady_clock::time_point told_{};
};

/// One job with what it works with. After the change of user.
struct Worker {
    const Job& job;
    bucket::Bucket& bucket;
    Reporter& say;
    const Clock& clock;
    std::vector<crypto::Recipient> recipients;
    std::vector<crypto::Identity> identities;
    archive::FileKeys file_keys{}; ///< with a grant: see use_grant

    std::filesystem::path folder(std::string_view name) const {
        return std::filesystem::path(job.folder) / name;
    }
};

// ---- making (worker_make.cpp, worker_files.cpp)
Result<Answer> open_storage(Worker& worker);
Result<Answer> dump(Worker& worker);
Result<Answer> send_files(Worker& worker);
Result<Answer> seal(Worker& worker);
Result<Answer> discard(Worker& worker);

// ---- keeping (worker_keep.cpp)
Result<Answer> list_backups(Worker& worker);
Result<Answer> inspect(Worker& worker);
Result<Answer> prune(Worker& worker);
Result<Answer> remove_backup(Worker& worker);

// ---- loading (worker_load.cpp)
Result<Answer> load_database(Worker& worker);
Result<Answer> load_files(Worker& worker);
Result<Answer> sample_files(Worker& worker);
Result<Answer> save_database(Worker& worker);
Result<Answer> verify(Worker& worker);

// ---- importing (worker_import.cpp)
Result<Answer> import_task(const Job& job, Reporter& say);
// ---- granting (worker_grant.cpp)
/// Leaves in the bucket what lets the one recipient of the job open the one backup.
Result<Answer> grant(Worker& worker);
/// Reads the grant of job.backup_id for the job's identity. Errc::not_found, code
/// "backup_key_elsewhere", where there is none.
Result<> use_grant(Worker& worker);
/// Every object of the backup that is encrypted; read_manifest saw that they are its own.
std::vector<archive::StoredObject> objects_of(const archive::Manifest& manifest);

/// What opens an object of the backup: its granted key, or the identities.
crypto::AgeReader opener(const Worker& worker, std::string_view key, Sink& out);

/// The manifest of job.backup_id. Errc::not_found, code "backup_missing".
Result<archive::Manifest> manifest_of(Worker& worker);
Result<archive::FileTable> file_table(Worker& worker, const archive::Manifest& manifest);

/// Counts and hashes what passes.
class Meter final : public Sink {
public:
    explicit Meter(Sink& out) : out_(out) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes_given) override;
    Result<> finish() override { return out_.finish(); }

    std::uint64_t bytes = 0;
    std::string sha256() { return hash_.finish().hex(); }

private:
    Sink& out_;
    crypto::Sha256 hash_;
};

/// Tells how far a dump is, and counts it.
class Watched final : public Sink {
public:
    /// `expected`: bytes; a dump that grows past it is at its end all the time.
    Watched(Sink& out, Reporter& say, std::uint64_t expected)
        : out_(out), say_(say), expected_(expected) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> given) override;
    Result<> finish() override { return out_.finish(); }

    std::uint64_t bytes = 0;

private:
    Sink& out_;
    Reporter& say_;
    std::uint64_t expected_;
};

/// Of a read: that the object is not there, and not that the whole bucket is gone.
inline bool object_missing(const Error& error) {
    return error.kind() == Errc::not_found && error.code() != "storage_bucket_missing";
}

/// Fetches an object into `sink` (finished by it) and holds its size and hash against what the
/// manifest says. Errc::invalid, code "backup_damaged", naming the object.
Result<> fetch(Worker& worker, const archive::StoredObject& object, Sink& sink);

} // namespace fairlead::backup
