#include "agent/archive/file_list.hpp"
#include "agent/archive/index.hpp"
#include "agent/archive/layout.hpp"
#include "common/crypto/encoding.hpp"
#include "support.hpp"

#include <cstring>

using namespace fairlead;
using namespace fairlead::archive;

namespace {

const std::string pack_a = "pck_01J00000000000000000000000",
                  pack_b = "pck_01J00000000000000000000001";

FileEntry named(const std::string& content, const std::string& pack) {
    crypto::Sha1 sha1;
    sha1.add(content);
    auto digest = sha1.finish();
    auto name = crypto::hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
    return {name.substr(0, 2) + "/" + name, content.size(), digest, pack};
}

FileEntry other(const std::string& path, const std::string& content, const std::string& pack) {
    return {path, content.size(), crypto::sha256(content), pack};
}

std::string write_list(const std::vector<FileEntry>& files) {
    StringSink out(plenty);
    FileListWriter writer(out);
    for (const auto& file : files) REQUIRE(writer.add(file));
    REQUIRE(writer.finish());
    return std::move(out.text);
}

struct Read {
    std::vector<FileEntry> files;
    std::string code, message;
};

Read read_list(std::string_view text, std::size_t step = 7) {
    Read read;
    FileListReader reader([&](const FileEntry& entry) -> Result<> {
        read.files.push_back(entry);
        return {};
    });
    auto done = pour(reader, text, step);
    if (!done) read.code = done.error().code(), read.message = done.error().message();
    return read;
}

} // namespace

