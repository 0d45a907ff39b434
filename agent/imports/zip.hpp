/// Zip archives, read by Python's own module: every server that runs Odoo has it, and Odoo makes
/// its archives with it. What may be in one, and how much, is decided here.
#pragma once

#include "agent/imports/dump_facts.hpp"
#include "common/runtime/sink.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::imports {

struct ZipLimits {
    std::uint64_t entries = 2'000'000;
    std::uint64_t bytes = std::uint64_t(4) << 40; ///< unpacked, all together
    std::uint64_t ratio = 200;                    ///< of all, above `small`
    std::uint64_t small = std::uint64_t(1) << 30;
};

struct ZipEntry {
    std::string name;
    std::uint64_t bytes = 0, packed = 0;
    std::uint32_t mode = 0; ///< of Unix, 0 where it says none
    bool encrypted = false;
};

struct ZipContents {
    std::string dump; ///< name of the entry
    bool gzip = false;
    std::uint64_t dump_bytes = 0, dump_packed = 0;
    std::string prefix; ///< of the filestore's entries, "filestore/"
    std::uint64_t file_bytes = 0;
    std::uint64_t files = 0;
    std::uint64_t ignored = 0; ///< entries that are no part of a database
    FileSet keys;
};

/// Takes the entries of an archive one by one. Codes: "import_hostile" (a name that leads out of
/// its folder, a link, a device), "import_encrypted", "import_bomb" (too many, too large, packed
/// too well, or more than the archive can hold), "import_ambiguous" (two dumps, two filestores),
/// "import_no_dump".
class ZipSorter {
public:
    explicit ZipSorter(ZipLimits limits = {}) : limits_(limits) {}
    Result<> add(const ZipEntry& entry);
    /// `archive_bytes`: of the whole file.
    Result<ZipContents> finish(std::uint64_t archive_bytes);

private:
    ZipLimits limits_;
    ZipContents found_;
    std::uint64_t entries_ = 0, bytes_ = 0, packed_ = 0;
};

/// "filestore/shop/2f/2fd4…": which part is the prefix; nothing for other names.
std::optional<std::string_view> filestore_prefix(std::string_view name);

/// What is in the archive that `file` is open on. Code "import_damaged" where it is no whole one.
Result<ZipContents> list_zip(int file, std::uint64_t bytes, const std::stop_token& stop);
/// One entry's content into `out`, which is left unfinished; held against its checksum.
Result<> read_zip_entry(int file, const std::string& name, Sink& out, const std::stop_token& stop);
/// All files of the filestore, as a tar archive of names behind the prefix.
Result<>
read_zip_files(int file, const std::string& prefix, Sink& out, const std::stop_token& stop);

} // namespace fairlead::imports
