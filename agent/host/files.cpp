#include "agent/host/files.hpp"

#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t folders_at_once = 64; ///< that wait for two threads, each held open

tl::unexpected<Error> failed(std::string_view what, const fs::path& path, int error = errno) {
    return fail(
        Errc::internal, fmt::format("Cannot {} {}: {}.", what, path.string(), std::strerror(error))
    );
}

struct Closed {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Calls `visit` for everything below, folders before their content. Links are not followed.
Result<>
walk(const fs::path& folder, const std::function<Result<>(const fs::directory_entry&)>& visit) {
    std::error_code error;
    fs::recursive_directory_iterator at(folder, error), end;
    if (error) return failed("read", folder, error.value());
    while (at != end) {
        FAIRLEAD_CHECK(visit(*at));
        at.increment(error);
        if (error) return failed("read", folder, error.value());
    }
    return {};
}

/// As each_folder(), but two threads visit, each every second of some folders.
Result<> each_folder_by_two(
    int root, const fs::path& name, const std::function<Result<>(const WalkedFolder&)>& visit,
    SeenFolders* seen = nullptr
) {
    std::vector<std::pair<WalkedFolder, Descriptor>> some;
    auto visit_some = [&]() -> Result<> {
        Result<> visited[2];
        auto visit_half = [&](std::size_t half) {
            for (auto at = half; at < some.size() && visited[half]; at += 2)
                visited[half] = visit(some[at].first);
        };
        {
            std::jthread other;
            try {
                if (some.size() > 1) other = std::jthread([&] { visit_half(1); });
            } catch (const std::system_error&) { // no thread is to be had
                visit_half(1);
            }
            visit_half(0);
        }
        some.clear();
        return visited[0] ? std::move(visited[1]) : std::move(visited[0]);
    };
    auto keep = [&](const WalkedFolder& folder) -> Result<> {
        if (folder.files.empty()) return {};
        auto& kept = some.emplace_back(folder, ::fcntl(folder.fd, F_DUPFD_CLOEXEC, 0));
        kept.first.fd = kept.second.get();
        if (!kept.second) return failed("open", name / folder.path);
        return some.size() < folders_at_once ? Result<>() : visit_some();
    };
    FAIRLEAD_CHECK(each_folder(root, name.string(), keep, seen));
    return visit_some();
}

} // namespace

Result<DiskSpace> disk_space(const fs::path& path) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return failed("measure the disk of", path);
    return DiskSpace{info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize};
}

Result<> make_folder(const fs::path& folder, mode_t mode, uid_t uid, gid_t gid) {
    auto parent = folder.parent_path();
    struct stat info {};
    if (!parent.empty() && ::lstat(parent.c_str(), &info) != 0)
        FAIRLEAD_CHECK(make_folder(parent, 0755, 0, 0));
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return failed("make", folder);
    Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return failed("open", folder);
    if (::fchown(fd.get(), uid, gid) != 0 || ::fchmod(fd.get(), mode) != 0)
        return failed("set the owner of", folder);
    return {};
}

Result<> remove_tree(const fs::path& path) {
    // Files cost the most, so two threads remove them. What they leave, the rest removes or names.
    Descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    auto empty = [](const WalkedFolder& folder) -> Result<> {
        for (const auto& file : folder.files) ::unlinkat(folder.fd, file.c_str(), 0);
        return {};
    };
    if (top) (void)each_folder_by_two(top.get(), path, empty);
    std::error_code error;
    fs::remove_all(path, error);
    if (error && error.value() != ENOENT) return failed("remove", path, error.value());
    return {};
}

