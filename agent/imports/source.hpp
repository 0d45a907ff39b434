/// The source of an import, open: what kind of file it is, and its parts as streams.
#pragma once

#include "agent/imports/zip.hpp"
#include "common/runtime/file.hpp"
#include "proto/operations.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace fairlead::imports {

/// Done and all of them, and in what ("MiB", "files").
using Progress = std::function<void(std::uint64_t, std::uint64_t, std::string_view)>;

/// Opens a plain file, with no link on the way. Codes: "import_not_found", "import_unreadable"
/// (with the cure; `reader` is the Unix user that reads), "import_not_plain".
Result<Descriptor> open_file(const std::filesystem::path& path, const std::string& reader);
/// The same for a folder.
Result<Descriptor> open_folder(const std::filesystem::path& path, const std::string& reader);

/// Changes when the file is another one, or was written to.
Result<std::string> fingerprint(int file);

/// By its first bytes. Code "import_format_unknown", naming what it is where that is known.
Result<proto::ImportFormat> format_of(std::string_view first_bytes);

struct FilestoreFound {
    std::uint64_t files = 0, bytes = 0, ignored = 0;
    FileSet keys;
};

class Source {
public:
    /// `filestore`: a folder beside a dump; empty: none. Lists an archive. One thread.
    static Result<Source> open(
        Descriptor file, const std::filesystem::path& filestore, const std::string& reader,
        std::stop_token stop
    );

    proto::ImportFormat format() const { return format_; }
    std::uint64_t bytes() const { return bytes_; }

    /// The database as SQL text; `out` is finished.
    Result<> sql(Sink& out, const Progress& progress);
    /// Counts; nothing is read.
    Result<FilestoreFound> look_at_files();
    /// Writes all files below `folder`, which is empty. Gives how many are not what their names
    /// say: their source was damaged already.
    Result<std::uint64_t> copy_files(int folder, const Progress& progress);

private:
    Result<> unpack(int folder, const Progress& progress, std::uint64_t& altered);
    Result<> from_folder(int folder, const Progress& progress, std::uint64_t& altered);

    Descriptor file_, folder_;
    proto::ImportFormat format_ = proto::ImportFormat::sql;
    std::uint64_t bytes_ = 0;
    std::optional<ZipContents> zip_;
    std::stop_token stop_;
};

} // namespace fairlead::imports
