// The filestore on its way into the bucket: what is there already stays, the rest travels in packs.
#include "agent/archive/index.hpp"
#include "agent/archive/layout.hpp"
#include "agent/archive/pack.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/known.hpp"
#include "agent/bucket/upload.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

namespace fairlead::backup {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

/// A crash costs what was sent since.
constexpr auto between_saves = std::chrono::seconds(20);
/// Odoo's own notes for its garbage collection: nothing that a backup must have.
constexpr std::string_view left_out = "checklist";

struct Found {
    std::string path; ///< below the filestore
    std::uint64_t size = 0;
};

/// The files of one folder of the filestore, by name.
Result<>
each_folder(const fs::path& root, const std::function<Result<>(std::vector<Found>)>& visit) {
    std::error_code error;
    std::vector<std::string> folders{""};
    while (!folders.empty()) {
        auto folder = std::move(folders.back());
        folders.pop_back();
        std::vector<Found> files;
        std::vector<std::string> below;
        fs::directory_iterator at(root / folder, error), end;
        for (; !error && at != end; at.increment(error)) {
            auto name = at->path().filename().string();
            auto path = folder.empty() ? name : folder + "/" + name;
            struct stat info {};
            if (::lstat(at->path().c_str(), &info) != 0) continue;
            if (S_ISDIR(info.st_mode) && path != left_out) below.push_back(std::move(path));
            if (S_ISREG(info.st_mode))
                files.push_back({std::move(path), static_cast<std::uint64_t>(info.st_size)});
        }
        if (error)
            return fail(
                Errc::internal,
                fmt::format("Cannot read {}: {}.", (root / folder).string(), error.message())
            );
        std::ranges::sort(files, {}, &Found::path);
        std::ranges::sort(below, std::greater<>());
        std::ranges::move(below, std::back_inserter(folders));
        FAIRLEAD_CHECK(visit(std::move(files)));
    }
    return {};
}

/// How many of the paths that the database names no file has.
Result<std::uint64_t> count_missing(Worker& worker, const archive::FileTable& table) {
    std::ifstream names(worker.folder("attachments"));
    std::uint64_t missing = 0;
    std::vector<std::string> some;
    for (std::string line; std::getline(names, line);) {
        if (table.find(line)) continue;
        ++missing;
        if (some.size() < 5) some.push_back(line);
    }
    if (missing > 0)
        worker.say.warn(fmt::format(
            "{} files that attachments name are not in the filestore, so the backup cannot have "
            "them either: {}{}",
            missing, fmt::join(some, ", "), missing > some.size() ? ", …" : "."
        ));
    return missing;
}

/// Sends what the bucket has not, and collects what the backup's list says.
class Sender {
public:
    Sender(Worker& worker, Known& known, int folder, std::uint64_t expected)
        : worker_(worker), known_(known), expected_(expected),
          packer_(
              folder, worker.recipients, worker.clock,
              [this](const std::string& pack) { return open(pack); },
              [this](archive::FinishedPack pack) { return done(std::move(pack)); }
          ) {}

    Result<> add(const Found& file) {
        ++files_;
        bytes_ += file.size;
        worker_.say.progress(bytes_, std::max(expected_, bytes_));
        if (auto there = known_.entry(file.path, file.size)) {
            table_.add(*there);
            return {};
        }
        auto packed = packer_.add(file.path);
        if (packed) return {};
        const auto& code = packed.error().code();
        if (code == "file_missing") return {}; // a name of Odoo's that lived for a moment
        if (code != "file_refused") return packed;
        worker_.say.warn(packed.error().message());
        return {};
    }

    Result<> finish() {
        FAIRLEAD_CHECK(packer_.finish());
        if (packer_.mismatched() > 0)
            worker_.say.warn(fmt::format(
                "{} files do not hold what their name says: somebody changed them on the server. "
                "They are in the backup as they are: {}.",
                packer_.mismatched(), fmt::join(packer_.mismatched_names(), ", ")
            ));
        return known_.save();
    }

