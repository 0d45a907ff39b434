#include "agent/archive/zstd.hpp"
#include "support.hpp"

using namespace fairlead;
using namespace fairlead::archive;

namespace {

std::string text_of(std::size_t size) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i)
        text += "line " + std::to_string(i * 7919 % 1000) + "\n";
    text.resize(size);
    return text;
}

std::string pack(std::string_view plain, std::size_t step, int workers = 0) {
    StringSink out(plenty);
    ZstdWriter writer(out, ZstdWriter::default_level, workers);
    REQUIRE(pour(writer, plain, step));
    return std::move(out.text);
}

struct Read {
    std::string text;
    std::string code;
};

Read unpack(std::string_view packed, std::uint64_t limit = plenty, std::size_t step = 1000) {
    StringSink out(plenty);
    ZstdReader reader(out, limit);
    auto done = pour(reader, packed, step);
    return {std::move(out.text), done ? "" : done.error().code()};
}

} // namespace

TEST_SUITE("agent/archive/zstd") {

    TEST_CASE("what is compressed comes back, whatever the size and the pieces") {
        for (std::size_t size : {0, 1, 131071, 131072, 131073, 3'000'000}) {
            CAPTURE(size);
            for (auto plain : {text_of(size), sample(size)}) {
                for (int workers : {0, 2}) {
                    auto packed = pack(plain, 65537, workers);
                    auto read = unpack(packed);
                    CHECK(read.code == "");
                    CHECK((read.text == plain));
                }
            }
        }
    }

    TEST_CASE("zstd itself reads ours, and we read what it writes, several frames too") {
        Folder folder;
        auto plain = text_of(2'000'000);
        folder.put("ours.zst", pack(plain, 10'000));
        run_other({"zstd", "-q", "-d", folder / "ours.zst", "-o", folder / "plain"});
        CHECK((folder.get("plain") == plain));
        run_other({"zstd", "-q", "-9", folder / "plain", "-o", folder / "theirs.zst"});
        auto theirs = folder.get("theirs.zst");
        CHECK((unpack(theirs).text == plain));
        CHECK((unpack(theirs + pack("more", 1)).text == plain + "more"));
    }

    TEST_CASE("damage, an early end, too much and too large a window are refused") {
        auto plain = text_of(300'000);
        auto packed = pack(plain, 10'000);
        for (std::size_t size = 0; size < packed.size(); size += 1 + packed.size() / 200)
            CHECK(unpack(packed.substr(0, size)).code == "backup_damaged");
        for (std::size_t at = 0; at < packed.size(); at += 1 + packed.size() / 200) {
            auto altered = packed;
            altered[at] ^= 0x10;
            // One byte says how large the window is; a larger one does no harm.
            auto read = unpack(altered);
            CHECK((read.code == "backup_damaged" || read.text == plain));
        }
        CHECK(unpack(packed + "x").code == "backup_damaged");
        CHECK(unpack(packed, plain.size()).code == "");
        CHECK(unpack(packed, plain.size() - 1).code == "backup_damaged");

        Folder folder;
        folder.put("plain", std::string(20 << 20, 'x'));
        run_other(
            {"zstd", "-q", "--long=24", "--no-content-size", folder / "plain", "-o",
             folder / "wide.zst"}
        );
        CHECK(unpack(folder.get("wide.zst")).code == "backup_damaged");
        // A bomb: a gigabyte in a few kilobytes stops at the limit.
        auto bomb = pack(std::string(64 << 20, '\0'), 1 << 20);
        auto read = unpack(bomb, 1 << 20);
        CHECK(read.code == "backup_damaged");
        CHECK(read.text.size() <= (1 << 20));
    }

    TEST_CASE("memory is what the header says") {
        StringSink out(plenty);
        ZstdWriter alone(out);
        REQUIRE(pour(alone, text_of(8 << 20)));
        CHECK(alone.memory_bytes() < 5 << 20);
        ZstdWriter with_two(out, ZstdWriter::default_level, 2);
        REQUIRE(pour(with_two, text_of(12 << 20)));
        CHECK(with_two.memory_bytes() < 20 << 20);
        auto packed = pack(text_of(12 << 20), 1 << 20);
        StringSink plain(plenty);
        ZstdReader reader(plain, plenty);
        REQUIRE(pour(reader, packed));
        CHECK(reader.memory_bytes() < 9 << 20);
    }
}
