// A backup on its way back: every byte is held against its hash before anybody relies on it.
#include "agent/archive/layout.hpp"
#include "agent/archive/pack.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/worker_parts.hpp"
#include "agent/host/postgresql_words.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/program.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace fairlead::backup {
namespace {

constexpr auto longest_restore = std::chrono::hours(24);
constexpr std::uint64_t largest_list = std::uint64_t(4) << 30;
constexpr std::uint64_t largest_dump = std::uint64_t(1) << 44;

tl::unexpected<Error> damaged(std::string text) {
    return fail(Error(Errc::invalid, std::move(text)).with_code("backup_damaged"));
}

class IntoFile final : public Sink {
public:
    explicit IntoFile(Descriptor fd) : fd_(std::move(fd)) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            auto written = ::write(fd_.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0)
                return fail(Errc::internal, fmt::format("Cannot write: {}.", std::strerror(errno)));
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return {};
    }
    Result<> finish() override {
        if (::fsync(fd_.get()) != 0)
            return fail(Errc::internal, fmt::format("Cannot write: {}.", std::strerror(errno)));
        return {};
    }

private:
    Descriptor fd_;
};

class Nowhere final : public Sink {
public:
    using Sink::write;
    Result<> write(std::span<const std::byte> given) override {
        bytes += given.size();
        return {};
    }
    Result<> finish() override { return {}; }

    std::uint64_t bytes = 0;
};

/// Opens a dump and passes what it holds on.
Result<> open_dump(Worker& worker, const archive::Manifest& manifest, Sink& out) {
    archive::ZstdReader plain(out, largest_dump);
    auto opened = opener(worker, manifest.database.object.key, plain);
    return fetch(worker, manifest.database.object, opened);
}

std::uint64_t random_number() {
    auto bytes = crypto::random_bytes(sizeof(std::uint64_t));
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

Result<Descriptor> folder_to_fill(const std::filesystem::path& folder) {
    Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return fail(
            Errc::internal,
            fmt::format("Cannot open {}: {}.", folder.string(), std::strerror(errno))
        );
    return fd;
}

/// Fetches the packs that `wanted` names and writes its files.
Result<std::uint64_t> unpack(
    Worker& worker, const archive::Manifest& manifest, const archive::FileTable& wanted, int folder
) {
    auto needed = wanted.packs();
    std::vector<const archive::PackInfo*> packs;
    std::uint64_t total = 0;
    for (const auto& pack : manifest.filestore.packs) {
        auto name = archive::pack_of_key(manifest.environment.id, pack.object.key);
        if (!name || std::ranges::find(needed, *name) == needed.end()) continue;
        packs.push_back(&pack);
        total += pack.object.bytes;
    }
    if (packs.size() != needed.size())
        return damaged("The list of files names packs that the manifest does not.");
    std::uint64_t done = 0, files = 0;
    for (const auto* pack : packs) {
        auto name = *archive::pack_of_key(manifest.environment.id, pack->object.key);
        archive::UnpackOptions options;
        options.file_mode = 0640; // as Odoo's own umask in its unit
        options.folder_mode = 0750;
        if (auto key = worker.file_keys.find(pack->object.key); key != worker.file_keys.end())
            options.file_key = &key->second;
        archive::Unpacker unpacker(folder, name, wanted, worker.identities, options);
        FAIRLEAD_CHECK(fetch(worker, pack->object, unpacker));
        done += pack->object.bytes;
        files += unpacker.files();
        worker.say.progress(done, total);
    }
    return files;
}

} // namespace

Result<> Meter::write(std::span<const std::byte> bytes_given) {
    bytes += bytes_given.size();
    hash_.add({reinterpret_cast<const char*>(bytes_given.data()), bytes_given.size()});
    return out_.write(bytes_given);
}

Result<> Watched::write(std::span<const std::byte> given) {
    bytes += given.size();
    say_.progress(bytes, std::max(expected_, bytes));
    return out_.write(given);
}

Result<> fetch(Worker& worker, const archive::StoredObject& object, Sink& sink) {
    Meter meter(sink);
    auto got = worker.bucket.get(object.key, meter);
    if (!got && object_missing(got.error()))
        return damaged(fmt::format("{} is not in the bucket any more.", object.key));
    // Who opens it sees the damage first, and knows no object.
    if (!got && got.error().code() == "backup_damaged")
        return damaged(fmt::format("{}: {}", object.key, got.error().message()));
    FAIRLEAD_CHECK(got);
    // Before the sink is told that this was all: what is not what was sent must not count.
    auto found = meter.sha256();
    if (meter.bytes != object.bytes)
        return damaged(fmt::format(
            "{} has {} bytes; it had {} when it was sent.", object.key, meter.bytes, object.bytes
        ));
    if (found != object.sha256)
        return damaged(fmt::format(
            "{} was altered: its SHA-256 is {} and was {}.", object.key, found, object.sha256
        ));
    return meter.finish();
}

