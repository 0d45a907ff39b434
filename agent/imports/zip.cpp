#include "agent/imports/zip.hpp"

#include "common/json/json.hpp"
#include "common/runtime/program.hpp"

#include <boost/describe.hpp>
#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairlead::imports {
namespace {

/// One job a run: "list", "cat NAME", "tar PREFIX". It takes an archive apart and decides nothing;
/// its memory is bounded, and it can write no file.
constexpr std::string_view script = R"py(
import sys, resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import json, re, shutil, tarfile, zipfile
job, argument, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
out = sys.stdout.buffer
try:
    archive = zipfile.ZipFile(sys.stdin.buffer)
    entries = archive.infolist()
    if len(entries) > most:
        sys.exit("more than %d entries" % most)
    if job == "list":
        for e in entries:
            line = {"name": e.orig_filename[:4096], "bytes": e.file_size, "packed": e.compress_size,
                    "mode": e.external_attr >> 16 if e.create_system == 3 else 0, "encrypted": bool(e.flag_bits & 1)}
            out.write(json.dumps(line).encode() + b"\n")
    elif job == "cat":
        with archive.open(argument) as content:
            shutil.copyfileobj(content, out, 1 << 20)
    else:
        shape = re.compile(re.escape(argument) + "([0-9a-f]{2}/[0-9a-f]{40})")
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for e in entries:
                fits = shape.fullmatch(e.filename)
                if fits:
                    member = tarfile.TarInfo(fits.group(1))
                    member.size = e.file_size
                    with archive.open(e) as content:
                        tar.addfile(member, content)
    out.flush()
except MemoryError:
    sys.exit("it needs more memory than an archive may")
except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, zipfile.zlib.error) as e:
    sys.exit("%s: %s" % (type(e).__name__, str(e)[:300]))
)py";

constexpr std::uint64_t most_entries = ZipLimits{}.entries;

struct Listed {
    std::string name;
    std::uint64_t bytes = 0, packed = 0;
    std::uint32_t mode = 0;
    bool encrypted = false;
};
BOOST_DESCRIBE_STRUCT(Listed, (), (name, bytes, packed, mode, encrypted))

tl::unexpected<Error> refused(std::string_view code, std::string text) {
    return fail(Error(Errc::invalid, std::move(text)).with_code(std::string(code)));
}

/// A name as people may see it in a message.
std::string shown(std::string_view name) {
    std::string text;
    for (unsigned char c : name.substr(0, 120)) text += c < ' ' || c >= 127 ? '?' : char(c);
    return text;
}

bool leads_out(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos || (name.size() > 1 && name[1] == ':'))
        return true;
    for (std::size_t start = 0; start <= name.size();) {
        auto end = std::min(name.find('/', start), name.size());
        if (name.substr(start, end - start) == "..") return true;
        start = end + 1;
    }
    return false;
}

Result<> run_script(
    int file, std::string job, std::string argument, Sink& out, const std::stop_token& stop
) {
    ::lseek(file, 0, SEEK_SET);
    Command command;
    command.argv = {
        "python3",
        "-I",
        "-S",
        "-B",
        "-c",
        std::string(script),
        std::move(job),
        std::move(argument),
        std::to_string(most_entries)};
    command.environment = {{"HOME", "/nonexistent"}};
    command.deadline = std::chrono::hours(24);
    command.stop = stop;
    command.input_from = std::make_shared<Descriptor>(::fcntl(file, F_DUPFD_CLOEXEC, 3));
    auto done = stream_from(std::move(command), out, "The archive", "import_damaged");
    if (stop.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (done || done.error().code() != "import_damaged") return done;
    return refused(
        "import_damaged",
        fmt::format(
            "The archive cannot be read, so it is damaged or was cut: {}", done.error().message()
        )
    );
}

/// Lines of "list".
class Lines final : public Sink {
public:
    explicit Lines(ZipSorter& sorter) : sorter_(sorter) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        std::size_t start = 0;
        for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', start)) {
            auto line = json::decode<Listed>(
                std::string_view(text_).substr(start, end - start), json::Strictness::lenient
            );
            FAIRLEAD_CHECK(line);
            FAIRLEAD_CHECK(sorter_.add(
                {std::move(line->name), line->bytes, line->packed, line->mode, line->encrypted}
            ));
            start = end + 1;
        }
        text_.erase(0, start);
        return {};
    }
    Result<> finish() override { return {}; }

private:
    ZipSorter& sorter_;
    std::string text_;
};

} // namespace

