/// Which files a backup has, and in which pack each one is.
///
/// The list in the bucket (and the index on the server) is text:
///
///     # fairlead file list 1
///     0a/0a4d55a8d778e5022fab701977c5d840bbc486d0<TAB>1234<TAB>=<TAB>pck_01J…
///     checklist/x<TAB>0<TAB>sha256:e3b0…<TAB>pck_01J…
///     # end 2 1234
///
/// path, bytes, hash ("=": the file's name is the SHA-1 of its content), pack. In paths the bytes
/// below 0x21, 0x7f and % are written as %XX.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/crypto/sha1.hpp"
#include "common/runtime/sink.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::archive {

constexpr std::size_t max_files = 10'000'000; ///< in one list

/// The hash of a file's content.
using ContentHash = std::variant<crypto::Sha1::Digest, crypto::Digest>;

/// "sha1:…" or "sha256:…".
std::string print_hash(const ContentHash& hash);

/// The SHA-1 that Odoo named a file by: "ab/abcdef…" with 40 lower-case hex digits, of which the
/// first two are the folder. Empty for any other path.
std::optional<crypto::Sha1::Digest> name_hash(std::string_view path);

struct FileEntry {
    std::string path; ///< below the filestore; safe, see is_safe_name
    std::uint64_t size = 0;
    ContentHash hash;
    std::string pack; ///< "pck_…"

    /// The file's name says what is in it.
    bool named_by_content() const;
    bool operator==(const FileEntry&) const = default;
};

/// Files by path in memory: 32 bytes for one that is named by its content, about 60 and its path
/// for another. Of two with one path, one that is named by its content counts, else the later one.
/// Not thread-safe, also for reading.
class FileTable {
public:
    /// Throws std::length_error past max_files or 1,000,000 packs.
    void add(const FileEntry& entry);
    std::optional<FileEntry> find(std::string_view path) const;
    std::size_t size() const;
    std::uint64_t content_bytes() const;
    /// In the order of their paths within each of the two kinds; ends at the first error.
    Result<> each(const std::function<Result<>(const FileEntry&)>& visit) const;

    /// All packs that an entry names.
    std::vector<std::string> packs() const;
    std::size_t files_in(std::string_view pack) const;
    /// Forgets the files of packs that `keep` does not hold.
    void keep_packs(const std::function<bool(std::string_view pack)>& keep);

    std::size_t memory_bytes() const;

private:
    struct Named {
        crypto::Sha1::Digest sha1;
        std::uint32_t pack;
        std::uint64_t size;
    };
    struct Other {
        std::uint64_t path_at;
        std::uint64_t size;
        std::uint32_t pack;
        std::uint16_t path_size;
        bool is_sha256;
        std::array<std::uint8_t, 32> hash; ///< of a SHA-1 the first 20
    };

    void sort() const;
    const Named* find_named(const crypto::Sha1::Digest& sha1) const;
    std::uint32_t pack_number(std::string_view name);
    std::string_view path_of(const Other& other) const;
    FileEntry entry_of(const Named& named) const;
    FileEntry entry_of(const Other& other) const;

    mutable std::vector<Named> named_;
    mutable std::vector<Other> others_;
    mutable bool sorted_ = true;
    mutable std::vector<std::size_t> counts_; ///< files of each pack, once sorted
    std::string paths_;                       ///< of the others, one after the other
    std::vector<std::string> packs_;
    std::map<std::string, std::uint32_t, std::less<>> pack_numbers_;
    std::uint32_t last_pack_ = 0;
};

/// Writes a list. `out` outlives it.
class FileListWriter {
public:
    explicit FileListWriter(Sink& out) : out_(out) {}

    Result<> add(const FileEntry& entry);
    /// The last line; finishes `out`.
    Result<> finish();

private:
    Sink& out_;
    std::string buffer_ = "# fairlead file list 1\n";
    std::uint64_t files_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Reads a list that comes in pieces. Errc::invalid, code "backup_damaged", with the line's number:
/// no such list, a line that is none, an unsafe path, a wrong end, more than max_files.
class FileListReader final : public Sink {
public:
    using Visit = std::function<Result<>(const FileEntry&)>;
    explicit FileListReader(Visit visit) : visit_(std::move(visit)) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> finish() override;

    std::uint64_t files() const { return files_; }
    std::uint64_t content_bytes() const { return bytes_; }

private:
    Result<> on_line(std::string_view text);

    Visit visit_;
    std::string partial_;
    std::uint64_t line_ = 0; ///< how many came
    std::uint64_t files_ = 0;
    std::uint64_t bytes_ = 0;
    bool ended_ = false;
};

} // namespace fairlead::archive
