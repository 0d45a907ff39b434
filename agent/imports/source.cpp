#include "agent/imports/source.hpp"

#include "common/runtime/program.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fairlead::imports {
namespace {

using proto::ImportFormat;

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

/// As open, but no part of the absolute path may be a link: ELOOP then. openat2 would do it in one
/// call, where containers let it through.
Descriptor without_links(const std::filesystem::path& path, int flags) {
    Descriptor at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto parts = path.relative_path();
    for (auto part = parts.begin(); at && part != parts.end(); ++part) {
        bool last = std::next(part) == parts.end();
        struct stat info {};
        if (::fstatat(at.get(), part->c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
        if (S_ISLNK(info.st_mode)) {
            errno = ELOOP;
            return {};
        }
        // Whoever puts a link there now meets O_NOFOLLOW. A pipe in its place must not hold us up.
        at = Descriptor(::openat(
            at.get(), part->c_str(), O_NOFOLLOW | (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC)
        ));
    }
    return at;
}

Result<Descriptor>
open_plainly(const std::filesystem::path& path, const std::string& reader, int flags) {
    Descriptor fd = without_links(path, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd) return fd;
    auto name = path.string();
    if (errno == ELOOP)
        return failed(
            Errc::invalid, "import_not_plain",
            fmt::format("{} is a link, or there is one on the way: give the real path.", name)
        );
    if (errno == EACCES || errno == EPERM)
        return failed(
            Errc::forbidden, "import_unreadable",
            fmt::format(
                "{0} cannot be read by the Unix user {1}, which reads imports. Let it, on the "
                "server: chmod a+r {0}, or for {1} alone: setfacl -R -m u:{1}:rX {0}; the folders "
                "above must let it pass too.",
                name, reader
            )
        );
    if (errno == ENOENT || errno == ENOTDIR)
        return failed(
            Errc::not_found, "import_not_found", fmt::format("There is no {} on this server.", name)
        );
    return failed(
        Errc::internal, "import_unreadable",
        fmt::format("{} cannot be opened: {}.", name, std::strerror(errno))
    );
}

/// Tells how far a stream is, and that it ends: one that unpacks to far more than it is packed
/// to is a bomb.
class Bounded final : public Sink {
public:
    Bounded(Sink& out, std::uint64_t limit, std::uint64_t expected, const Progress& progress)
        : out_(out), limit_(limit), expected_(expected), progress_(progress) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> given) override {
        bytes_ += given.size();
        if (bytes_ > limit_)
            return failed(
                Errc::invalid, "import_bomb",
                fmt::format("The dump unpacks to more than {} GiB: it is given up.", limit_ >> 30)
            );
        if (progress_) progress_(bytes_, std::max(bytes_, expected_), "MiB");
        return out_.write(given);
    }
    Result<> finish() override { return out_.finish(); }

private:
    Sink& out_;
    std::uint64_t limit_, expected_, bytes_ = 0;
    const Progress& progress_;
};

/// What no packed dump of so many bytes becomes.
std::uint64_t most_of(std::uint64_t packed) {
    constexpr std::uint64_t ratio = 200;
    return std::max(
        std::uint64_t(1) << 30,
        packed > (std::uint64_t(1) << 44) / ratio ? std::uint64_t(1) << 44 : packed * ratio
    );
}

} // namespace

Result<Descriptor> open_file(const std::filesystem::path& path, const std::string& reader) {
    FAIRLEAD_TRY(fd, open_plainly(path, reader, O_NOFOLLOW));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return failed(
            Errc::invalid, "import_not_plain", fmt::format("{} is no plain file.", path.string())
        );
    return std::move(fd);
}

Result<Descriptor> open_folder(const std::filesystem::path& path, const std::string& reader) {
    auto fd = open_plainly(path, reader, O_DIRECTORY | O_NOFOLLOW);
    return fd;
}

Result<std::string> fingerprint(int file) {
    struct stat s {};
    if (::fstat(file, &s) != 0)
        return fail(Errc::internal, fmt::format("Cannot look at it: {}.", std::strerror(errno)));
    return fmt::format(
        "{}:{}:{}:{}.{}:{}.{}", s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
        s.st_ctim.tv_sec, s.st_ctim.tv_nsec
    );
}

Result<ImportFormat> format_of(std::string_view first) {
    constexpr std::string_view good =
        "Odoo's zip, a dump of pg_dump in its custom format or as plain SQL, and that by gzip are "
        "taken.";
    using namespace std::string_view_literals;
    constexpr std::pair<std::string_view, ImportFormat> ours[] = {
        {"PK\x03\x04"sv, ImportFormat::odoo_zip},
        {"PGDMP"sv, ImportFormat::custom},
        {"\x1f\x8b"sv, ImportFormat::sql_gzip}};
    for (const auto& [magic, format] : ours)
        if (first.starts_with(magic)) return format;
    constexpr std::pair<std::string_view, std::string_view> others[] = {
        {"PK\x05\x06"sv, "an empty zip archive"},
        {"7z\xbc\xaf"sv, "a 7-Zip archive"},
        {"\xfd"
         "7zXZ"sv,
         "packed by xz"},
        {"BZh"sv, "packed by bzip2"},
        {"\x28\xb5\x2f\xfd"sv, "packed by zstd"},
        {"Rar!"sv, "a RAR archive"},
        {"age-encryption.org"sv, "encrypted by age"},
        {"<"sv, "a web page"}};
    for (const auto& [magic, what] : others)
        if (first.starts_with(magic))
            return failed(
                Errc::invalid, "import_format_unknown", fmt::format("It is {}; {}", what, good)
            );
    if (first.size() > 262 && first.substr(257, 5) == "ustar")
        return failed(
            Errc::invalid, "import_format_unknown", fmt::format("It is a tar archive; {}", good)
        );
    bool text = !first.empty() && first.find('\0') == std::string_view::npos;
    if (text &&
        (first.starts_with("--") || first.starts_with("SET ") || first.starts_with("\\restrict ") ||
         first.find("PostgreSQL database dump") != std::string_view::npos))
        return ImportFormat::sql;
    return failed(
        Errc::invalid, "import_format_unknown",
        fmt::format("It is {}; {}", first.empty() ? "empty" : "no dump that is known here", good)
    );
}

Result<Source> Source::open(
    Descriptor file, const std::filesystem::path& filestore, const std::string& reader,
    std::stop_token stop
) {
    Source source;
    source.file_ = std::move(file);
    source.stop_ = std::move(stop);
    struct stat info {};
    if (::fstat(source.file_.get(), &info) != 0)
        return fail(Errc::internal, fmt::format("Cannot look at it: {}.", std::strerror(errno)));
    source.bytes_ = static_cast<std::uint64_t>(info.st_size);
    std::array<char, 4096> head;
    auto got = ::pread(source.file_.get(), head.data(), head.size(), 0);
    if (got < 0)
        return failed(
            Errc::internal, "import_unreadable",
            fmt::format("It cannot be read: {}.", std::strerror(errno))
        );
    FAIRLEAD_TRY(format, format_of({head.data(), static_cast<std::size_t>(got)}));
    source.format_ = format;
    if (format == ImportFormat::odoo_zip) {
        if (!filestore.empty())
            return failed(
                Errc::invalid, "import_ambiguous",
                "An archive brings its own filestore: leave the folder out, or give the dump alone."
            );
        FAIRLEAD_TRY(zip, list_zip(source.file_.get(), source.bytes_, source.stop_));
        source.zip_ = std::move(zip);
    } else if (!filestore.empty()) {
        FAIRLEAD_TRY(folder, open_folder(filestore, reader));
        source.folder_ = std::move(folder);
    }
    return source;
}

Result<> Source::sql(Sink& out, const Progress& progress) {
    bool archive = format_ == ImportFormat::odoo_zip;
    auto packed = archive ? zip_->dump_packed : bytes_;
    auto expected = archive && !zip_->gzip         ? zip_->dump_bytes
                    : format_ == ImportFormat::sql ? bytes_
                                                   : packed * 6; // as dumps of Odoo are packed
    // Of an archive's dump the size is known, and was held against the archive's.
    Bounded bounded(
        out, archive && !zip_->gzip ? zip_->dump_bytes : std::max(bytes_, most_of(packed)),
        expected, progress
    );
    if (archive && !zip_->gzip) {
        FAIRLEAD_CHECK(read_zip_entry(file_.get(), zip_->dump, bounded, stop_));
        return bounded.finish();
    }
    Command command;
    command.environment = {{"HOME", "/nonexistent"}};
    command.deadline = std::chrono::hours(24);
    command.stop = stop_;
    Result<> done;
    ::lseek(file_.get(), 0, SEEK_SET);
    if (archive) {
        command.argv = {"gzip", "-dc"};
        auto inner = make_pipe();
        command.input_from = std::make_shared<Descriptor>(std::move(inner.read));
        Result<> fed;
        std::thread feeder([&] {
            class IntoPipe final : public Sink {
            public:
                explicit IntoPipe(int fd) : fd_(fd) {}
                using Sink::write;
                Result<> write(std::span<const std::byte> bytes) override {
                    while (!bytes.empty()) {
                        auto count = ::write(fd_, bytes.data(), bytes.size());
                        if (count < 0 && errno == EINTR) continue;
                        if (count <= 0) return fail(Errc::internal, "It takes no more.");
                        bytes = bytes.subspan(static_cast<std::size_t>(count));
                    }
                    return {};
                }
                Result<> finish() override { return {}; }

            private:
                int fd_;
            } pipe(inner.write.get());
            fed = read_zip_entry(file_.get(), zip_->dump, pipe, stop_);
            inner.write.reset();
        });
        done = stream_from(std::move(command), bounded, "gzip", "import_damaged");
        feeder.join();
        if (done) FAIRLEAD_CHECK(fed);
    } else {
        command.input_from = std::make_shared<Descriptor>(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 3));
        if (format_ == ImportFormat::custom)
            command.argv = {"pg_restore", "--no-owner", "--no-privileges", "--file=-"};
        else
            command.argv = {format_ == ImportFormat::sql ? "cat" : "gzip"};
        if (format_ == ImportFormat::sql_gzip) command.argv.emplace_back("-dc");
        done = stream_from(
            std::move(command), bounded, format_ == ImportFormat::custom ? "pg_restore" : "gzip",
            "import_damaged"
        );
    }
    if (stop_.stop_requested())
        return failed(Errc::conflict, "cancelled", "The operation was cancelled.");
    if (!done && done.error().code() == "import_damaged") {
        if (done.error().message().find("unsupported version") != std::string::npos)
            return failed(
                Errc::conflict, "import_postgresql_newer",
                "The dump was made by a newer pg_dump than this server's PostgreSQL can read. Make "
                "it with the older one, or as plain SQL, or update PostgreSQL here."
            );
        return failed(
            Errc::invalid, "import_damaged",
            fmt::format("The dump is damaged or was cut: {}", done.error().message())
        );
    }
    FAIRLEAD_CHECK(std::move(done));
    return bounded.finish();
}

} // namespace fairlead::imports