std::optional<std::string_view> filestore_prefix(std::string_view name) {
    constexpr std::size_t tail = 43;
    if (name.size() <= tail || !file_key(name.substr(name.size() - tail))) return std::nullopt;
    auto prefix = name.substr(0, name.size() - tail);
    if (!prefix.ends_with('/')) return std::nullopt;
    // Odoo's own puts the files right below; a copy of a server's data folder has the database's
    // name between.
    auto begin = prefix.find("filestore/");
    if (begin == std::string_view::npos || (begin != 0 && prefix[begin - 1] != '/'))
        return std::nullopt;
    auto between = prefix.substr(begin + 10);
    if (between.empty()) return prefix;
    between.remove_suffix(1);
    // "checklist" are the marks of Odoo's own garbage collection: no files, though named like them.
    if (between == "checklist" || between.find('/') != std::string_view::npos) return std::nullopt;
    return prefix;
}

Result<> ZipSorter::add(const ZipEntry& entry) {
    const auto& name = entry.name;
    if (++entries_ > limits_.entries)
        return refused(
            "import_bomb", fmt::format("The archive has more than {} entries.", limits_.entries)
        );
    if (leads_out(name))
        return refused(
            "import_hostile", fmt::format(
                                  "The archive has an entry \"{}\", which leads out of the folder "
                                  "that it is unpacked "
                                  "in. Nothing of it is used.",
                                  shown(name)
                              )
        );
    auto kind = entry.mode & S_IFMT;
    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR)
        return refused(
            "import_hostile",
            fmt::format(
                "The archive's entry \"{}\" is a link or a special file. Nothing of it is used.",
                shown(name)
            )
        );
    // Neither may grow past what 64 bits count.
    if (entry.bytes > limits_.bytes || (bytes_ += entry.bytes) > limits_.bytes)
        return refused(
            "import_bomb",
            fmt::format("Unpacked, the archive has more than {} GiB.", limits_.bytes >> 30)
        );
    packed_ += std::min(entry.packed, limits_.bytes);
    if (name.ends_with('/')) return {};
    auto last = name.substr(name.rfind('/') + 1);
    auto prefix = filestore_prefix(name);
    bool dump = last == "dump.sql" || last == "dump.sql.gz";
    if ((dump || prefix) && entry.encrypted)
        return refused(
            "import_encrypted", "The archive has a password: make one without, and import that."
        );
    if (dump) {
        if (!found_.dump.empty())
            return refused(
                "import_ambiguous",
                fmt::format(
                    "The archive has two dumps: {} and {}. One archive is one database.",
                    shown(found_.dump), shown(name)
                )
            );
        found_.dump = name;
        found_.gzip = last.ends_with(".gz");
        found_.dump_bytes = entry.bytes;
        found_.dump_packed = entry.packed;
    } else if (prefix) {
        if (found_.prefix.empty()) found_.prefix = *prefix;
        if (found_.prefix != *prefix)
            return refused(
                "import_ambiguous",
                fmt::format(
                    "The archive has two filestores: {} and {}. One archive is one database.",
                    shown(found_.prefix), shown(*prefix)
                )
            );
        ++found_.files;
        found_.file_bytes += entry.bytes;
        found_.keys.add(*file_key(name.substr(name.size() - 43)));
    } else {
        ++found_.ignored;
    }
    return {};
}

Result<ZipContents> ZipSorter::finish(std::uint64_t archive_bytes) {
    if (packed_ > archive_bytes)
        return refused(
            "import_bomb",
            "The archive's entries overlap: together they are larger than the file that holds them."
        );
    if (bytes_ > limits_.small && bytes_ / limits_.ratio > packed_)
        return refused(
            "import_bomb",
            fmt::format(
                "The archive unpacks to more than {} times its size, {} GiB: no database is packed "
                "so well.",
                limits_.ratio, bytes_ >> 30
            )
        );
    if (found_.dump.empty())
        return refused(
            "import_no_dump",
            "The archive has no dump.sql. Make one in Odoo's database manager, as \"zip (includes "
            "filestore)\"."
        );
    return std::move(found_);
}

Result<ZipContents> list_zip(int file, std::uint64_t bytes, const std::stop_token& stop) {
    ZipSorter sorter;
    Lines lines(sorter);
    FAIRLEAD_CHECK(run_script(file, "list", "", lines, stop));
    return sorter.finish(bytes);
}

Result<> read_zip_entry(int file, const std::string& name, Sink& out, const std::stop_token& stop) {
    return run_script(file, "cat", name, out, stop);
}

Result<>
read_zip_files(int file, const std::string& prefix, Sink& out, const std::stop_token& stop) {
    return run_script(file, "tar", prefix, out, stop);
}

} // namespace fairlead::imports
