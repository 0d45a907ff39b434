/// Files of a filestore as packs: tar → zstd → age → wherever a pack goes, and back.
#pragma once

#include "agent/archive/below.hpp"
#include "agent/archive/file_list.hpp"
#include "agent/archive/tar.hpp"
#include "common/crypto/age.hpp"
#include "common/runtime/clock.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::archive {

/// A pack of which all bytes have gone into its sink.
struct FinishedPack {
    std::string name; ///< "pck_…": in order of time
    std::uint64_t content_bytes = 0;
    std::vector<FileEntry> members;
};

struct PackerOptions {
    /// Of content: a file that would bring a pack beyond it begins the next one.
    std::uint64_t pack_bytes = 32 * 1024 * 1024;
    /// A larger file gets a pack of its own. Up to this size a file is read whole before it is
    /// packed, so this is also the memory that is taken where there are such files.
    std::uint64_t single_bytes = 8 * 1024 * 1024;
    std::size_t pack_files = 10'000;
    int level = 3;   ///< at most; 1 behind a pack that hardly became smaller
    int workers = 0; ///< see ZstdWriter
};

/// Packs files in the order they come. One thread.
class Packer {
public:
    using Open = std::function<Result<std::unique_ptr<Sink>>(const std::string& pack)>;
    using Done = std::function<Result<>(FinishedPack pack)>;

    /// `filestore` (a folder's descriptor) and `clock` outlive the packer. `open` says where a pack
    /// goes; the sink is destroyed unfinished when the pack is given up. `done` is told of each
    /// pack after its sink was finished.
    Packer(
        int filestore, std::vector<crypto::Recipient> recipients, const Clock& clock, Open open,
        Done done, PackerOptions options = {}
    );
    ~Packer();

    /// Reads `path` below the filestore without following a link and packs what is there now. A
    /// file over `single_bytes` ends the pack that is being filled, so let those come last.
    ///
    /// Errc::not_found: it is gone (code "file_missing"). Errc::invalid: no plain file, or no path
    /// (code "file_refused"). After these two the packer goes on. Errc::conflict, code
    /// "file_changing": its size changed while it was read, twice. Any error that is not one of the
    /// first two ends the packer: destroy it.
    Result<> add(const std::string& path);
    /// Ends the last pack.
    Result<> finish();

    /// Files that were packed although their content is not what their name says.
    std::uint64_t mismatched() const { return mismatched_; }
    /// The first 20 of them.
    const std::vector<std::string>& mismatched_names() const { return mismatched_names_; }

private:
    struct Pipe;
    Result<> open_pack();
    Result<> close_pack();
    Result<bool> add_small(const std::string& path, int file, std::uint64_t size);
    Result<bool> add_large(const std::string& path, int file, std::uint64_t size);
    void note_mismatch(const std::string& path);

    Opener files_;
    std::vector<crypto::Recipient> recipients_;
    const Clock& clock_;
    Open open_;
    Done done_;
    PackerOptions options_;
    std::unique_ptr<Pipe> pipe_;
    std::vector<char> buffer_;
    crypto::Sha1 sha1_;
    bool dense_ = false; ///< the last pack hardly became smaller
    std::uint64_t mismatched_ = 0;
    std::vector<std::string> mismatched_names_;
};

struct UnpackOptions {
    mode_t file_mode = 0600;
    mode_t folder_mode = 0700;
    std::optional<uid_t> owner; ///< of files and folders; absent: whoever runs
    std::optional<gid_t> group;
    std::uint64_t limit = std::uint64_t(1) << 40; ///< bytes that the pack may unpack to
    const Secret* file_key = nullptr; ///< of this pack, instead of the identities; outlives it
};

/// Takes the bytes of one pack, and writes those members that `list` says are in this pack below
/// `folder`, a fresh one. Members that the list does not have are passed over. Each file's size and
/// hash must be what the list says, and none may be missing at `finish`: Errc::invalid, code
/// "backup_damaged", with the file's path. Follows no link. Does not sync. After an error files
/// that were written stay: remove the folder.
class Unpacker final : public Sink {
public:
    /// All outlive the unpacker.
    Unpacker(
        int folder, std::string pack, const FileTable& list,
        const std::vector<crypto::Identity>& identities, UnpackOptions options = {}
    );
    ~Unpacker() override;

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

    std::uint64_t files() const;
    std::uint64_t content_bytes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace fairlead::archive
