#include "agent/imports/source.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace fairlead;
using namespace fairlead::imports;
namespace fs = std::filesystem;

namespace {

constexpr auto hello = "2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"; // of "The quick brown fox …"
constexpr auto fox = "The quick brown fox jumps over the lazy dog";

struct Folder {
    Folder() {
        auto pattern = (fs::temp_directory_path() / "import-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()));
        // No link on the way, wherever the tests' folder is.
        path = fs::canonical(pattern);
    }
    ~Folder() { fs::remove_all(path); }

    fs::path write(const std::string& name, std::string_view content) {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << content;
        return path / name;
    }
    /// An archive by Python, as Odoo makes them. `build` has `z` and `zipfile`.
    fs::path zip(const std::string& build) {
        auto file = path / "a.zip";
        Command command;
        command.argv = {
            "python3", "-c",
            "import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n" +
                build + "\nz.close()",
            file.string()};
        auto made = run_ok(command);
        REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
        return file;
    }
    Result<Source> open(const fs::path& file, const fs::path& filestore = {}) {
        FAIRLEAD_TRY(fd, open_file(file, "me"));
        return Source::open(std::move(fd), filestore, "me", {});
    }
    std::string code(const fs::path& file, const fs::path& filestore = {}) {
        auto source = open(file, filestore);
        return source ? "" : source.error().code();
    }
    Descriptor fresh(const std::string& name) {
        fs::create_directories(path / name);
        return Descriptor(::open((path / name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    fs::path path;
};

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_SUITE("agent/imports/source") {

    TEST_CASE("Odoo's own zip gives its dump and its files, each held against its name") {
        Folder folder;
        auto file = folder.zip(
            "z.writestr('dump.sql', '-- PostgreSQL database dump\\nSELECT 1;\\n')\n"
            "z.writestr('manifest.json', '{}')\n"
            "z.writestr('filestore/" +
            std::string(hello) + "', '" + fox +
            "')\n"
            "z.writestr('filestore/00/"
            "00" +
            std::string(38, 'a') +
            "', 'not what its name says')\n"
            "z.writestr('filestore/checklist/2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12', '')\n"
        );
        auto source = folder.open(file);
        REQUIRE_MESSAGE(source, (source ? "" : source.error().message()));
        CHECK(source->format() == proto::ImportFormat::odoo_zip);
        auto found = source->look_at_files();
        REQUIRE(found);
        CHECK(found->files == 2);
        CHECK(found->ignored == 2);
        StringSink sql(1000);
        REQUIRE(source->sql(sql, {}));
        CHECK(sql.text == "-- PostgreSQL database dump\nSELECT 1;\n");
        auto to = folder.fresh("out");
        auto altered = source->copy_files(to.get(), {});
        REQUIRE_MESSAGE(altered, (altered ? "" : altered.error().message()));
        CHECK(*altered == 1);
        CHECK(read(folder.path / "out" / hello) == fox);
    }

    TEST_CASE("a packed dump in an archive, and a filestore below the database's name") {
        Folder folder;
        auto file = folder.zip(
            "import gzip\n"
            "z.writestr('backup/dump.sql.gz', gzip.compress(b'-- PostgreSQL database dump\\n' * "
            "1000))\n"
            "z.writestr('backup/filestore/shop/" +
            std::string(hello) + "', '" + fox + "')\n"
        );
        auto source = folder.open(file);
        REQUIRE_MESSAGE(source, (source ? "" : source.error().message()));
        StringSink sql(100'000);
        REQUIRE(source->sql(sql, {}));
        CHECK(sql.text.size() == 28'000);
        auto to = folder.fresh("out");
        REQUIRE(source->copy_files(to.get(), {}));
        CHECK(read(folder.path / "out" / hello) == fox);
    }

    TEST_CASE("an archive that is out for more is refused by name, and nothing of it is written") {
        struct Row {
            std::string_view name, build, code;
        };
        const Row rows[] = {
            {"up and out", "z.writestr('../../etc/cron.d/x', 'x')", "import_hostile"},
            {"up in the middle", "z.writestr('filestore/../../x', 'x')", "import_hostile"},
            {"absolute", "z.writestr('/etc/passwd', 'x')", "import_hostile"},
            {"backslashes", "z.writestr('a\\\\..\\\\b', 'x')", "import_hostile"},
            {"a drive", "z.writestr('C:/x', 'x')", "import_hostile"},
            {"a link",
             "i = zipfile.ZipInfo('filestore/2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12')\n"
             "i.create_system = 3\ni.external_attr = 0o120777 << 16\nz.writestr(i, '/etc/shadow')",
             "import_hostile"},
            {"a device",
             "i = zipfile.ZipInfo('dev')\ni.create_system = 3\ni.external_attr = 0o060666 << 16\n"
             "z.writestr(i, '')",
             "import_hostile"},
            {"two dumps", "z.writestr('a/dump.sql', 'x')", "import_ambiguous"},
            {"two filestores",
             "z.writestr('filestore/a/2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12', '')\n"
             "z.writestr('filestore/b/2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12', '')",
             "import_ambiguous"}};
        for (const auto& row : rows) {
            CAPTURE(row.name);
            Folder folder;
            auto file = folder.zip("z.writestr('dump.sql', 'x')\n" + std::string(row.build));
            CHECK(folder.code(file) == row.code);
            CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
        }
        Folder folder;
        CHECK(folder.code(folder.zip("z.writestr('readme', 'x')")) == "import_no_dump");
    }

    TEST_CASE("an archive that is damaged or cut is said to be") {
        Folder folder;
        // No run of one letter: packed, it is the same text with some bits turned.
        auto file = folder.zip("z.writestr('dump.sql', ' '.join(map(str, range(20000))))");
        auto whole = read(file);
        folder.write("cut.zip", whole.substr(0, whole.size() / 2));
        CHECK(folder.code(folder.path / "cut.zip") == "import_damaged");
        auto broken = whole;
        broken[60] = static_cast<char>(broken[60] ^ 0x55);
        folder.write("broken.zip", broken);
        auto source = folder.open(folder.path / "broken.zip");
        REQUIRE(source);
        StringSink sql(200'000);
        auto read_it = source->sql(sql, {});
        REQUIRE_FALSE(read_it);
        CHECK(read_it.error().code() == "import_damaged");
        auto twice = folder.zip(
            "z.writestr('dump.sql', 'x')\n"
            "z.writestr('filestore/" +
            std::string(hello) +
            "', 'a')\n"
            "z.writestr('filestore/" +
            std::string(hello) + "', 'b')\n"
        );
        auto doubled = folder.open(twice);
        REQUIRE(doubled);
        auto to = folder.fresh("out");
        auto copied = doubled->copy_files(to.get(), {});
        REQUIRE_FALSE(copied);
        CHECK(copied.error().code() == "import_ambiguous");
    }

    TEST_CASE("a bomb is told by what it claims to become, before any of it is unpacked") {
        ZipLimits limits;
        limits.small = 1000;
        ZipSorter many({.entries = 3});
        for (int i = 0; i < 3; ++i) REQUIRE(many.add({"x" + std::to_string(i), 1, 1}));
        CHECK(many.add({"y", 1, 1}).error().code() == "import_bomb");
        ZipSorter packed(limits);
        REQUIRE(packed.add({"dump.sql", 300'000, 1000}));
        CHECK(packed.finish(2000).error().code() == "import_bomb");
        ZipSorter fair(limits);
        REQUIRE(fair.add({"dump.sql", 150'000, 1000}));
        CHECK(fair.finish(2000));
        ZipSorter overlapping;
        REQUIRE(overlapping.add({"dump.sql", 10, 1500}));
        REQUIRE(overlapping.add({"x", 10, 1500}));
        CHECK(overlapping.finish(2000).error().code() == "import_bomb");
        ZipSorter huge;
        REQUIRE(huge.add({"a", std::uint64_t(3) << 40, 1}));
        CHECK(huge.add({"b", std::uint64_t(3) << 40, 1}).error().code() == "import_bomb");
        CHECK(huge.add({"c", ~std::uint64_t(0), 1}).error().code() == "import_bomb");
        ZipSorter locked;
        CHECK(locked.add({"dump.sql", 1, 1, 0, true}).error().code() == "import_encrypted");
    }

    TEST_CASE("a gzip bomb stops at its limit") {
        Folder folder;
        Command command;
        command.argv = {
            "python3", "-c",
            "import gzip, sys\n"
            "with gzip.open(sys.argv[1], 'wb', 9) as f:\n"
            "  for i in range(1100): f.write(b'-' * (1 << 20))",
            (folder.path / "a.sql.gz").string()};
        REQUIRE(run_ok(command));
        auto source = folder.open(folder.path / "a.sql.gz");
        REQUIRE(source);
        struct Nowhere final : Sink {
            using Sink::write;
            Result<> write(std::span<const std::byte>) override { return {}; }
            Result<> finish() override { return {}; }
        } nowhere;
        auto done = source->sql(nowhere, {});
        REQUIRE_FALSE(done);
        CHECK(done.error().code() == "import_bomb");
    }

    TEST_CASE("what it is shows in its first bytes") {
        using proto::ImportFormat;
        CHECK(format_of("PK\x03\x04xx") == ImportFormat::odoo_zip);
        CHECK(format_of("PGDMP\x01\x0e") == ImportFormat::custom);
        CHECK(format_of("\x1f\x8b\x08") == ImportFormat::sql_gzip);
        CHECK(format_of("--\n-- PostgreSQL database dump\n") == ImportFormat::sql);
        CHECK(format_of("\\restrict abc\nSET x = 1;") == ImportFormat::sql);
        for (std::string_view other :
             {"", "BZh9", "7z\xbc\xaf", "<html>", "hello", "age-encryption.org/v1"}) {
            CAPTURE(other);
            auto format = format_of(other);
            REQUIRE_FALSE(format);
            CHECK(format.error().code() == "import_format_unknown");
        }
    }

    TEST_CASE("only a plain file is opened, with no link on the way") {
        Folder folder;
        auto file = folder.write("real/a.sql", "-- PostgreSQL database dump\n");
        fs::create_symlink(file, folder.path / "link.sql");
        fs::create_directory_symlink(folder.path / "real", folder.path / "way");
        REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
        CHECK(folder.code(file).empty());
        CHECK(folder.code(folder.path / "link.sql") == "import_not_plain");
        CHECK(folder.code(folder.path / "way" / "a.sql") == "import_not_plain");
        CHECK(folder.code(folder.path / "pipe") == "import_not_plain");
        CHECK(folder.code(folder.path / "real") == "import_not_plain");
        CHECK(folder.code(folder.path / "none.sql") == "import_not_found");
        CHECK(folder.code("/dev/zero") == "import_not_plain");
    }

    TEST_CASE("a changed file has another fingerprint") {
        Folder folder;
        auto file = folder.write("a.sql", "-- PostgreSQL database dump\n");
        auto print = [&] { return fingerprint(open_file(file, "me")->get()).value(); };
        auto before = print();
        CHECK(print() == before);
        folder.write("a.sql", "-- PostgreSQL database dump\n--");
        CHECK(print() != before);
    }

    TEST_CASE("a folder gives its files, and nothing that is no file of a filestore") {
        Folder folder;
        auto dump = folder.write("a.sql", "-- PostgreSQL database dump\n");
        folder.write("store/" + std::string(hello), fox);
        folder.write("store/2f/notes.txt", "x");
        fs::create_directories(folder.path / "store/00");
        fs::create_symlink("/etc/passwd", folder.path / ("store/00/00" + std::string(38, 'b')));
        fs::create_directory_symlink("/etc", folder.path / "store/01");
        auto source = folder.open(dump, folder.path / "store");
        REQUIRE(source);
        auto found = source->look_at_files();
        REQUIRE(found);
        CHECK(found->files == 1);
        CHECK(found->ignored == 3);
        auto to = folder.fresh("out");
        auto altered = source->copy_files(to.get(), {});
        REQUIRE(altered);
        CHECK(*altered == 0);
        CHECK(read(folder.path / "out" / hello) == fox);
        CHECK_FALSE(fs::exists(folder.path / "out" / "00"));
        fs::create_directories(folder.path / "empty");
        auto none = folder.open(dump, folder.path / "empty");
        REQUIRE(none);
        CHECK(none->look_at_files().error().code() == "import_no_files");
        CHECK(
            folder.code(folder.zip("z.writestr('dump.sql', 'x')"), folder.path / "store") ==
            "import_ambiguous"
        );
    }
}
