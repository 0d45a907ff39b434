/// The files that sshd reads besides each user's own authorized_keys: one for a Unix user, root's.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::ssh {

/// What one file says. A fence of 0: there is none.
struct KeyList {
    std::uint64_t fence = 0; ///< of the operation that put it there
    std::vector<proto::SshKey> keys;
};

/// Files change in one step each: a crash leaves the old list or the new one.
class KeyFiles {
public:
    explicit KeyFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// What sshd calls them: "%u" is the user.
    std::string place() const { return (folder_ / "%u").string(); }

    /// While it lives nobody else changes a file; waits for whoever does.
    Result<Descriptor> lock() const;

    /// Lines that are none of ours are passed over.
    Result<KeyList> read(const std::string& user) const;
    Result<> write(const std::string& user, const KeyList& list) const;
    /// Users with a file, sorted.
    Result<std::vector<std::string>> users() const;
    /// The folder and everything in it.
    Result<> remove_all() const;

private:
    std::filesystem::path folder_;
};

} // namespace fairlead::ssh
