#include "common/crypto/age.hpp"
#include "common/crypto/age_header.hpp"
#include "common/crypto/age_stream.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

constexpr std::size_t plenty = 64 << 20;

std::string
seal_for(std::string_view plain, const std::vector<Recipient>& to, std::size_t step = 0) {
    StringSink out(plenty);
    AgeWriter writer(out, to);
    if (step == 0) step = plain.size() + 1;
    for (std::size_t at = 0; at < plain.size(); at += step)
        REQUIRE(writer.write(plain.substr(at, step)));
    REQUIRE(writer.finish());
    return std::move(out.text);
}

struct Opened {
    Result<> result;
    std::string released;
    std::string code() const { return result ? "" : result.error().code(); }
};

Opened
open_with(const std::vector<Identity>& identities, std::string_view sealed, std::size_t step = 0) {
    StringSink out(plenty);
    AgeReader reader(out, identities);
    if (step == 0) step = sealed.size() + 1;
    for (std::size_t at = 0; at < sealed.size(); at += step)
        if (auto written = reader.write(sealed.substr(at, step)); !written)
            return {std::move(written), std::move(out.text)};
    auto finished = reader.finish();
    return {std::move(finished), std::move(out.text)};
}

std::vector<Identity> list(Identity identity) {
    std::vector<Identity> identities;
    identities.push_back(std::move(identity));
    return identities;
}

std::string sample(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return text;
}

std::string raw_base64(std::string_view bytes) {
    auto text = base64_encode(bytes);
    text.resize(text.find_last_not_of('=') + 1);
    return text;
}

/// A file made by hand: any stanzas, a right MAC over them, any chunks.
struct HandMade {
    Identity identity = Identity::generate();
    Secret file_key = random_secret(16);
    std::string nonce = random_bytes(16);

    /// The right stanza for `identity`, two lines.
    std::string stanza() const {
        auto header = age::write_header(file_key, {identity.recipient()}).value();
        auto begin = header.find("-> ");
        return header.substr(begin, header.find("---") - begin);
    }
    std::string header(const std::string& stanzas) const {
        auto covered = "age-encryption.org/v1\n" + stanzas + "---";
        auto key = age::derive(file_key.reveal(), {}, "header");
        return covered + " " + raw_base64(hmac_sha256(key.reveal(), covered).view()) + "\n";
    }
    std::string payload(const std::vector<std::pair<std::string, bool>>& chunks) const {
        age::ChunkCipher cipher(file_key, nonce);
        auto text = nonce;
        for (const auto& [plain, last] : chunks) {
            std::string sealed(plain.size() + age::tag_size, '\0');
            cipher.seal(
                std::as_bytes(std::span(plain)), reinterpret_cast<unsigned char*>(sealed.data()),
                last
            );
            text += sealed;
        }
        return text;
    }
    Opened open(const std::string& file) const { return open_with(list(identity.clone()), file); }
};

class Folder {
public:
    Folder() {
        char name[] = "/tmp/fairlead-age-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

void run_age(std::vector<std::string> arguments) {
    Command command;
    command.argv = {"age"};
    for (auto& argument : arguments) command.argv.push_back(std::move(argument));
    auto done = run_ok(command);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message()));
}

const std::size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 5'000'001};

} // namespace

