// The filestore on its way into the bucket: what is there already stays, the rest travels in packs.
#include "agent/archive/index.hpp"
#include "agent/archive/layout.hpp"
#include "agent/archive/pack.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/known.hpp"
#include "agent/bucket/upload.hpp"
#include "agent/host/walk.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <thread>
#include <utility>

namespace fairlead::backup {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

/// A pack that fits into one part goes in one request, which servers take for half the price of a
/// multipart upload; very many packs would make long manifests, so there they are larger.
constexpr std::uint64_t smallest_pack = bucket::smallest_part - bucket::smallest_part / 16;
constexpr std::uint64_t largest_pack = 32ULL << 20;
constexpr std::uint64_t most_small_packs = 2'000;
/// Packs on their way and the one that is filled, at 5 MiB each.
constexpr unsigned pack_buffers = 6;

/// A crash costs what was sent since.
constexpr auto between_saves = std::chrono::seconds(20);
/// Odoo's own notes for its garbage collection: nothing that a backup must have.
constexpr std::string_view left_out = "checklist", left_out_below = "checklist/";

/// How many of the paths that the database names no file has.
Result<std::uint64_t> count_missing(Worker& worker, const archive::FileTable& table) {
    auto file = worker.folder("attachments");
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> names(
        std::fopen(file.c_str(), "re"), &std::fclose
    );
    if (!names)
        return fail(
            Errc::internal, fmt::format("Cannot read {}: {}.", file.string(), std::strerror(errno))
        );
    std::uint64_t missing = 0;
    std::vector<std::string> some;
    char* line = nullptr;
    std::size_t room = 0;
    for (::ssize_t size = 0; (size = ::getline(&line, &room, names.get())) > 0;) {
        std::string_view name(line, static_cast<std::size_t>(size));
        if (name.ends_with('\n')) name.remove_suffix(1);
        if (table.find(name)) continue;
        ++missing;
        if (some.size() < 5) some.emplace_back(name);
    }
    std::free(line);
    if (missing > 0)
        worker.say.warn(fmt::format(
            "{} files that attachments name are not in the filestore, so the backup cannot have "
            "them either: {}{}",
            missing, fmt::join(some, ", "), missing > some.size() ? ", …" : "."
        ));
    return missing;
}

/// A pack of which all is written, and whose last parts may still be on their way.
struct Ending {
    archive::FinishedPack pack;
    std::unique_ptr<bucket::Upload> upload;
    Result<> finished;
    std::jthread thread; ///< ends before what it works on
};

/// Sends what the bucket has not, and collects what the backup's list says.
class Sender {
public:
    Sender(Worker& worker, Known& known, int folder)
        : worker_(worker), known_(known),
          packer_(
              folder, worker.recipients, worker.clock,
              [this](const std::string& pack) { return open(pack); },
              [this](archive::FinishedPack pack) { return done(std::move(pack)); },
              {.pack_bytes = std::clamp(
                   worker.job.expected_bytes / most_small_packs, smallest_pack, largest_pack
               )}
          ) {}

    /// What the freeze found in the bucket.
    Result<> held(const archive::Index& list) {
        return list.files.each([&](const archive::FileEntry& entry) -> Result<> {
            tell(entry.size);
            if (auto there = known_.entry(entry.path, entry.size))
                table_.add(*there);
            else
                lost_.push_back(entry.path);
            return {};
        });
    }

    Result<> add(const std::string& path, std::uint64_t size) {
        tell(size);
        if (auto there = known_.entry(path, size)) {
            table_.add(*there);
            return {};
        }
        auto packed = packer_.add(path);
        if (packed) return {};
        const auto& code = packed.error().code();
        if (code == "file_missing") return {}; // a name of Odoo's that lived for a moment
        if (code != "file_refused") return packed;
        worker_.say.warn(packed.error().message());
        return {};
    }

    /// Waits until no more than `left` packs are on their way. Also where something else went
    /// wrong: a pack that is in the bucket need not be sent again.
    Result<> end_all_but(std::size_t left) {
        Result<> first;
        while (ending_.size() > left) {
            auto ended = end_one();
            if (!ended && first) first = std::move(ended);
        }
        return first;
    }

