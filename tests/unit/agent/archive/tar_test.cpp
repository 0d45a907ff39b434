#include "agent/archive/tar.hpp"
#include "support.hpp"

#include <cstring>

using namespace fairlead;
using namespace fairlead::archive;

namespace {

struct Member {
    std::string name, content;
    mode_t mode;
    bool operator==(const Member&) const = default;
};

struct Collector final : TarHandler {
    Result<> begin(const TarMember& member) override {
        members.push_back({member.name, "", member.mode});
        size = member.size;
        return {};
    }
    Result<> data(std::span<const std::byte> bytes) override {
        members.back().content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }
    Result<> end() override {
        CHECK(members.back().content.size() == size);
        return {};
    }
    std::vector<Member> members;
    std::uint64_t size = 0;
};

struct Read {
    std::vector<Member> members;
    std::string code, message;
};

Read read_tar(std::string_view archive, TarLimits limits = {}, std::size_t step = 100) {
    Collector collector;
    TarReader reader(collector, limits);
    auto done = pour(reader, archive, step);
    return {
        std::move(collector.members), done ? "" : done.error().code(),
        done ? "" : done.error().message()};
}

std::string write_tar(const std::vector<Member>& members) {
    StringSink out(plenty);
    TarWriter writer(out);
    for (const auto& member : members) {
        REQUIRE(writer.begin(member.name, member.content.size(), member.mode));
        REQUIRE(writer.write(std::as_bytes(std::span(member.content))));
        REQUIRE(writer.end());
    }
    REQUIRE(writer.finish());
    return std::move(out.text);
}

/// One header as somebody else might write it, with a right checksum.
std::string header(std::string_view name, char type, std::string_view size = "00000000000") {
    std::string block(512, '\0');
    std::memcpy(block.data(), name.data(), std::min<std::size_t>(name.size(), 100));
    std::memcpy(block.data() + 100, "0000644", 7);
    std::memcpy(block.data() + 124, size.data(), size.size());
    block[156] = type;
    std::memcpy(block.data() + 257, "ustar\00000", 8);
    std::memset(block.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (unsigned char c : block) sum += c;
    std::snprintf(block.data() + 148, 8, "%06o", sum);
    return block;
}
const std::string the_end(1024, '\0');

const std::vector<Member> members = {
    {"ab/abcdef", "hello", 0600},
    {"empty", "", 0644},
    {"block", std::string(512, 'b'), 0600},
    {"with a space and ümläut", "x", 0755},
    {std::string(100, 'n'), "exactly", 0600},
    {std::string(90, 'p') + "/" + std::string(90, 'q'), "by prefix", 0600},
    {std::string(200, 'r') + "/" + std::string(200, 's'), "by pax", 0600},
    {std::string(200, 't') + "/u", "by pax too", 0600},
};

} // namespace

TEST_SUITE("agent/archive/tar") {

    TEST_CASE("members come back, whatever the pieces") {
        auto archive = write_tar(members);
        CHECK(archive.size() % 512 == 0);
        for (std::size_t step : {1, 511, 512, 513, 1 << 20}) {
            CAPTURE(step);
            auto read = read_tar(archive, {}, step);
            CHECK(read.code == "");
            CHECK((read.members == members));
        }
    }

    TEST_CASE("GNU tar and bsdtar read ours") {
        Folder folder;
        folder.put("ours.tar", write_tar(members));
        for (std::string program : {"tar", "bsdtar"}) {
            CAPTURE(program);
            auto into = folder / program;
            std::filesystem::create_directory(into);
            run_other({program, "-xpf", folder / "ours.tar", "-C", into});
            for (const auto& member : members) {
                CHECK((folder.get(program + "/" + member.name) == member.content));
                auto mode = std::filesystem::status(into + "/" + member.name).permissions();
                CHECK(static_cast<mode_t>(mode) == member.mode);
            }
        }
    }

    TEST_CASE("what GNU tar and bsdtar write is read, in each of their formats") {
        Folder folder;
        auto deep = "d/" + std::string(120, 'x') + "/" + std::string(120, 'y');
        folder.put("in/" + deep, "long");
        folder.put("in/short", "short");
        for (std::vector<std::string> program :
             {std::vector<std::string>{"tar", "--format=gnu"},
              {"tar", "--format=pax"},
              {"bsdtar", "--format=pax"}}) {
            CAPTURE(program[0] + program[1]);
            program.insert(program.end(), {"-cf", folder / "theirs.tar", "-C", folder / "in", "."});
            run_other(program);
            auto read = read_tar(folder.get("theirs.tar"));
            CHECK(read.message == "");
            CHECK(read.members.size() == 2);
            for (const auto& member : read.members)
                CHECK(member.content == (member.name == deep ? "long" : "short"));
        }
    }

    TEST_CASE("names that would leave the folder, links and devices are refused") {
        for (std::string name :
             {"/etc/passwd", "../x", "a/../../x", "a/..", "..", ".", "a//b", "a/./b", "a/"}) {
            CAPTURE(name);
            CHECK(!is_safe_name(name));
            CHECK(read_tar(header(name, '0') + the_end).code == "backup_damaged");
            StringSink out(plenty);
            TarWriter writer(out);
            CHECK_THROWS(writer.begin(name, 0));
        }
        for (char type : {'1', '2', '3', '4', '6', '7', 'K', 'S', 'D', 'V', 'Z'}) {
            CAPTURE(type);
            auto read = read_tar(header("x", type) + the_end);
            CHECK(read.code == "backup_damaged");
            CHECK(read.members.empty());
        }
        CHECK(read_tar(header("../x/", '5') + the_end).code == "backup_damaged");
        CHECK(read_tar(header("x/", '5') + header("./", '5') + the_end).code == "");
        CHECK(!is_safe_name(std::string("a\0b", 3)));
        CHECK(!is_safe_name(std::string(tar_max_name + 1, 'a')));

        auto pax = [&](const std::string& record) {
            auto body = record + std::string(512 - record.size(), '\0');
            char size[12];
            std::snprintf(size, sizeof size, "%011zo", record.size());
            return header("pax", 'x', {size, 11}) + body + header("x", '0') + the_end;
        };
        CHECK(read_tar(pax("9 path=y\n")).members.at(0).name == "y");
        CHECK(read_tar(pax("12 path=../y\n")).code == "backup_damaged");
        CHECK(read_tar(pax("10 path=/y\n")).code == "backup_damaged");
        CHECK(read_tar(pax("99 path=y\n")).code == "backup_damaged");
        CHECK(read_tar(pax("3 path=y\n")).code == "backup_damaged");
        CHECK(read_tar(pax("8 pathy\n\n")).code == "backup_damaged");
        CHECK(read_tar(pax("10 size=-1\n")).code == "backup_damaged");
        CHECK(read_tar(pax("22 GNU.sparse.major=1\n")).code == "backup_damaged");
    }

    TEST_CASE("limits hold") {
        auto archive = write_tar({{"a", "1", 0600}, {"b", "22", 0600}});
        CHECK(read_tar(archive, {2, 2}).code == "");
        CHECK(read_tar(archive, {1, 2}).code == "backup_damaged");
        CHECK(read_tar(archive, {2, 1}).code == "backup_damaged");
        CHECK(read_tar(header("x", 'x', "77777777777")).code == "backup_damaged");
        CHECK(read_tar(header("x", 'L', "00000400000")).code == "backup_damaged");
    }

    TEST_CASE("an archive that was cut, altered or continued is refused") {
        auto archive = write_tar({{"a", std::string(700, '1'), 0600}, {"b", "22", 0600}});
        for (std::size_t size = 0; size < archive.size(); ++size)
            CHECK(read_tar(archive.substr(0, size), {}, 4096).code == "backup_damaged");
        for (std::size_t at = 0; at < 512; ++at) {
            auto altered = archive;
            altered[at] ^= 1;
            // A digit of the checksum itself may turn into a space that counts the same.
            if (at < 148 || at > 155) CHECK(read_tar(altered, {}, 4096).code == "backup_damaged");
        }
        CHECK(read_tar(archive + std::string(5000, '\0')).code == "");
        CHECK(read_tar(archive + "x").code == "backup_damaged");
        CHECK(read_tar(header("x", '0', "0000000000z") + the_end).code == "backup_damaged");
        CHECK(read_tar(std::string(512, '\0') + archive).code == "backup_damaged");
    }

    TEST_CASE("sizes that eleven octal digits cannot hold are written and read") {
        StringSink out(plenty);
        TarWriter writer(out);
        constexpr std::uint64_t size = std::uint64_t(9) << 30;
        REQUIRE(writer.begin("huge", size));
        struct Sizes final : TarHandler {
            Result<> begin(const TarMember& member) override {
                size = member.size;
                return {};
            }
            Result<> data(std::span<const std::byte>) override { return {}; }
            Result<> end() override { return {}; }
            std::uint64_t size = 0;
        } sizes;
        TarReader reader(sizes);
        REQUIRE(reader.write(out.text));
        CHECK(sizes.size == size);
    }

    TEST_CASE("a writer that is used in the wrong order is our own mistake") {
        StringSink out(plenty);
        TarWriter writer(out);
        CHECK_THROWS(writer.end());
        REQUIRE(writer.begin("a", 1));
        CHECK_THROWS(writer.begin("b", 1));
        CHECK_THROWS(writer.end());
        CHECK_THROWS(writer.finish());
        CHECK_THROWS(writer.write(std::as_bytes(std::span("xy", 2))));
    }
}