TEST_SUITE("common/crypto/age") {

    TEST_CASE("keys are written as the specification's own examples are") {
        auto identity = Identity::parse(
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
        );
        REQUIRE(identity);
        CHECK(identity->key().reveal() == std::string(32, 'B'));
        CHECK(
            identity->recipient().str() ==
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
        );
        CHECK(
            identity->print().reveal() ==
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
        );
        CHECK(Recipient::parse(identity->recipient().str()).value() == identity->recipient());
    }

    TEST_CASE("what is no key is refused with a sentence that repeats no secret") {
        auto identity = Identity::generate();
        auto secret = std::string(identity.print().reveal());
        auto as_recipient = Recipient::parse(secret);
        REQUIRE(!as_recipient);
        CHECK(as_recipient.error().code() == "recipient_invalid");
        CHECK(as_recipient.error().message().find("secret key") != std::string::npos);
        CHECK(as_recipient.error().message().find(secret.substr(16)) == std::string::npos);
        auto typo = secret;
        typo[20] = typo[20] == 'Q' ? 'P' : 'Q';
        auto read = Identity::parse(typo);
        REQUIRE(!read);
        CHECK(read.error().code() == "identity_invalid");
        CHECK(read.error().message().find(typo.substr(16)) == std::string::npos);
        CHECK(!Identity::parse(identity.recipient().str()));
        CHECK(!Recipient::parse(""));
        CHECK(!Recipient::parse("age1"));
        // Points of small order: everybody agrees with them on zero.
        CHECK(!Recipient::parse(Recipient(Recipient::Key{}).str()));
        CHECK(!Recipient::parse(Recipient(Recipient::Key{1}).str()));
        StringSink out(plenty);
        AgeWriter writer(out, {Recipient(Recipient::Key{})});
        CHECK(writer.write("x").error().code() == "recipient_invalid");
    }

    TEST_CASE("a file of identities is read as age-keygen writes it") {
        auto one = Identity::generate(), two = Identity::generate();
        auto text = "# created: today\n# public key: " + one.recipient().str() + "\n" +
                    std::string(one.print().reveal()) + "\r\n\n" +
                    std::string(two.print().reveal());
        auto read = Identity::parse_file(text);
        REQUIRE(read);
        REQUIRE(read->size() == 2);
        CHECK((*read)[1].recipient() == two.recipient());
        CHECK(!Identity::parse_file("# nothing\n"));
        auto wrong = Identity::parse_file("#\nnonsense\n");
        CHECK(wrong.error().message().find("Line 2") == 0);
        std::string many;
        for (int i = 0; i < 21; ++i) many += std::string(one.print().reveal()) + "\n";
        CHECK(!Identity::parse_file(many));
    }

    TEST_CASE("what is sealed opens for each recipient, whatever the size and the pieces") {
        auto one = Identity::generate(), two = Identity::generate();
        for (auto size : sizes) {
            CAPTURE(size);
            auto plain = sample(size);
            for (std::size_t step : {std::size_t(0), std::size_t(1000), std::size_t(65536)}) {
                auto sealed = seal_for(plain, {one.recipient(), two.recipient()}, step);
                auto opened = open_with(list(two.clone()), sealed, step);
                CHECK(opened.result);
                CHECK((opened.released == plain));
            }
        }
        CHECK_THROWS(seal_for("", {}));
        CHECK_THROWS(seal_for("", std::vector<Recipient>(21, one.recipient())));
        auto widely = seal_for("x", std::vector<Recipient>(20, one.recipient()));
        CHECK(open_with(list(std::move(one)), widely).released == "x");
    }

    TEST_CASE("Debian's age opens what we seal, and we open what it seals") {
        Folder folder;
        auto mine = Identity::generate(), other = Identity::generate();
        REQUIRE(write_file(folder / "key", mine.print().reveal(), 0600));
        for (auto size : sizes) {
            CAPTURE(size);
            auto plain = sample(size);
            REQUIRE(write_file(
                folder / "ours", seal_for(plain, {other.recipient(), mine.recipient()}), 0600
            ));
            // age makes no file for nothing.
            REQUIRE(write_file(folder / "opened", "", 0600));
            run_age({"-d", "-i", folder / "key", "-o", folder / "opened", folder / "ours"});
            CHECK((read_file(folder / "opened", plenty).value() == plain));

            REQUIRE(write_file(folder / "plain", plain, 0600));

            run_age(
                {"-r", other.recipient().str(), "-r", mine.recipient().str(), "-o",
                 folder / "theirs", folder / "plain"}
            );
            auto opened =
                open_with(list(mine.clone()), read_file(folder / "theirs", plenty).value(), 7777);
            CHECK(opened.result);
            CHECK((opened.released == plain));
        }
    }

    TEST_CASE("no bit can be turned, no byte cut off or added") {
        auto identity = list(Identity::generate());
        auto plain = std::string("a small secret");
        auto sealed = seal_for(plain, {identity[0].recipient()});
        for (std::size_t at = 0; at < sealed.size(); ++at) {
            for (int bit = 0; bit < 8; ++bit) {
                auto altered = sealed;
                altered[at] = static_cast<char>(altered[at] ^ (1 << bit));
                auto opened = open_with(identity, altered);
                CAPTURE(at);
                CAPTURE(bit);
                CHECK(!opened.result);
                CHECK(opened.released.empty());
                bool named =
                    opened.code() == "backup_damaged" || opened.code() == "backup_key_wrong";
                CHECK(named);
            }
            CHECK(open_with(identity, sealed.substr(0, at)).code() == "backup_damaged");
        }
        CHECK(open_with(identity, sealed + "x").code() == "backup_damaged");
        CHECK(open_with(identity, sealed + sealed).code() == "backup_damaged");
    }

    TEST_CASE("chunks that are altered, dropped, doubled or swapped are never released") {
        constexpr std::size_t sealed_chunk = 65536 + 16;
        auto identity = list(Identity::generate());
        auto plain = sample(3 * 65536 + 100);
        auto sealed = seal_for(plain, {identity[0].recipient()});
        auto payload = sealed.size() - 3 * sealed_chunk - 116;
        auto head = sealed.substr(0, payload);
        auto chunk = [&](std::size_t i) {
            return sealed.substr(payload + i * sealed_chunk, sealed_chunk);
        };

        auto swapped = open_with(identity, head + chunk(1) + chunk(0) + chunk(2) + chunk(3));
        CHECK(swapped.code() == "backup_damaged");
        CHECK(swapped.released.empty());
        auto dropped = open_with(identity, head + chunk(0) + chunk(2) + chunk(3));
        CHECK(dropped.code() == "backup_damaged");
        CHECK((dropped.released == plain.substr(0, 65536)));
        CHECK(
            open_with(identity, head + chunk(0) + chunk(0) + chunk(1)).code() == "backup_damaged"
        );
        // Cut between two chunks: what came is whole, and yet the end is missing.
        auto cut = open_with(identity, head + chunk(0) + chunk(1));
        CHECK(cut.code() == "backup_damaged");
        CHECK((cut.released == plain.substr(0, 65536)));
        auto altered = sealed;
        altered[payload + sealed_chunk + 5] ^= 1;
        CHECK((open_with(identity, altered).released == plain.substr(0, 65536)));
    }

    TEST_CASE("an empty last chunk is allowed in an empty file only") {
        HandMade made;
        auto header = made.header(made.stanza());
        std::string full(65536, 'x');
        CHECK(made.open(header + made.payload({{"", true}})).result);
        CHECK(made.open(header + made.payload({{full, true}})).released == full);
        auto empty_end = made.open(header + made.payload({{full, false}, {"", true}}));
        CHECK(empty_end.code() == "backup_damaged");
        CHECK(empty_end.released == full);
        CHECK(made.open(header + made.payload({{"short", false}})).code() == "backup_damaged");
        CHECK(
            made.open(header + made.payload({{"short", false}, {"x", true}})).code() ==
            "backup_damaged"
        );
        CHECK(
            made.open(header + made.payload({{full, true}, {"x", true}})).code() == "backup_damaged"
        );
        CHECK(made.open(header + made.payload({{full + "x", true}})).code() == "backup_damaged");
        CHECK(made.open(header + made.nonce.substr(1)).code() == "backup_damaged");
        CHECK(made.open(header).code() == "backup_damaged");
    }

    TEST_CASE("stanzas of kinds that are not known are passed over") {
        HandMade made;
        auto payload = made.payload({{"hello", true}});
        auto grease = "-> Ab!-grease some \"words\" ~\n" + std::string(64, 'A') + "\n\n";
        CHECK(made.open(made.header(grease + made.stanza()) + payload).released == "hello");
        CHECK(made.open(made.header(made.stanza() + "-> x\n\n") + payload).released == "hello");
        auto lower = "-> x25519" + made.stanza().substr(9);
        CHECK(made.open(made.header(lower) + payload).code() == "backup_key_wrong");
        CHECK(made.open(made.header(grease) + payload).code() == "backup_key_wrong");
    }

    TEST_CASE("a wrong key is called a wrong key") {
        auto sealed = seal_for("x", {Identity::generate().recipient()});
        auto opened = open_with(list(Identity::generate()), sealed);
        REQUIRE(!opened.result);
        CHECK(opened.result.error().kind() == Errc::forbidden);
        CHECK(opened.code() == "backup_key_wrong");
        CHECK(opened.result.error().message().find("Wrong key") == 0);
        HandMade made;
        auto passphrase = "-> scrypt " + raw_base64(std::string(16, 's')) + " 18\n" +
                          raw_base64(std::string(32, 'b')) + "\n";
        CHECK(made.open(made.header(passphrase)).code() == "backup_key_wrong");
        auto payload = made.payload({{"x", true}});
        for (const auto& both : {passphrase + made.stanza(), made.stanza() + passphrase})
            CHECK(made.open(made.header(both) + payload).code() == "backup_damaged");
    }

    TEST_CASE("headers that the specification forbids are refused") {
        HandMade made;
        auto payload = made.payload({{"hello", true}});
        auto right = made.stanza();
        auto share = right.substr(10, 43), body = right.substr(54, 43);
        auto x25519 = [](const std::string& arguments, const std::string& text) {
            return "-> X25519 " + arguments + "\n" + text + "\n";
        };
        REQUIRE(x25519(share, body) == right);
        REQUIRE(made.open(made.header(right) + payload).released == "hello");
        auto zero = raw_base64(std::string(32, '\0'));
        auto other = share;
        // The last of 43 characters has two spare bits.
        other.back() = other.back() == 'A' ? 'B' : static_cast<char>(other.back() + 1);
        struct Row {
            const char* name;
            std::string stanzas;
        };
        const Row rows[] = {
            {"no stanza", ""},
            {"no arguments", "->\n\n" + right},
            {"empty argument", "-> X25519  " + share + "\n" + body + "\n"},
            {"trailing space", "-> X25519 " + share + " \n" + body + "\n"},
            {"three arguments", x25519(share + " x", body)},
            {"one argument", "-> X25519\n" + body + "\n"},
            {"short share", x25519(raw_base64(std::string(31, 'a')), body)},
            {"long share", x25519(raw_base64(std::string(33, 'a')), body)},
            {"share of zeros", x25519(zero, body)},
            {"share with padding", x25519(share + "=", body)},
            {"share in a second spelling", x25519(other, body)},
            {"short body", x25519(share, raw_base64(std::string(31, 'a')))},
            {"long body", x25519(share, raw_base64(std::string(33, 'a')))},
            {"body with padding", x25519(share, body + "=")},
            {"no last line", right + "-> x\n" + std::string(64, 'A') + "\n"},
            {"too long a line", right + "-> x\n" + std::string(65, 'A') + "\n"},
            {"line feed and carriage return", "-> X25519 " + share + "\r\n" + body + "\r\n"},
            {"empty line", right + "\n"},
            {"control character", "-> a\x01\n\n" + right},
            {"broken one beside a right one", right + x25519(share + " x", body)},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto opened = made.open(made.header(row.stanzas) + payload);
            CHECK(opened.code() == "backup_damaged");
            CHECK(opened.released.empty());
        }
        auto header = made.header(right);
        auto mac = header.substr(header.find("---"));
        auto before = header.substr(0, header.find("---"));
        for (const auto& end : std::vector<std::string>{
                 "---\n", "--- \n", "---" + mac.substr(4), "---  " + mac.substr(4),
                 mac.substr(0, mac.size() - 1) + " \n", mac.substr(0, mac.size() - 2) + "\n",
                 mac.substr(0, mac.size() - 1) + "=\n", "--- " + zero + "\n", "--" + mac.substr(3)})
            CHECK(made.open(before + end + payload).code() == "backup_damaged");
        CHECK(
            made.open("age-encryption.org/v2\n" + header.substr(22) + payload).code() ==
            "backup_damaged"
        );
        CHECK(made.open("-----BEGIN AGE ENCRYPTED FILE-----\n").code() == "backup_damaged");
    }

    TEST_CASE("a header ends somewhere") {
        HandMade made;
        std::string endless = "age-encryption.org/v1\n";
        while (endless.size() <= age_max_header) endless += "-> x\nAAAA\n";
        CHECK(made.open(endless).result.error().message().find("too long") != std::string::npos);
        CHECK(
            made.open("age-encryption.org/v1\n-> " + std::string(age_max_header, 'x')).code() ==
            "backup_damaged"
        );
        std::string most = made.stanza();
        while (most.size() + 100 < age_max_header) most += "-> x\nAAAA\n";
        CHECK(made.open(made.header(most) + made.payload({{"x", true}})).released == "x");
    }

    TEST_CASE("the hash function that keys come from is RFC 5869's") {
        // Test case 1 of its appendix; of its 42 bytes the first 32 are one block.
        auto key = age::derive(
            std::string(22, '\x0b'), hex_decode("000102030405060708090a0b0c").value(),
            hex_decode("f0f1f2f3f4f5f6f7f8f9").value()
        );
        CHECK(
            hex_encode(key.reveal()) ==
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
    }

    TEST_CASE("the key of one file opens that file alone") {
        auto identity = Identity::generate();
        auto other = Identity::generate();
        auto sealed = seal_for(sample(200'000), {identity.recipient(), other.recipient()});
        auto second = seal_for(sample(200'000), {identity.recipient()});
        auto open = [](std::string_view text, const Secret& key) {
            StringSink out(plenty);
            AgeReader reader(out, key.clone());
            auto done = reader.write(text);
            if (done) done = reader.finish();
            return Opened{std::move(done), std::move(out.text)};
        };
        auto key = age_file_key(std::string_view(sealed).substr(0, 600), list(other.clone()));
        REQUIRE(key);
        CHECK(key->reveal().size() == age_file_key_size);
        CHECK(open(sealed, *key).released == sample(200'000));
        auto swapped = open(second, *key);
        CHECK(swapped.code() == "backup_key_wrong");
        CHECK(swapped.released.empty());
        // Not a bit of header or content may differ.
        for (std::size_t at : {25u, 60u, 130u, 300u, 400u, 100'000u, 200'000u}) {
            auto altered = sealed;
            altered[at] = static_cast<char>(altered[at] ^ 1);
            CHECK(!open(altered, *key).result);
        }
        CHECK(
            age_file_key(sealed, list(Identity::generate())).error().code() == "backup_key_wrong"
        );
        CHECK(
            age_file_key(sealed.substr(0, 100), list(other.clone())).error().code() ==
            "backup_damaged"
        );
        StringSink out(plenty);
        CHECK_THROWS(AgeReader(out, Secret("short")));
    }
}
