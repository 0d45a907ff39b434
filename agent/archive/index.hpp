/// What an environment's bucket has already, kept on the server so that a second backup need not
/// ask the bucket. Lost or damaged, it is made anew from the lists of the backups.
#pragma once

#include "agent/archive/file_list.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::archive {

/// Known files and their packs. 100,000 files take about 4 MB.
class Index {
public:
    /// From the file that `save` wrote. Errc::not_found; Errc::invalid, code "backup_damaged" where
    /// it is none, or has more than `most` bytes: a file takes about 85 there, and 32 in memory.
    static Result<Index> load(
        const std::filesystem::path& file,
        std::uint64_t most = std::numeric_limits<std::uint64_t>::max()
    );
    /// Atomically, with mode 0600.
    Result<> save(const std::filesystem::path& file) const;

    /// The pack that holds this very content: only files that are named by their content and have
    /// this size are known again.
    std::optional<std::string> find(std::string_view path, std::uint64_t size) const;

    FileTable files;
};

} // namespace fairlead::archive
