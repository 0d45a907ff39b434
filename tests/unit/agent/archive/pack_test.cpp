#include "agent/archive/layout.hpp"
#include "agent/archive/pack.hpp"
#include "agent/archive/zstd.hpp"
#include "common/crypto/encoding.hpp"
#include "support.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

using namespace fairlead;
using namespace fairlead::archive;

namespace {

/// Where packs go in these tests; a pack is there once it was finished.
struct Bucket {
    struct Upload final : Sink {
        Upload(Bucket& to, std::string as) : bucket(to), name(std::move(as)) {}
        using Sink::write;
        Result<> write(std::span<const std::byte> bytes) override {
            text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            if (bucket.on_write) bucket.on_write();
            if (text.size() > bucket.limit) return fail(Errc::unavailable, "the bucket is gone");
            return {};
        }
        Result<> finish() override {
            bucket.objects[name] = std::move(text);
            return {};
        }
        Bucket& bucket;
        std::string name, text;
    };

    Packer::Open open() {
        return [this](const std::string& name) -> Result<std::unique_ptr<Sink>> {
            ++opened;
            return std::make_unique<Upload>(*this, name);
        };
    }
    Packer::Done done() {
        return [this](FinishedPack pack) -> Result<> {
            CHECK(objects.contains(pack.name));
            packs.push_back(std::move(pack));
            return {};
        };
    }

    std::map<std::string, std::string> objects;
    std::vector<FinishedPack> packs;
    std::function<void()> on_write;
    std::size_t limit = plenty;
    int opened = 0;
};

std::string path_for(const std::string& content) {
    crypto::Sha1 sha1;
    sha1.add(content);
    auto digest = sha1.finish();
    auto name = crypto::hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
    return name.substr(0, 2) + "/" + name;
}

struct Fixture {
    Folder store;
    Bucket bucket;
    FakeClock clock;
    std::vector<crypto::Identity> identities;
    PackerOptions options;
    std::vector<std::string> paths;

    Fixture() {
        identities.push_back(crypto::Identity::generate());
        options.pack_bytes = 100'000;
        options.single_bytes = 40'000;
    }

