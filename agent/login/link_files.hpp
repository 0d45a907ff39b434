/// The links to log in to one environment's Odoo, as files: root's, which its server reads; which
/// of them were used, that server marks in a folder of its own.
#pragma once

#include "agent/odoo/login.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::login {

struct UsedLink {
    std::string operation;
    Timestamp at;
};

/// Nothing here holds a token: a file's name is its hash.
class LinkFiles {
public:
    LinkFiles(std::filesystem::path links, std::filesystem::path used)
        : links_(std::move(links)), used_(std::move(used)) {}

    /// Makes the folder where it is missing, for `reader` to look into.
    Result<> prepare(gid_t reader) const;
    /// How many count at this moment, used or not. Errc::conflict (too_many_links) when the folder
    /// is full.
    Result<std::size_t> open(Timestamp now) const;
    /// Readable by `reader`; whole or not there.
    Result<> put(const std::string& name, const odoo::LoginFile& link, gid_t reader) const;
    /// Removes those that ended a day ago: until then their page says why they do not work, and
    /// `used` tells of them.
    void forget_old(Timestamp now) const;
    /// Those that were used, by the word of the environment's own server.
    std::vector<UsedLink> used() const;
    /// Whether one counts that was not used.
    bool waiting(Timestamp now) const;

private:
    template <class Visit>
    Result<> each(Visit visit) const;

    std::filesystem::path links_, used_;
};

} // namespace fairlead::login