    const archive::FileTable& table() const { return table_; }
    std::uint64_t sent() const { return sent_; }
    std::uint64_t mismatched() const { return packer_.mismatched(); }

private:
    Result<std::unique_ptr<Sink>> open(const std::string& pack) {
        return std::make_unique<bucket::Upload>(
            worker_.bucket, archive::pack_key(worker_.job.environment_id, pack)
        );
    }

    Result<> done(archive::FinishedPack pack) {
        sent_ += pack.stored_bytes;
        for (const auto& entry : pack.members) table_.add(entry);
        archive::PackInfo info;
        info.object = {
            archive::pack_key(worker_.job.environment_id, pack.name), pack.stored_bytes,
            pack.sha256.hex()};
        info.files = pack.members.size();
        info.content_bytes = pack.content_bytes;
        known_.add(pack.name, std::move(info), pack.members);
        if (Steady::now() - saved_ < between_saves) return {};
        saved_ = Steady::now();
        return known_.save();
    }

    Worker& worker_;
    Known& known_;
    std::uint64_t expected_, files_ = 0, bytes_ = 0, sent_ = 0;
    archive::FileTable table_;
    Steady::time_point saved_ = Steady::now();
    archive::Packer packer_;
};

} // namespace

Result<Answer> send_files(Worker& worker) {
    const auto& job = worker.job;
    fs::path root = job.source;
    FAIRLEAD_TRY(known, Known::load(worker));
    std::uint64_t expected = 0;
    FAIRLEAD_CHECK(each_folder(root, [&](std::vector<Found> files) -> Result<> {
        for (const auto& file : files) expected += file.size;
        return {};
    }));
    Descriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder)
        return fail(
            Errc::internal, fmt::format("Cannot open {}: {}.", root.string(), std::strerror(errno))
        );
    Sender sender(worker, known, folder.get(), expected);
    // Large files last: each begins a pack of its own.
    auto send = [&](bool large) {
        return each_folder(root, [&](std::vector<Found> files) -> Result<> {
            for (const auto& file : files)
                if ((file.size > archive::PackerOptions{}.single_bytes) == large)
                    FAIRLEAD_CHECK(sender.add(file));
            return {};
        });
    };
    auto sending = send(false);
    if (sending) sending = send(true);
    if (!sending) {
        (void)known.save(); // what is in the bucket need not be sent again
        return fail(sending.error());
    }
    FAIRLEAD_CHECK(sender.finish());

    archive::FilestorePart part;
    part.list.key = archive::files_key(job.environment_id, job.backup_id);
    bucket::Upload upload(worker.bucket, part.list.key);
    crypto::AgeWriter sealed(upload, worker.recipients);
    archive::ZstdWriter packed(sealed);
    archive::FileListWriter list(packed);
    FAIRLEAD_CHECK(sender.table().each([&](const archive::FileEntry& entry) {
        return list.add(entry);
    }));
    FAIRLEAD_CHECK(list.finish());
    part.list.bytes = upload.bytes();
    part.list.sha256 = upload.sha256().hex();
    part.files = sender.table().size();
    part.bytes = sender.table().content_bytes();
    part.mismatched = sender.mismatched();
    FAIRLEAD_TRY(missing, count_missing(worker, sender.table()));
    part.missing = missing;
    for (const auto& pack : sender.table().packs()) {
        FAIRLEAD_TRY(info, known.pack(pack));
        part.packs.push_back(info);
    }
    FAIRLEAD_CHECK(write_file(worker.folder("files.json"), json::encode(part), 0600));
    FAIRLEAD_CHECK(write_file(worker.folder("sent.json"), json::encode(sender.sent()), 0600));
    Answer answer;
    answer.files = part.files;
    answer.bytes = part.bytes;
    answer.sent_bytes = sender.sent();
    return answer;
}

} // namespace fairlead::backup
