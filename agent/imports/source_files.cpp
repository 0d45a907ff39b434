// The filestore of an import: out of its archive, or out of a folder.
#include "agent/archive/below.hpp"
#include "agent/archive/tar.hpp"
#include "agent/imports/source.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/sha1.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::imports {
namespace {

constexpr mode_t folder_mode = 0750, file_mode = 0640;
constexpr std::uint64_t most_files = ZipLimits{}.entries;

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

/// Writes the files of a filestore, and holds each against its name.
class Files {
public:
    Files(int folder, std::uint64_t expected, const Progress& progress)
        : tree_(folder, folder_mode, std::nullopt, std::nullopt), expected_(expected),
          progress_(progress) {}

    Result<> begin(const std::string& path) {
        if (!file_key(path))
            return failed(
                Errc::invalid, "import_hostile", "The archive has files of other names than listed."
            );
        auto made = tree_.create(path, file_mode);
        if (!made && made.error().kind() == Errc::conflict)
            return failed(
                Errc::invalid, "import_ambiguous", fmt::format("The file {} is there twice.", path)
            );
        if (!made) return tl::unexpected(std::move(made).error());
        file_ = std::move(*made);
        path_ = path;
        return {};
    }

    Result<> data(std::string_view text) {
        hash_.add(text);
        while (!text.empty()) {
            auto count = ::write(file_.get(), text.data(), text.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0)
                return failed(
                    Errc::internal, errno == ENOSPC ? "disk_full" : "import_failed",
                    fmt::format("{}: {}.", path_, std::strerror(errno))
                );
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<> end() {
        file_.reset();
        auto digest = hash_.finish();
        std::string name;
        for (auto byte : digest) name += fmt::format("{:02x}", byte);
        if (path_.substr(3) != name) ++altered;
        ++files;
        if (progress_) progress_(files, std::max(files, expected_), "files");
        return {};
    }

    std::uint64_t files = 0, altered = 0;

private:
    archive::Tree tree_;
    std::uint64_t expected_;
    const Progress& progress_;
    Descriptor file_;
    std::string path_;
    crypto::Sha1 hash_;
};

class FromTar final : public archive::TarHandler {
public:
    explicit FromTar(Files& files) : files_(files) {}
    Result<> begin(const archive::TarMember& member) override { return files_.begin(member.name); }
    Result<> data(std::span<const std::byte> bytes) override {
        return files_.data({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    Result<> end() override { return files_.end(); }

private:
    Files& files_;
};

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Calls `each` with path, folder and size of every file that a filestore may have.
template <class Each>
Result<> walk(int root, const std::stop_token& stop, std::uint64_t& ignored, Each each) {
    std::uint64_t files = 0;
    for (int i = 0; i < 256; ++i) {
        auto part = fmt::format("{:02x}", i);
        Descriptor fd(::openat(root, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        );
        if (!fd && errno == EACCES)
            return failed(
                Errc::forbidden, "import_unreadable",
                fmt::format(
                    "The folder {} of the filestore cannot be read. Let the user that reads "
                    "imports "
                    "read all of it: setfacl -R -m u:fairlead-import:rX FOLDER.",
                    part
                )
            );
        if (!fd) {
            if (errno != ENOENT) ++ignored;
            continue;
        }
        std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3))
        );
        if (!folder)
            return fail(Errc::internal, fmt::format("Cannot list: {}.", std::strerror(errno)));
        for (errno = 0;; errno = 0) {
            auto* entry = ::readdir(folder.get());
            if (!entry && errno != 0)
                return fail(Errc::internal, fmt::format("Cannot list: {}.", std::strerror(errno)));
            if (!entry) break;
            std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            struct stat info {};
            auto path = part + "/" + name;
            if (!file_key(path) ||
                ::fstatat(fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
                !S_ISREG(info.st_mode)) {
                ++ignored;
                continue;
            }
            if (++files > most_files)
                return failed(
                    Errc::invalid, "import_bomb",
                    fmt::format("The filestore has more than {} files.", most_files)
                );
            if (stop.stop_requested())
                return failed(Errc::conflict, "cancelled", "The operation was cancelled.");
            FAIRLEAD_CHECK(each(path, fd.get(), static_cast<std::uint64_t>(info.st_size)));
        }
    }
    return {};
}

} // namespace

Result<FilestoreFound> Source::look_at_files() {
    FilestoreFound found;
    if (zip_) {
        found.files = zip_->files;
        found.bytes = zip_->file_bytes;
        found.ignored = zip_->ignored;
        found.keys = zip_->keys;
        return found;
    }
    if (!folder_) return found;
    FAIRLEAD_CHECK(walk(
        folder_.get(), stop_, found.ignored,
        [&](const std::string& path, int, std::uint64_t size) -> Result<> {
            ++found.files;
            found.bytes += size;
            found.keys.add(*file_key(path));
            return {};
        }
    ));
    if (found.files == 0)
        return failed(
            Errc::invalid, "import_no_files",
            "The folder of the filestore has no files such as 2f/2fd4e1c67a2d28fced849ee1bb76e7391b"
            "93eb12. Name the one that is called like the database, below \"filestore\"."
        );
    return found;
}

Result<std::uint64_t> Source::copy_files(int folder, const Progress& progress) {
    std::uint64_t altered = 0;
    if (zip_) FAIRLEAD_CHECK(unpack(folder, progress, altered));
    if (folder_) FAIRLEAD_CHECK(from_folder(folder, progress, altered));
    return altered;
}

Result<> Source::unpack(int folder, const Progress& progress, std::uint64_t& altered) {
    if (zip_->files == 0) return {};
    Files files(folder, zip_->files, progress);
    FromTar handler(files);
    archive::TarLimits limits;
    limits.members = most_files;
    limits.member_bytes = zip_->file_bytes;
    archive::TarReader reader(handler, limits);
    auto done = read_zip_files(file_.get(), zip_->prefix, reader, stop_);
    if (done) done = reader.finish();
    if (!done && done.error().code() == "backup_damaged")
        return failed(Errc::invalid, "import_damaged", done.error().message());
    FAIRLEAD_CHECK(std::move(done));
    if (files.files != zip_->files)
        return failed(
            Errc::invalid, "import_damaged",
            fmt::format(
                "The archive gave {} of the {} files that it lists.", files.files, zip_->files
            )
        );
    altered = files.altered;
    return {};
}

Result<> Source::from_folder(int folder, const Progress& progress, std::uint64_t& altered) {
    std::uint64_t ignored = 0;
    FAIRLEAD_TRY(found, look_at_files());
    Files files(folder, found.files, progress);
    std::vector<char> block(256 << 10);
    auto done = walk(
        folder_.get(), stop_, ignored,
        [&](const std::string& path, int at, std::uint64_t) -> Result<> {
            Descriptor from(::openat(
                at, path.c_str() + 3, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            ));
            struct stat info {};
            if (!from || ::fstat(from.get(), &info) != 0 || !S_ISREG(info.st_mode))
                return failed(
                    Errc::forbidden, "import_unreadable",
                    fmt::format(
                        "The file {} of the filestore cannot be read: {}.", path,
                        std::strerror(errno)
                    )
                );
            FAIRLEAD_CHECK(files.begin(path));
            for (;;) {
                auto got = ::read(from.get(), block.data(), block.size());
                if (got < 0 && errno == EINTR) continue;
                if (got < 0)
                    return failed(
                        Errc::internal, "import_unreadable",
                        fmt::format("The file {}: {}.", path, std::strerror(errno))
                    );
                if (got == 0) break;
                FAIRLEAD_CHECK(files.data({block.data(), static_cast<std::size_t>(got)}));
            }
            return files.end();
        }
    );
    FAIRLEAD_CHECK(std::move(done));
    altered = files.altered;
    return {};
}

} // namespace fairlead::imports
