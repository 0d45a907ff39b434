#include "common/crypto/random.hpp"
#include "proto/capability.hpp"
#include "proto/codec.hpp"
#include "proto/terminal.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <vector>

using namespace fairlead;
using namespace fairlead::proto;
using namespace std::chrono_literals;

namespace {

struct Heard {
    std::string text;
    std::vector<TerminalSize> sizes;
    std::vector<TerminalEnd> ends;
    std::string error;
};

/// What a reader makes of `bytes` that come `piece` at a time.
Heard hear(TerminalSide from, std::string_view bytes, std::size_t piece = 1 << 20) {
    Heard heard;
    TerminalReader reader(from);
    while (!bytes.empty() && heard.error.empty()) {
        auto some = bytes.substr(0, piece);
        bytes.remove_prefix(some.size());
        for (;;) {
            auto part = reader.next(some);
            if (!part) {
                heard.error = part.error().message();
                std::string_view more = "i";
                CHECK(!reader.next(more)); // and so it stays
                break;
            }
            if (!*part) break;
            const auto& found = **part;
            heard.text += found.bytes;
            if (found.type == TerminalMessage::resize) heard.sizes.push_back(found.size);
            if (found.type == TerminalMessage::end) heard.ends.push_back(found.end);
        }
    }
    if (heard.error.empty()) CHECK(reader.ended() == !heard.ends.empty());
    return heard;
}

std::string message(char type, std::string_view payload, std::uint32_t size) {
    std::string out(1, type);
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xFF);
    return out + std::string(payload);
}

} // namespace

TEST_SUITE("proto/terminal") {

    TEST_CASE("messages stand on the wire as the README says") {
        CHECK(write_input("ls\n") == std::string("i\0\0\0\3ls\n", 8));
        CHECK(write_output("a") == std::string("o\0\0\0\1a", 6));
        CHECK(write_resize({300, 24}) == std::string("r\0\0\0\4\1\x2c\0\x18", 9));
        TerminalEnd end;
        end.code = 0;
        CHECK(write_end(end) == std::string("x\0\0\0\n{\"code\":0}", 15));
        CHECK(write_input("").empty());
    }

    TEST_CASE("a stream that was cut anywhere means the same") {
        std::string typed(70'000, 'q');
        auto bytes = write_input("a") + write_resize({1, 1}) + write_input(typed) +
                     write_resize({1000, 1000});
        for (std::size_t piece : {1u, 2u, 3u, 7u, 4096u, 1u << 20}) {
            CAPTURE(piece);
            auto heard = hear(TerminalSide::controller, bytes, piece);
            CHECK(heard.error == "");
            CHECK(heard.text == "a" + typed);
            CHECK(heard.sizes == std::vector<TerminalSize>{{1, 1}, {1000, 1000}});
        }
        TerminalEnd end;
        end.signal = "KILL";
        bytes = write_output("bye") + write_end(end);
        for (std::size_t piece : {1u, 4u, 4096u}) {
            auto heard = hear(TerminalSide::agent, bytes, piece);
            CHECK(heard.error == "");
            CHECK(heard.text == "bye");
            CHECK(heard.ends == std::vector{end});
        }
    }

    TEST_CASE("the largest message is taken, and it is handed on before it is whole") {
        TerminalReader reader(TerminalSide::controller);
        auto bytes = write_input(std::string(longest_terminal_message, 'x'));
        CHECK(bytes.size() == longest_terminal_message + 5);
        std::string_view some = std::string_view(bytes).substr(0, 100);
        auto part = reader.next(some);
        REQUIRE(part);
        REQUIRE(*part);
        CHECK((*part)->bytes.size() == 95);
        CHECK(!reader.between_messages());
        some = std::string_view(bytes).substr(100);
        part = reader.next(some);
        REQUIRE(part);
        CHECK((*part)->bytes.size() == longest_terminal_message - 95);
        CHECK(reader.between_messages());
    }

    TEST_CASE("what breaks the rules is told, and nothing is read after it") {
        struct Row {
            const char* name;
            TerminalSide from;
            std::string bytes;
            const char* says;
        };
        auto end = write_end({});
        const std::vector<Row> rows = {
            {"unknown type", TerminalSide::controller, message('z', "a", 1), "begins so"},
            {"the other side's", TerminalSide::controller, write_output("a"), "begins so"},
            {"the other side's end", TerminalSide::controller, end, "begins so"},
            {"the other side's input", TerminalSide::agent, write_input("a"), "begins so"},
            {"the other side's resize", TerminalSide::agent, write_resize({1, 1}), "begins so"},
            {"empty", TerminalSide::controller, message('i', "", 0), "empty"},
            {"too long", TerminalSide::controller, message('i', "", 65'537), "65,536"},
            {"far too long", TerminalSide::agent, message('o', "", 0xFFFFFFFF), "65,536"},
            {"a short resize", TerminalSide::controller, message('r', "abc", 3), "4 bytes"},
            {"no columns", TerminalSide::controller, message('r', {"\0\0\0\1", 4}, 4), "1,000"},
            {"no rows", TerminalSide::controller, message('r', {"\0\1\0\0", 4}, 4), "1,000"},
            {"too many", TerminalSide::controller, message('r', {"\3\xe9\0\1", 4}, 4), "1,000"},
            {"a long end", TerminalSide::agent, message('x', "", 1025), "1,024"},
            {"no JSON", TerminalSide::agent, message('x', "{", 1), "no sense"},
            {"no code", TerminalSide::agent, message('x', R"({"code":"0"})", 12), "no sense"},
            {"after the end", TerminalSide::agent, end + write_output("a"), "follows the end"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto heard = hear(row.from, row.bytes);
            CHECK_MESSAGE(heard.error.find(row.says) != std::string::npos, heard.error);
            CHECK(heard.text.empty());
            CHECK(!hear(row.from, row.bytes, 1).error.empty());
        }
    }

    TEST_CASE("how a terminal ended comes back as it was told; what is new in it is passed over") {
        TerminalEnd code, idle;
        code.code = 130;
        idle.reason = "idle";
        for (const auto& end : {code, idle, TerminalEnd()}) {
            auto heard = hear(TerminalSide::agent, write_end(end));
            REQUIRE(heard.ends.size() == 1);
            CHECK(heard.ends[0] == end);
        }
        std::string newer = R"({"code":1,"mood":{"a":[1]}})";
        auto size = static_cast<std::uint32_t>(newer.size());
        auto heard = hear(TerminalSide::agent, message('x', newer, size));
        REQUIRE(heard.ends.size() == 1);
        CHECK(heard.ends[0].code == 1);
    }

    TEST_CASE("a capability for a terminal lives for 30 s") {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        TerminalPurpose purpose;
        purpose.kind = TerminalPurpose::terminal_kind;
        purpose.terminal = "term_1";
        purpose.user = "deploy";
        auto now = from_ms(1'790'000'000'000);
        auto members = write(purpose).as_object();
        auto text = sign_capability(members, "srv_1", "tkey_1", key, now);
        REQUIRE(text);
        auto one = Capability::read(*text);
        REQUIRE(one);
        CHECK(one->expires() == now + 30s);
        CHECK(one->life() == 30s);
        auto back = read<TerminalPurpose>(one->members());
        REQUIRE(back);
        CHECK(back->user == "deploy");
        CHECK(back->columns == 80);
        CHECK(back->record == 0);
    }
}