TEST_SUITE("agent/archive/file_list") {

    TEST_CASE("a list comes back as it was written") {
        auto mismatched = named("one thing", pack_a);
        mismatched.hash = crypto::sha256("another thing");
        auto by_sha1 = named("x", pack_b);
        by_sha1.path = "elsewhere/x";
        const std::vector<FileEntry> files = {
            named("hello", pack_a), other("checklist/a b\t%\n", "", pack_b), mismatched, by_sha1,
            other(std::string(1024, '%'), "long", pack_a)};
        auto text = write_list(files);
        CHECK(
            text.find("aa/aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\t5\t=\t" + pack_a) !=
            std::string::npos
        );
        CHECK(text.find("checklist/a%20b%09%25%0A\t0\tsha256:e3b0c442") != std::string::npos);
        auto read = read_list(text);
        CHECK(read.message == "");
        CHECK((read.files == files));
        CHECK(read_list(write_list({})).code == "");
    }

    TEST_CASE("only Odoo's own names are hashes") {
        auto good = named("hello", pack_a).path;
        CHECK(name_hash(good));
        auto wrong = good;
        wrong[0] = 'b';
        CHECK(!name_hash(wrong));
        wrong = good;
        wrong[5] = 'F';
        CHECK(!name_hash(wrong));
        CHECK(!name_hash(good.substr(1)));
        CHECK(!name_hash("checklist/" + good));
    }

    TEST_CASE("what is no list is refused, with the line") {
        const std::string head = "# fairlead file list 1\n";
        auto line = named("hello", pack_a).path + "\t5\t=\t" + pack_a + "\n";
        CHECK(read_list(head + line + "# end 1 5\n").code == "");
        for (std::string text :
             {std::string(),
              head,
              head + line,
              std::string("# fairlead file list 2\n# end 0 0\n"),
              head + line + "# end 2 5\n",
              head + line + "# end 1 6\n",
              head + line + "# end 1 5",
              head + "# end 0 0\n" + line,
              head + "# end 0 0\n\n",
              head + "\n# end 0 0\n",
              head + "../x\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "/x\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "%2E%2E/x\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a +
                  "\n# end 1 1\n",
              head + "a%0\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "a%61\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "x\t01\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "x\t-1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "x\t1\tsha256:" + std::string(63, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "x\t1\tmd5:" + std::string(32, 'a') + "\t" + pack_a + "\n# end 1 1\n",
              head + "x\t1\t=\t" + pack_a + "\n# end 1 1\n",
              head + "x\t1\t\t" + pack_a + "\n# end 1 1\n",
              head + "x\t1\tsha256:" + std::string(64, 'a') + "\tpck_1\n# end 1 1\n",
              head + "x\t1\tsha256:" + std::string(64, 'a') + "\t" + pack_a + "\tmore\n# end 1 1\n",
              head + "x\t99999999999999999999\tsha256:" + std::string(64, 'a') + "\t" + pack_a +
                  "\n",
              head + "x\t9999999999999999999\tsha256:" + std::string(64, 'a') + "\t" + pack_a +
                  "\n",
              head + std::string(5000, 'x')}) {
            CAPTURE(text);
            CHECK(read_list(text).code == "backup_damaged");
        }
        CHECK(read_list(head + line + "nonsense\n").message.find("line 3") != std::string::npos);
    }

    TEST_CASE("a table finds files by path, and knows its packs") {
        FileTable table;
        CHECK(table.size() == 0);
        CHECK(!table.find("x"));
        std::vector<FileEntry> files;
        for (int i = 0; i < 500; ++i) {
            files.push_back(named("content " + std::to_string(i), i % 3 ? pack_a : pack_b));
            files.push_back(other("other/" + std::to_string(i), std::string(i, 'x'), pack_b));
        }
        for (const auto& file : files) table.add(file);
        CHECK(table.size() == 1000);
        for (const auto& file : files) CHECK((table.find(file.path) == file));
        CHECK(!table.find("other/500"));
        CHECK(!table.find(named("content 500", pack_a).path));
        CHECK(table.files_in(pack_a) == 333);
        CHECK(table.files_in(pack_b) == 667);
        CHECK(table.files_in("pck_none") == 0);
        table.keep_packs([](std::string_view pack) { return pack == pack_a; });
        CHECK(table.size() == 333);
        CHECK(table.packs() == std::vector{pack_a});
        CHECK(table.files_in(pack_b) == 0);
    }

    TEST_CASE(
        "of two entries for one path the later counts, and content that fits its name before it"
    ) {
        FileTable table;
        table.add(other("x", "old", pack_a));
        table.add(other("x", "new", pack_b));
        table.add(named("hello", pack_b));
        table.add(named("hello", pack_a));
        auto damaged = named("hello", pack_b);
        damaged.hash = crypto::sha256("other");
        table.add(damaged);
        CHECK(table.size() == 2);
        CHECK((table.find("x") == other("x", "new", pack_b)));
        CHECK((table.find(damaged.path) == named("hello", pack_a)));
    }

    TEST_CASE("a hundred thousand files fit in 12 MB, and no file takes 120 bytes") {
        FileTable table;
        FileEntry entry = named("x", pack_a);
        for (std::uint32_t i = 0; i < 100'000; ++i) {
            auto& digest = std::get<crypto::Sha1::Digest>(entry.hash);
            std::uint32_t mixed = i * 2654435761u;
            std::memcpy(digest.data(), &mixed, sizeof mixed);
            auto name =
                crypto::hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
            entry.path = name.substr(0, 2) + "/" + name;
            table.add(entry);
        }
        CHECK(table.size() == 100'000);
        CHECK(table.memory_bytes() < 6 << 20);
        FileTable others;
        for (int i = 0; i < 100'000; ++i)
            others.add(other("web/assets/folder-" + std::to_string(i), "x", pack_a));
        CHECK(others.size() == 100'000);
        CHECK(others.memory_bytes() < 12'000'000);
    }

    TEST_CASE("an index is kept in a file, and knows content again by name and size only") {
        Folder folder;
        Index index;
        index.files.add(named("hello", pack_a));
        index.files.add(other("checklist/x", "", pack_b));
        auto file = folder.path / "index";
        REQUIRE(index.save(file));
        auto loaded = Index::load(file);
        REQUIRE(loaded);
        CHECK(loaded->files.size() == 2);
        auto path = named("hello", pack_a).path;
        CHECK(loaded->find(path, 5) == pack_a);
        CHECK(!loaded->find(path, 6));
        CHECK(!loaded->find("checklist/x", 0));
        CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms(0600));
        CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);

        CHECK(Index::load(folder.path / "absent").error().kind() == Errc::not_found);
        auto text = folder.get("index");
        folder.put("index", text.substr(0, text.size() - 3));
        CHECK(Index::load(file).error().code() == "backup_damaged");
        CHECK(!index.save(folder.path / "absent" / "index"));
    }
}