Result<std::uint64_t> remove_files_but(
    const fs::path& folder, char digit, const std::set<std::string, std::less<>>& keep
) {
    std::uint64_t gone = 0;
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Descriptor top(::open(folder.c_str(), flags));
    if (!top) return failed("open", folder);
    for (char second : std::string_view("0123456789abcdef")) {
        std::string name{digit, second};
        Descriptor fd(::openat(top.get(), name.c_str(), flags));
        if (!fd && errno == ENOENT) continue;
        std::unique_ptr<DIR, Closed> part(fd ? ::fdopendir(fd.get()) : nullptr);
        if (!part) return failed("open", folder / name);
        int at = fd.release();
        // What is unlinked meanwhile is not shown again; what was shown before stays shown.
        for (;;) {
            errno = 0;
            auto* entry = ::readdir(part.get());
            if (entry == nullptr && errno != 0) return failed("read", folder / name);
            if (entry == nullptr) break;
            std::string_view file = entry->d_name;
            if (file == "." || file == ".." || keep.contains(fmt::format("{}/{}", name, file)))
                continue;
            if (::unlinkat(at, entry->d_name, 0) != 0)
                return failed("remove", folder / name / file);
            ++gone;
        }
    }
    return gone;
}

Result<> give_to_root(const fs::path& folder) {
    auto one = [](const fs::path& path) -> Result<> {
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) return failed("look at", path);
        if (::lchown(path.c_str(), 0, 0) != 0) return failed("set the owner of", path);
        if (S_ISLNK(info.st_mode)) return {};
        // Set-user-id bits and write rights of others do not survive.
        mode_t mode = S_ISDIR(info.st_mode) || (info.st_mode & 0100) ? 0755 : 0644;
        if (::chmod(path.c_str(), mode) != 0) return failed("set the mode of", path);
        return {};
    };
    FAIRLEAD_CHECK(walk(folder, [&](const auto& entry) { return one(entry.path()); }));
    return one(folder);
}

Result<> give_to(const fs::path& folder, uid_t uid, gid_t gid) {
    auto one = [&](const fs::path& path) -> Result<> {
        if (::lchown(path.c_str(), uid, gid) != 0) return failed("set the owner of", path);
        return {};
    };
    FAIRLEAD_CHECK(walk(folder, [&](const auto& entry) { return one(entry.path()); }));
    return one(folder);
}

Result<> sync_tree(const fs::path& folder) {
    Descriptor fd(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::syncfs(fd.get()) != 0) return failed("sync", folder);
    return {};
}

Result<> link_tree(const fs::path& from, const fs::path& to) {
    auto folder_like = [](const fs::path& model, const fs::path& made) -> Result<> {
        struct stat info {};
        if (::lstat(model.c_str(), &info) != 0) return failed("look at", model);
        if (::mkdir(made.c_str(), info.st_mode & 07777) != 0) return failed("make", made);
        if (::lchown(made.c_str(), info.st_uid, info.st_gid) != 0 ||
            ::chmod(made.c_str(), info.st_mode & 07777) != 0)
            return failed("set the owner of", made);
        return {};
    };
    FAIRLEAD_CHECK(folder_like(from, to));
    return walk(from, [&](const fs::directory_entry& entry) -> Result<> {
        auto target = to / entry.path().lexically_relative(from);
        if (entry.is_directory() && !entry.is_symlink()) return folder_like(entry.path(), target);
        if (::linkat(AT_FDCWD, entry.path().c_str(), AT_FDCWD, target.c_str(), 0) != 0)
            return failed("link", target);
        return {};
    });
}

