/// Files below a folder, reached without following a link.
#pragma once

#include "common/runtime/file.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::archive {

/// Opens files of a tree; keeps the last folder open, as files come folder by folder.
class Opener {
public:
    /// `folder` stays the caller's.
    explicit Opener(int folder) : root_(folder) {}

    /// The plain file `path` (a safe name), for reading. Errc::not_found, code "file_missing";
    /// Errc::invalid, code "file_refused": a link is in the way, or no plain file.
    Result<Descriptor> open(std::string_view path);

private:
    Result<int> enter(std::string_view folder, std::string_view path);

    int root_;
    std::string last_;
    Descriptor last_folder_;
};

/// Makes files in a fresh tree; keeps the last folder open, as files come folder by folder.
class Tree {
public:
    /// `folder` stays the caller's.
    Tree(int folder, mode_t folder_mode, std::optional<uid_t> owner, std::optional<gid_t> group)
        : root_(folder), mode_(folder_mode), owner_(owner), group_(group) {}

    /// A new file with `mode`. Errc::conflict when it is there; Errc::internal.
    Result<Descriptor> create(std::string_view path, mode_t mode);

private:
    Result<> own(int file, std::string_view path) const;
    Result<> enter(std::string_view folder);

    int root_;
    mode_t mode_;
    std::optional<uid_t> owner_;
    std::optional<gid_t> group_;
    std::string last_;
    Descriptor last_folder_;
};

} // namespace fairlead::archive
