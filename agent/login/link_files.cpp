#include "agent/login/link_files.hpp"

#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

namespace fairlead::login {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 16 << 10;
constexpr std::size_t most_files = 2000;
constexpr auto kept = std::chrono::hours(24);

tl::unexpected<Error> failed(std::string_view what, const fs::path& path) {
    return fail(
        Errc::internal, fmt::format("Cannot {} {}: {}.", what, path.string(), std::strerror(errno))
    );
}

/// SHA-256 in hexadecimal: not a temporary file, nor anything that somebody put there by hand.
bool is_name(std::string_view name) {
    return name.size() == 64 && std::ranges::all_of(name, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

/// The folder of these marks is the environment's own: nothing in it is opened.
std::optional<Timestamp> marked(const fs::path& mark) {
    struct stat info {};
    if (::lstat(mark.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return Timestamp(std::chrono::seconds(info.st_mtim.tv_sec));
}

} // namespace

Result<> LinkFiles::prepare(gid_t reader) const {
    // Not its parents: an environment that is gone is not brought back by a link to it.
    if (::mkdir(links_.c_str(), 0750) != 0 && errno != EEXIST) return failed("make", links_);
    Descriptor folder(::open(links_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return failed("open", links_);
    if (::fchown(folder.get(), ::geteuid(), reader) != 0 || ::fchmod(folder.get(), 0750) != 0)
        return failed("set the owner of", links_);
    return {};
}

template <class Visit>
Result<> LinkFiles::each(Visit visit) const {
    std::error_code error;
    fs::directory_iterator at(links_, error), end;
    if (error.value() == ENOENT) return {};
    for (; !error && at != end; at.increment(error)) {
        if (!is_name(at->path().filename().string())) continue;
        auto text = read_file(at->path(), largest_file);
        auto link = text ? json::decode<odoo::LoginFile>(*text, json::Strictness::lenient)
                         : Result<odoo::LoginFile>(fail(text.error()));
        visit(at->path(), link ? *link : odoo::LoginFile{});
    }
    if (error)
        return fail(
            Errc::internal, fmt::format("Cannot read {}: {}.", links_.string(), error.message())
        );
    return {};
}

Result<std::size_t> LinkFiles::open(Timestamp now) const {
    std::size_t count = 0, all = 0;
    FAIRLEAD_CHECK(each([&](const fs::path&, const odoo::LoginFile& link) {
        ++all;
        if (from_ms(link.expires_ms) > now) ++count;
    }));
    if (all >= most_files)
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "{} links were made within a day, which is the most. Try again later.",
                            all
                        )
        )
                        .with_code("too_many_links"));
    return count;
}

Result<> LinkFiles::put(const std::string& name, const odoo::LoginFile& link, gid_t reader) const {
    auto file = links_ / name, begun = links_ / (name + ".new");
    FAIRLEAD_CHECK(write_file(begun, json::encode(link), 0640));
    if (::chown(begun.c_str(), ::geteuid(), reader) != 0) return failed("set the owner of", begun);
    if (::rename(begun.c_str(), file.c_str()) != 0) return failed("rename", begun);
    return sync_folder(links_);
}

void LinkFiles::forget_old(Timestamp now) const {
    std::vector<fs::path> old;
    auto look = each([&](const fs::path& file, const odoo::LoginFile& link) {
        if (from_ms(link.expires_ms) + kept <= now) old.push_back(file);
    });
    for (const auto& file : old) ::unlink(file.c_str());
}

std::vector<UsedLink> LinkFiles::used() const {
    std::vector<UsedLink> all;
    auto look = each([&](const fs::path& file, const odoo::LoginFile& link) {
        if (auto at = marked(used_ / file.filename()); at && !link.operation.empty())
            all.push_back({link.operation, *at});
    });
    return all;
}

bool LinkFiles::waiting(Timestamp now) const {
    bool some = false;
    auto look = each([&](const fs::path& file, const odoo::LoginFile& link) {
        some = some || (from_ms(link.expires_ms) > now && !marked(used_ / file.filename()));
    });
    return some;
}

} // namespace fairlead::login