Result<> link_new(
    const fs::path& from, const fs::path& to, gid_t reader, const WantedFile& wanted,
    SeenFolders* seen
) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    // Made by us and only by us: whoever owned a folder here could lead us elsewhere with a link.
    auto own_folder = [&](const fs::path& made) -> Result<Descriptor> {
        if (::mkdir(made.c_str(), 0750) != 0 && errno != EEXIST) return failed("make", made);
        struct stat info {};
        if (::lstat(made.c_str(), &info) != 0) return failed("look at", made);
        if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid())
            return fail(
                Errc::forbidden, fmt::format("{} is not a folder of our own.", made.string())
            );
        if (::lchown(made.c_str(), info.st_uid, reader) != 0)
            return failed("set the group of", made);
        Descriptor fd(::open(made.c_str(), flags));
        if (!fd) return failed("open", made);
        return Result<Descriptor>(std::move(fd));
    };
    auto own_below = [&](std::string_view path) -> Result<Descriptor> {
        FAIRLEAD_TRY(folder, own_folder(to));
        for (auto end = std::size_t(0); end < path.size();) {
            end = std::min(path.find('/', end + 1), path.size());
            FAIRLEAD_TRY(next, own_folder(to / path.substr(0, end)));
            folder = std::move(next);
        }
        return Result<Descriptor>(std::move(folder));
    };
    FAIRLEAD_CHECK(own_folder(to));
    Descriptor source(::open(from.c_str(), flags));
    if (!source) return failed("open", from);
    std::mutex asking;
    auto link = [&](const WalkedFolder& folder) -> Result<> {
        Descriptor into;
        for (const auto& file : folder.files) {
            if (wanted) {
                struct stat info {};
                if (::fstatat(folder.fd, file.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
                std::lock_guard one_by_one(asking);
                if (!wanted(folder.path_of(file), static_cast<std::uint64_t>(info.st_size)))
                    continue;
            }
            if (!into) {
                FAIRLEAD_TRY(made, own_below(folder.path));
                into = std::move(made);
            }
            if (::linkat(folder.fd, file.c_str(), into.get(), file.c_str(), 0) != 0 &&
                errno != EEXIST && errno != ENOENT)
                return failed("link", to / folder.path_of(file));
        }
        return {};
    };
    auto linked = each_folder_by_two(source.get(), from, link, seen);
    if (!linked && seen) seen->all.clear(); // it knows folders whose links were not made
    return linked;
}

Result<std::uint64_t> tree_size(const fs::path& folder) {
    std::uint64_t sum = 0;
    FAIRLEAD_CHECK(walk(folder, [&](const fs::directory_entry& entry) -> Result<> {
        struct stat info {};
        if (::lstat(entry.path().c_str(), &info) == 0)
            sum += static_cast<std::uint64_t>(info.st_blocks) * 512;
        return {};
    }));
    return sum;
}

Result<std::string> manifest_of(const fs::path& folder) {
    std::vector<std::pair<std::string, std::string>> lines;
    FAIRLEAD_CHECK(walk(folder, [&](const fs::directory_entry& entry) -> Result<> {
        if (entry.is_directory() && !entry.is_symlink()) return {};
        auto path = entry.path().lexically_relative(folder).string();
        if (path.find('\n') != std::string::npos)
            return fail(
                Errc::invalid,
                fmt::format("{} has a file with a line feed in its name.", folder.string())
            );
        if (entry.is_symlink()) {
            lines.emplace_back(
                std::move(path),
                crypto::sha256("-> " + fs::read_symlink(entry.path()).string()).hex()
            );
            return {};
        }
        if (!entry.is_regular_file()) return {};
        FAIRLEAD_TRY(digest, crypto::sha256_file(entry.path()));
        lines.emplace_back(std::move(path), digest.hex());
        return {};
    }));
    std::ranges::sort(lines);
    std::string text;
    for (const auto& [path, digest] : lines)
        text.append(digest).append("  ").append(path).append("\n");
    return text;
}

std::string first_difference(std::string_view expected, std::string_view found) {
    constexpr std::size_t digest = 66;
    auto next = [](std::string_view& text) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        return line;
    };
    while (!expected.empty() || !found.empty()) {
        auto a = next(expected), b = next(found);
        if (a == b) continue;
        if (a.empty()) return std::string(b.substr(std::min(b.size(), digest))) + " (added)";
        if (b.empty()) return std::string(a.substr(std::min(a.size(), digest))) + " (missing)";
        auto path_a = a.substr(std::min(a.size(), digest)),
             path_b = b.substr(std::min(b.size(), digest));
        if (path_a == path_b) return std::string(path_a) + " (changed)";
        return path_a < path_b ? std::string(path_a) + " (missing)"
                               : std::string(path_b) + " (added)";
    }
    return {};
}

Result<> replace_link(const fs::path& name, const fs::path& target) {
    auto temporary = name.parent_path() / ("." + name.filename().string() + ".new");
    ::unlink(temporary.c_str());
    if (::symlink(target.c_str(), temporary.c_str()) != 0)
        return failed("make the link", temporary);
    if (::rename(temporary.c_str(), name.c_str()) != 0) return failed("replace the link", name);
    return sync_folder(name.parent_path());
}

} // namespace fairlead::host
