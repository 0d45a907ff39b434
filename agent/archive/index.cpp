#include "agent/archive/index.hpp"

#include "agent/archive/damaged.hpp"
#include "common/runtime/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fairlead::archive {
namespace {

tl::unexpected<Error> failed(const std::filesystem::path& file, int error) {
    return fail(
        error == ENOENT ? Errc::not_found : Errc::internal,
        file.string() + ": " + std::strerror(error) + "."
    );
}

/// A new file beside `path`, renamed over it when it is whole.
class ReplacedFile final : public Sink {
public:
    explicit ReplacedFile(std::filesystem::path path)
        : path_(std::move(path)), temporary_(path_.string() + ".new") {}
    ~ReplacedFile() override {
        if (file_) ::unlink(temporary_.c_str());
    }

    Result<> write(std::span<const std::byte> bytes) override {
        if (!file_) {
            ::unlink(temporary_.c_str());
            file_ = Descriptor(::open(
                temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600
            ));
            if (!file_) return failed(temporary_, errno);
        }
        while (!bytes.empty()) {
            auto count = ::write(file_.get(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return failed(temporary_, errno);
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<> finish() override {
        if (::fsync(file_.get()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
            return failed(temporary_, errno);
        file_.reset();
        return sync_folder(path_.parent_path());
    }

private:
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    Descriptor file_;
};

} // namespace

Result<Index> Index::load(const std::filesystem::path& file, std::uint64_t most) {
    // O_NONBLOCK: a named pipe would wait for its other end.
    Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!open) return failed(file, errno);
    struct stat info {};
    if (::fstat(open.get(), &info) != 0) return failed(file, errno);
    if (!S_ISREG(info.st_mode)) return fail(Errc::invalid, file.string() + " is no plain file.");
    Index index;
    FileListReader reader([&](const FileEntry& entry) -> Result<> {
        index.files.add(entry);
        return {};
    });
    std::vector<std::byte> buffer(64 * 1024);
    for (;;) {
        auto count = ::read(open.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(file, errno);
        if (count == 0) break;
        auto bytes = static_cast<std::uint64_t>(count);
        if (bytes > most) return damaged(file.string() + " is too large.");
        most -= bytes;
        FAIRLEAD_CHECK(reader.write(std::span(buffer).first(static_cast<std::size_t>(count))));
    }
    FAIRLEAD_CHECK(reader.finish());
    return index;
}

Result<> Index::save(const std::filesystem::path& file) const {
    ReplacedFile out(file);
    FileListWriter writer(out);
    FAIRLEAD_CHECK(files.each([&](const FileEntry& entry) { return writer.add(entry); }));
    return writer.finish();
}

std::optional<std::string> Index::find(std::string_view path, std::uint64_t size) const {
    auto entry = files.find(path);
    if (!entry || entry->size != size || !entry->named_by_content()) return std::nullopt;
    return std::move(entry->pack);
}

} // namespace fairlead::archive