    Packer packer() {
        return Packer(
            store.descriptor.get(), {identities[0].recipient()}, clock, bucket.open(),
            bucket.done(), options
        );
    }
    std::string put(const std::string& content) {
        auto path = path_for(content);
        store.put(path, content);
        paths.push_back(path);
        return path;
    }
    FileTable list() const {
        FileTable table;
        for (const auto& pack : bucket.packs)
            for (const auto& member : pack.members) table.add(member);
        return table;
    }
    Result<> unpack(
        const Folder& into, const std::string& pack, const FileTable& files, UnpackOptions how = {}
    ) {
        Unpacker unpacker(into.descriptor.get(), pack, files, identities, how);
        return pour(unpacker, bucket.objects.at(pack), 10'000);
    }
};

} // namespace

TEST_SUITE("agent/archive/pack") {

    TEST_CASE("files go into packs of about the asked size, and come back from them") {
        Fixture f;
        for (unsigned i = 1; i < 30; ++i) f.put(sample(i * 1000, i));
        auto large = f.put(sample(300'000, 99));
        f.put("");
        auto packer = f.packer();
        for (const auto& path : f.paths) REQUIRE(packer.add(path));
        REQUIRE(packer.finish());

        CHECK(packer.mismatched() == 0);
        CHECK(f.bucket.packs.size() == f.bucket.objects.size());
        std::set<std::string> names;
        std::string before;
        for (const auto& pack : f.bucket.packs) {
            CHECK(PackId::parse(pack.name));
            CHECK(pack.name > before);
            before = pack.name;
            std::uint64_t sum = 0;
            for (const auto& member : pack.members) {
                CHECK(names.insert(member.path).second);
                CHECK(member.named_by_content());
                CHECK(member.pack == pack.name);
                sum += member.size;
                if (member.path == large) CHECK(pack.members.size() == 1);
            }
            CHECK(sum == pack.content_bytes);
            bool fits = sum <= 100'000 || pack.members.size() == 1;
            CHECK(fits);
            CHECK(f.bucket.objects.contains(pack.name));
        }
        CHECK(names.size() == std::set<std::string>(f.paths.begin(), f.paths.end()).size());

        Folder into;
        auto files = f.list();
        UnpackOptions how;
        how.file_mode = 0640;
        how.folder_mode = 0750;
        for (const auto& pack : f.bucket.packs) REQUIRE(f.unpack(into, pack.name, files, how));
        for (const auto& path : f.paths) CHECK((into.get(path) == f.store.get(path)));
        CHECK(std::filesystem::status(into / large).permissions() == std::filesystem::perms(0640));
        CHECK(
            std::filesystem::status(into / large.substr(0, 2)).permissions() ==
            std::filesystem::perms(0750)
        );
    }

    TEST_CASE("behind a pack that hardly became smaller the next is compressed quickly") {
        Fixture f;
        // Many short repetitions, which only the slower levels look for.
        auto words = [](unsigned number) {
            auto letters = sample(5 * 256, 42), order = sample(18'000, number);
            std::string text;
            for (char c : order) text += letters.substr(static_cast<unsigned char>(c) * 5u, 5);
            return text;
        };
        f.options.single_bytes = 200'000;
        f.options.level = 15;
        auto packer = f.packer();
        for (const auto& content : {words(1), sample(90'000, 7), words(2), words(3)})
            REQUIRE(packer.add(f.put(content)));
        REQUIRE(packer.finish());
        REQUIRE(f.bucket.packs.size() == 4);
        auto bytes = [&](std::size_t i) { return f.bucket.objects[f.bucket.packs[i].name].size(); };
        CHECK(bytes(2) > bytes(0) * 21 / 20);
        // And it was seen that it pays again.
        CHECK(bytes(3) < bytes(2) * 20 / 21);
        Folder into;
        auto files = f.list();
        for (const auto& pack : f.bucket.packs) REQUIRE(f.unpack(into, pack.name, files));
        for (const auto& path : f.paths) CHECK((into.get(path) == f.store.get(path)));
    }

    TEST_CASE("age, zstd and tar alone open a pack, and what they make is opened") {
        Fixture f;
        for (unsigned i = 0; i < 5; ++i) f.put(sample(i * 9000, i));
        auto packer = f.packer();
        for (const auto& path : f.paths) REQUIRE(packer.add(path));
        REQUIRE(packer.finish());
        REQUIRE(f.bucket.packs.size() == 1);
        auto name = f.bucket.packs[0].name;

        Folder tools;
        tools.put("key", f.identities[0].print().reveal());
        tools.put("pack.tar.zst.age", f.bucket.objects.at(name));
        run_other(
            {"age", "-d", "-i", tools / "key", "-o", tools / "pack.tar.zst",
             tools / "pack.tar.zst.age"}
        );
        run_other({"zstd", "-q", "-d", tools / "pack.tar.zst"});
        std::filesystem::create_directory(tools / "out");
        auto listed = run_other({"tar", "-tf", tools / "pack.tar"});
        for (const auto& path : f.paths) CHECK(listed.find(path + "\n") != std::string::npos);
        run_other({"tar", "-xf", tools / "pack.tar", "-C", tools / "out"});
        for (const auto& path : f.paths) CHECK((tools.get("out/" + path) == f.store.get(path)));

        run_other({"tar", "-cf", tools / "theirs.tar", "-C", f.store.path, "."});
        run_other({"zstd", "-q", tools / "theirs.tar"});
        run_other(
            {"age", "-r", f.identities[0].recipient().str(), "-o", tools / "theirs.age",
             tools / "theirs.tar.zst"}
        );
        f.bucket.objects[name] = tools.get("theirs.age");
        Folder into;
        REQUIRE(f.unpack(into, name, f.list()));
        for (const auto& path : f.paths) CHECK((into.get(path) == f.store.get(path)));
    }

    TEST_CASE("a dump-like stream through zstd and age is what age and zstd give back") {
        Fixture f;
        std::string dump = "PGDMP";
        for (int i = 0; dump.size() < 3'000'000; ++i)
            dump += "COPY row " + std::to_string(i) + sample(20, unsigned(i));
        StringSink stored(plenty);
        crypto::AgeWriter age(stored, {f.identities[0].recipient()});
        ZstdWriter zstd(age, 3, 2);
        REQUIRE(pour(zstd, dump, 65536));
        Folder tools;
        tools.put("key", f.identities[0].print().reveal());
        tools.put("dump.age", stored.text);
        run_other({"age", "-d", "-i", tools / "key", "-o", tools / "dump.zst", tools / "dump.age"});
        run_other({"zstd", "-q", "-d", tools / "dump.zst"});
        CHECK((tools.get("dump") == dump));
        StringSink plain(plenty);
        ZstdReader back(plain, plenty);
        crypto::AgeReader reader(back, f.identities);
        REQUIRE(pour(reader, stored.text, 100'000));
        CHECK((plain.text == dump));
    }

    TEST_CASE("content that is not what its name says is packed and told") {
        Fixture f;
        auto wrong = path_for("what it should be");
        f.store.put(wrong, "what it is");
        auto wrong_large = path_for("large");
        f.store.put(wrong_large, sample(50'000));
        f.store.put("checklist/x", "no hash");
        auto packer = f.packer();
        for (auto path : {wrong, wrong_large, std::string("checklist/x")})
            REQUIRE(packer.add(path));
        REQUIRE(packer.finish());
        CHECK(packer.mismatched() == 2);
        CHECK(packer.mismatched_names() == std::vector{wrong, wrong_large});
        auto files = f.list();
        CHECK((files.find(wrong)->hash == ContentHash(crypto::sha256("what it is"))));
        Folder into;
        for (const auto& pack : f.bucket.packs) REQUIRE(f.unpack(into, pack.name, files));
        CHECK(into.get(wrong) == "what it is");
        CHECK((into.get(wrong_large) == sample(50'000)));
        CHECK(into.get("checklist/x") == "no hash");

        for (int i = 0; i < 30; ++i) f.store.put(path_for(std::to_string(i)), "x");
        auto many = f.packer();
        for (int i = 0; i < 30; ++i) REQUIRE(many.add(path_for(std::to_string(i))));
        REQUIRE(many.finish());
        CHECK(many.mismatched() == 30);
        CHECK(many.mismatched_names().size() == 20);
    }

    TEST_CASE("links, pipes and folders are not read; what is gone is told; the packer goes on") {
        Fixture f;
        Folder outside;
        outside.put("secret", "of the host");
        outside.put("ab/x", "of the host");
        f.store.put("ok/file", "fine");
        REQUIRE(::symlink((outside / "secret").c_str(), (f.store / "link").c_str()) == 0);
        REQUIRE(::symlink((outside / "ab").c_str(), (f.store / "ab").c_str()) == 0);
        REQUIRE(::mkfifo((f.store / "pipe").c_str(), 0600) == 0);
        auto packer = f.packer();
        for (auto path : {"link", "ab/x", "pipe", "ok", "../x", "/etc/passwd", "", "ok/file/x"}) {
            CAPTURE(path);
            auto added = packer.add(path);
            REQUIRE(!added);
            CHECK(added.error().code() == "file_refused");
        }
        CHECK(packer.add("ok/gone").error().code() == "file_missing");
        CHECK(packer.add("gone/gone").error().code() == "file_missing");
        REQUIRE(packer.add("ok/file"));
        REQUIRE(packer.finish());
        CHECK(f.list().size() == 1);
    }

    TEST_CASE("a large file that changes is read again, then given up by name") {
        Fixture f;
        auto content = sample(2'000'000);
        f.store.put("large", content);
        int writes = 0;
        f.bucket.on_write = [&] {
            // Once, while it is being packed.
            if (++writes == 2) REQUIRE(::truncate((f.store / "large").c_str(), 1'500'000) == 0);
        };
        {
            auto packer = f.packer();
            REQUIRE(packer.add("large"));
            REQUIRE(packer.finish());
        }
        CHECK(f.bucket.opened == 2);
        REQUIRE(f.bucket.packs.size() == 1);
        CHECK(f.bucket.objects.size() == 1);
        CHECK(f.list().find("large")->size == 1'500'000);

        off_t size = 1'500'000;
        f.bucket.on_write = [&] { REQUIRE(::truncate((f.store / "large").c_str(), ++size) == 0); };
        auto packer = f.packer();
        auto added = packer.add("large");
        REQUIRE(!added);
        CHECK(added.error().code() == "file_changing");
        CHECK(added.error().message().find("large") == 0);
        CHECK(f.bucket.objects.size() == 1);
    }

    TEST_CASE("a small file that has not the size that it says is given up by name") {
        Fixture f;
        Descriptor process(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        Packer packer(
            process.get(), {f.identities[0].recipient()}, f.clock, f.bucket.open(), f.bucket.done()
        );
        // The kernel says 0 bytes, and gives more.
        auto added = packer.add("status");
        REQUIRE(!added);
        CHECK(added.error().code() == "file_changing");
        CHECK(added.error().message().find("status") == 0);
        CHECK(f.bucket.opened == 0);
    }

    TEST_CASE("a bucket that fails ends the packer with its own error") {
        Fixture f;
        f.bucket.limit = 50'000;
        f.put(sample(30'000, 1));
        f.put(sample(30'000, 2));
        f.put(sample(39'999, 3));
        auto packer = f.packer();
        Result<> result;
        for (const auto& path : f.paths)
            if (result) result = packer.add(path);
        if (result) result = packer.finish();
        REQUIRE(!result);
        CHECK(result.error().kind() == Errc::unavailable);
        CHECK(f.bucket.packs.empty());
    }

    TEST_CASE("a pack that is not what the list says is refused by name") {
        Fixture f;
        auto one = f.put("one"), two = f.put("two");
        auto packer = f.packer();
        REQUIRE(packer.add(one));
        REQUIRE(packer.add(two));
        REQUIRE(packer.finish());
        auto pack = f.bucket.packs[0].name;
        auto stored = f.bucket.objects.at(pack);

        auto with = [&](auto change) {
            FileTable files;
            for (auto member : f.bucket.packs[0].members) {
                change(member);
                files.add(member);
            }
            Folder into;
            auto done = f.unpack(into, pack, files);
            return done ? "" : done.error().code() + ": " + done.error().message();
        };
        CHECK(with([](FileEntry&) {}) == "");
        auto size = with([&](FileEntry& e) { e.size += e.path == one; });
        CHECK(size.find("backup_damaged") == 0);
        CHECK(size.find(one) != std::string::npos);
        auto hash = with([&](FileEntry& e) {
            if (e.path == two) e.hash = crypto::sha256("no");
        });
        CHECK(hash.find("backup_damaged") == 0);
        CHECK(hash.find(two) != std::string::npos);
        CHECK(with([&](FileEntry& e) {
                  if (e.path == two) e.path = "absent", e.hash = crypto::sha256("two");
              }).find("1 of the 2") != std::string::npos);
        // Of another pack: passed over.
        CHECK(with([&](FileEntry& e) {
                  if (e.path == two) e.pack = "pck_01J00000000000000000000000";
              }) == "");

        Folder twice;
        REQUIRE(f.unpack(twice, pack, f.list()));
        CHECK(f.unpack(twice, pack, f.list()).error().code() == "backup_damaged");
        Folder cut;
        f.bucket.objects[pack] = stored.substr(0, stored.size() - 1);
        CHECK(f.unpack(cut, pack, f.list()).error().code() == "backup_damaged");
        f.bucket.objects[pack] = stored;
        UnpackOptions small;
        small.limit = 1000;
        Folder bomb;
        CHECK(f.unpack(bomb, pack, f.list(), small).error().code() == "backup_damaged");
        f.identities[0] = crypto::Identity::generate();
        Folder wrong;
        CHECK(f.unpack(wrong, pack, f.list()).error().code() == "backup_key_wrong");
        CHECK(std::filesystem::is_empty(wrong.path));
    }

    TEST_CASE("a link in the folder that is unpacked into is not followed") {
        Fixture f;
        auto one = f.put("one");
        auto packer = f.packer();
        REQUIRE(packer.add(one));
        REQUIRE(packer.finish());
        Folder outside, into;
        REQUIRE(::symlink(outside.path.c_str(), (into / one.substr(0, 2)).c_str()) == 0);
        CHECK(!f.unpack(into, f.bucket.packs[0].name, f.list()));
        CHECK(std::filesystem::is_empty(outside.path));
    }
}