    Result<> finish() {
        FAIRLEAD_CHECK(packer_.finish());
        FAIRLEAD_CHECK(end_all_but(0));
        for (const auto& path : lost_)
            if (!table_.find(path))
                return fail(
                    Error(
                        Errc::conflict,
                        fmt::format(
                            "The bucket lost packs while this backup was made, and {} was in one "
                            "of them. Back up again: what is missing is sent anew.",
                            path
                        )
                    )
                        .with_code("storage_changed")
                );
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
    /// Takes a pack's bytes; what follows the last of them is `Ending`.
    class Filling final : public Sink {
    public:
        Filling(Sender& sender, const std::string& pack)
            : sender_(sender),
              upload_(std::make_unique<bucket::Upload>(
                  sender.worker_.bucket, archive::pack_key(sender.worker_.job.environment_id, pack),
                  bucket::UploadOptions{.looked_at_later = true, .buffers = sender.buffers_}
              )) {}
        Result<> write(std::span<const std::byte> bytes) override { return upload_->write(bytes); }
        Result<> finish() override {
            sender_.filled_ = std::move(upload_);
            return {};
        }

    private:
        Sender& sender_;
        std::unique_ptr<bucket::Upload> upload_;
    };

    Result<std::unique_ptr<Sink>> open(const std::string& pack) {
        return std::make_unique<Filling>(*this, pack);
    }

    Result<> done(archive::FinishedPack pack) {
        // One buffer is for the next pack.
        FAIRLEAD_CHECK(end_all_but(pack_buffers - 2));
        auto ending = std::make_unique<Ending>();
        ending->pack = std::move(pack);
        ending->upload = std::move(filled_);
        ending->thread =
            std::jthread([one = ending.get()] { one->finished = one->upload->finish(); });
        ending_.push_back(std::move(ending));
        return {};
    }

    /// The oldest.
    Result<> end_one() {
        auto ended = std::move(ending_.front());
        ending_.pop_front();
        ended->thread.join();
        FAIRLEAD_CHECK(ended->finished);
        const auto& pack = ended->pack;
        sent_ += ended->upload->bytes();
        for (const auto& entry : pack.members) table_.add(entry);
        archive::PackInfo info;
        info.object = {
            archive::pack_key(worker_.job.environment_id, pack.name), ended->upload->bytes(),
            ended->upload->sha256().hex()};
        info.files = pack.members.size();
        info.content_bytes = pack.content_bytes;
        known_.add(pack.name, std::move(info), pack.members);
        if (Steady::now() - saved_ < between_saves) return {};
        saved_ = Steady::now();
        return known_.save();
    }

    void tell(std::uint64_t size) {
        bytes_ += size;
        worker_.say.progress(bytes_, std::max(worker_.job.expected_bytes, bytes_));
    }

    Worker& worker_;
    Known& known_;
    std::shared_ptr<bucket::PartBuffers> buffers_ =
        std::make_shared<bucket::PartBuffers>(pack_buffers);
    std::uint64_t bytes_ = 0, sent_ = 0;
    archive::FileTable table_;
    std::vector<std::string> lost_; ///< what the freeze found in packs that are gone since
    Steady::time_point saved_ = Steady::now();
    std::unique_ptr<bucket::Upload> filled_;
    std::deque<std::unique_ptr<Ending>> ending_; ///< oldest first
    archive::Packer packer_;
};

} // namespace

Result<Answer> send_files(Worker& worker) {
    const auto& job = worker.job;
    FAIRLEAD_TRY(known, Known::load(worker));
    fs::path root = job.source;
    Descriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder)
        return fail(
            Errc::internal, fmt::format("Cannot open {}: {}.", root.string(), std::strerror(errno))
        );
    Sender sender(worker, known, folder.get());
    auto sending = [&]() -> Result<> {
        for (const auto& list : job.held) {
            FAIRLEAD_TRY(held, archive::Index::load(list));
            FAIRLEAD_CHECK(sender.held(held));
        }
        // Large files last: each begins a pack of its own.
        std::vector<std::pair<std::string, std::uint64_t>> large;
        auto visit = [&](const host::WalkedFolder& at) -> Result<> {
            if (at.path == left_out || at.path.starts_with(left_out_below)) return {};
            for (const auto& file : at.files) {
                struct stat info {};
                if (::fstatat(at.fd, file.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
                auto size = static_cast<std::uint64_t>(info.st_size);
                if (size > archive::PackerOptions{}.single_bytes)
                    large.emplace_back(at.path_of(file), size);
                else
                    FAIRLEAD_CHECK(sender.add(at.path_of(file), size));
            }
            return {};
        };
        FAIRLEAD_CHECK(host::each_folder(folder.get(), root.string(), visit));
        for (const auto& [path, size] : large) FAIRLEAD_CHECK(sender.add(path, size));
        return sender.finish();
    }();
    if (!sending) {
        (void)sender.end_all_but(0);
        (void)known.save(); // what is in the bucket need not be sent again
        return fail(sending.error());
    }

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