Result<archive::FileTable> file_table(Worker& worker, const archive::Manifest& manifest) {
    archive::FileTable table;
    archive::FileListReader reader([&](const archive::FileEntry& entry) -> Result<> {
        table.add(entry);
        return {};
    });
    archive::ZstdReader plain(reader, largest_list);
    auto opened = opener(worker, manifest.filestore.list.key, plain);
    FAIRLEAD_CHECK(fetch(worker, manifest.filestore.list, opened));
    if (table.size() != manifest.filestore.files)
        return damaged("The list of files has another length than the manifest says.");
    return table;
}

Result<Answer> load_database(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    Command command;
    command.argv = {
        "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error",
        "--dbname=" + worker.job.database};
    command.environment = {{"HOME", "/nonexistent"}};
    command.deadline = longest_restore;
    IntoProgram restore(std::move(command), "restore_failed");
    Watched watched(restore, worker.say, manifest.database.dump_bytes);
    auto loaded = open_dump(worker, manifest, watched);
    if (!loaded && loaded.error().code() == "restore_failed")
        return fail(Error(
                        loaded.error().kind(), "pg_restore could not take the data: " +
                                                   host::without_values(restore.said())
        )
                        .with_code("restore_failed"));
    FAIRLEAD_CHECK(std::move(loaded));
    if (watched.bytes != manifest.database.dump_bytes)
        return damaged("The dump has another length than the manifest says.");
    Answer answer;
    answer.bytes = watched.bytes;
    return answer;
}

Result<Answer> save_database(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    auto file = worker.folder("database.dump");
    Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd)
        return fail(
            Errc::conflict, fmt::format("Cannot make {}: {}.", file.string(), std::strerror(errno))
        );
    IntoFile out(std::move(fd));
    FAIRLEAD_CHECK(open_dump(worker, manifest, out));
    return Answer{};
}

Result<Answer> load_files(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    FAIRLEAD_TRY(table, file_table(worker, manifest));
    FAIRLEAD_TRY(folder, folder_to_fill(worker.job.folder));
    Answer answer;
    FAIRLEAD_TRY(files, unpack(worker, manifest, table, folder.get()));
    answer.files = files;
    answer.bytes = table.content_bytes();
    return answer;
}

Result<Answer> sample_files(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    FAIRLEAD_TRY(table, file_table(worker, manifest));
    // Drawn anew each time: over many drills, every file has its turn.
    std::set<std::uint64_t> drawn;
    auto count = std::min<std::uint64_t>(worker.job.count, table.size());
    while (drawn.size() < count) drawn.insert(random_number() % table.size());
    archive::FileTable wanted;
    std::uint64_t at = 0;
    FAIRLEAD_CHECK(table.each([&](const archive::FileEntry& entry) -> Result<> {
        if (drawn.contains(at++)) wanted.add(entry);
        return {};
    }));
    FAIRLEAD_TRY(folder, folder_to_fill(worker.job.folder));
    FAIRLEAD_TRY(files, unpack(worker, manifest, wanted, folder.get()));
    Answer answer;
    answer.files = files;
    answer.bytes = wanted.content_bytes();
    return answer;
}

Result<Answer> verify(Worker& worker) {
    FAIRLEAD_TRY(manifest, manifest_of(worker));
    FAIRLEAD_TRY(table, file_table(worker, manifest));
    Nowhere dump;
    FAIRLEAD_CHECK(open_dump(worker, manifest, dump));
    if (dump.bytes != manifest.database.dump_bytes)
        return damaged("The dump has another length than the manifest says.");
    Answer answer;
    answer.bytes = dump.bytes;
    std::uint64_t done = 0, total = 0;
    for (const auto& pack : manifest.filestore.packs) total += pack.object.bytes;
    for (const auto& pack : manifest.filestore.packs) {
        Nowhere content;
        archive::ZstdReader plain(content, largest_dump);
        auto opened = opener(worker, pack.object.key, plain);
        FAIRLEAD_CHECK(fetch(worker, pack.object, opened));
        done += pack.object.bytes;
        answer.bytes += content.bytes;
        worker.say.progress(done, total);
    }
    answer.files = table.size();
    return answer;
}

} // namespace fairlead::backup
