/// Repositories that environments are built from: bare mirrors, and trees exported from them by
/// commit.
///
/// git runs as the user fairlead-git, which owns the mirrors and nothing else; what it exported
/// then belongs to root.
#pragma once

#include "common/runtime/process.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace fairlead::host {

inline constexpr std::string_view git_user = "fairlead-git";

/// For the one fetch; in files of mode 0600 in memory while git runs, and gone after it.
struct GitCredential {
    enum class Kind { token, ssh_key } kind = Kind::token;
    std::string username;
    std::string secret;
};

class Git {
public:
    /// `mirrors`: where they live. `runtime`: a folder in memory (/run/fairlead). Both are made
    /// when missing.
    Git(std::filesystem::path mirrors, std::filesystem::path runtime);

    /// A short name that two repositories do not share, for folders: "odoo-1a2b3c4d".
    static std::string key(const std::string& url);

    /// Whether an address needs an ssh client: "ssh://…" and "git@host:path".
    static bool over_ssh(std::string_view url);

    /// Brings the mirror up to date with one branch, and tells its commit. Errors are those of
    /// git_failure.hpp. Ends early, as "disk_full", rather than take the last of the disk. The
    /// caller holds the mirror's lock.
    Result<proto::Commit> fetch(
        const proto::Source& source, const std::optional<GitCredential>& credential,
        const std::function<void(std::string_view)>& on_line, std::stop_token stop
    );

    /// Bytes of all files of a commit that was fetched.
    Result<std::uint64_t> tree_bytes(const proto::Commit& commit);

    /// One file of a commit; nothing when it has no such file.
    Result<std::optional<std::string>> file(const proto::Commit& commit, const std::string& path);

    /// Writes the commit's files into `folder`, which does not exist yet and is whole when this
    /// returns; they belong to root and can be read by everybody.
    Result<> export_tree(
        const proto::Commit& commit, const std::filesystem::path& folder, std::stop_token stop
    );

private:
    Result<> prepare();
    Command git(const std::filesystem::path& mirror, std::vector<std::string> words);
    std::filesystem::path mirror_of(const std::string& url) const;

    std::filesystem::path mirrors_, runtime_;
};

} // namespace fairlead::host
