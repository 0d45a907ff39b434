#include "agent/host/walk.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>
#include <memory>

namespace fairlead::host {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct Closed {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

tl::unexpected<Error> failed(std::string_view root, std::string_view path, int error) {
    return fail(
        Errc::internal, fmt::format("Cannot read {}/{}: {}.", root, path, std::strerror(error))
    );
}

/// What the file system does not tell with the name costs a look.
unsigned char type_of(int folder, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type;
    struct stat info {};
    if (::fstatat(folder, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
    return S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
}

/// Nothing, and errno, where something on the way is no folder.
Descriptor open_below(int root, std::string_view path) {
    Descriptor folder(::fcntl(root, F_DUPFD_CLOEXEC, 0));
    while (folder && !path.empty()) {
        auto end = std::min(path.find('/'), path.size());
        std::string part(path.substr(0, end));
        path.remove_prefix(std::min(path.size(), end + 1));
        Descriptor next(::openat(folder.get(), part.c_str(), folder_flags));
        auto error = errno;
        folder = std::move(next);
        errno = error;
    }
    return folder;
}

std::int64_t in_ns(const timespec& time) {
    return std::int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

/// As it is before it is read: what happens meanwhile makes it another.
SeenFolders::One as_it_is(const struct stat& info, std::chrono::nanoseconds settles_after) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    SeenFolders::One one;
    one.inode = info.st_ino;
    one.changed_ns = in_ns(info.st_ctim);
    one.settled = one.changed_ns < in_ns(now) - settles_after.count();
    return one;
}

} // namespace

Result<> each_folder(
    int root, std::string_view name, const std::function<Result<>(const WalkedFolder&)>& visit,
    SeenFolders* seen
) {
    std::vector<std::string> waiting{""};
    for (std::size_t folders = 1; !waiting.empty();) {
        WalkedFolder folder;
        folder.path = std::move(waiting.back());
        waiting.pop_back();
        auto opened = open_below(root, folder.path);
        if (!opened && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
        if (!opened) return failed(name, folder.path, errno);
        folder.fd = opened.get();
        struct stat info {};
        if (::fstat(folder.fd, &info) != 0) return failed(name, folder.path, errno);
        std::vector<std::string> below;
        SeenFolders::One now;
        if (seen) {
            now = as_it_is(info, seen->settles_after);
            auto was = seen->all.find(folder.path);
            if (was != seen->all.end() && was->second.settled && was->second.inode == now.inode &&
                was->second.changed_ns == now.changed_ns) {
                std::ranges::copy(was->second.below, std::back_inserter(waiting));
                continue;
            }
        }
        // Its own descriptor: closedir closes it, and the place in it is shared with copies.
        std::unique_ptr<DIR, Closed> list;
        if (int own = ::openat(folder.fd, ".", folder_flags); own >= 0) {
            list.reset(::fdopendir(own));
            if (!list) ::close(own);
        }
        if (!list) return failed(name, folder.path, errno);
        auto tell = [&]() -> Result<> {
            std::ranges::sort(folder.files);
            FAIRLEAD_CHECK(visit(folder));
            folder.files.clear();
            return {};
        };
        for (;;) {
            errno = 0;
            const auto* entry = ::readdir(list.get());
            if (entry == nullptr && errno != 0) return failed(name, folder.path, errno);
            if (entry == nullptr) break;
            std::string_view file = entry->d_name;
            if (file == "." || file == "..") continue;
            auto type = type_of(folder.fd, *entry);
            if (type == DT_REG) folder.files.emplace_back(file);
            if (folder.files.size() == files_at_once) FAIRLEAD_CHECK(tell());
            if (type != DT_DIR) continue;
            below.push_back(folder.path_of(file));
            if (++folders > most_folders)
                return fail(Error(
                                Errc::invalid,
                                fmt::format(
                                    "{} has more than {} folders, which no filestore of Odoo's "
                                    "has. Find out what made them.",
                                    name, most_folders
                                )
                )
                                .with_code("too_many_folders"));
        }
        list.reset();
        FAIRLEAD_CHECK(tell());
        std::ranges::sort(below, std::greater<>());
        std::ranges::copy(below, std::back_inserter(waiting));
        if (seen) {
            now.below = std::move(below);
            seen->all[folder.path] = std::move(now);
        }
    }
    return {};
}

} // namespace fairlead::host
