#include "common/crypto/encoding.hpp"
#include "proto/ssh_key.hpp"
#include "proto/unix_name.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::proto;

namespace {

const std::string ed25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";
const std::string rsa2048 =
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQC5LTh+3B4jR5TPsUtxFwXquxM7Nj8aV0QdYr9MEgM5Dcv3QMxO23hETa5"
    "nPQ0qm8wjcJeECN6vCzS70qaUbAmcPToeCtb1GBSS1TaR6wi4nkK6Rp7+"
    "5nxlgcAFqKgvVDWFPjkvVXJUbdG4tGpE5fad1R"
    "iWHC1ABUHAwxuJ+SsKqoRj6xjMHm0UmpE4bSsaye9g/m//gi07UGEcVu717TglIR+vhhk/"
    "Hp5DkoUhiVeMKaLw5QVupYk4q"
    "CAB1U+bCHNCrucBoj6ztsotWcvqkQs5QkiEYk2wi2xCwIZOsNHsc2RECWR5WoVwMpGhMhebMY355o4+"
    "qPIDsM3BcGn8QEvP";
const std::string rsa1024 =
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDHXrTt2Ps4hr15DUzU5BlakRYRAqFKPn95FoO5bo1aLfH+NXSugNeMPU7"
    "HEwJz0sJmq0+7YmKkR5QqTCJBUBnIUFD4ZsXb/Hp5ILe68a5kFaG6wVUqOLEJIjMF6S1dLLUSpGo/"
    "4uahAqXjjcoaNE5Zrs"
    "fdTTBgGE7sTgjav+ikyQ==";
const std::string nistp256 =
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIUaI0+QA/DpojVG2fT9imy"
    "z04Fq1IB9IjtobQfge5CxeFIgFLl3AK2vCJmc0oqxQN919nerE77w3oqF+HxrPtY=";
const std::string nistp521 =
    "ecdsa-sha2-nistp521 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAEhm+ZS6Ay6/BqEVRTollb"
    "8KB96MHC+D34aZjKyGjksh8lvsr9FsBwqqeQgjyPP0FRm7t0/S+be/"
    "yFw4Kg3Y8+lYgHnttRytloj0ZTcJ38lO5bMcBfEIp"
    "I8FDY1avXGqw+4WMBeBkGfemktXGCCsyc5yVKKXfRwK2NcNPBunRllgvk+Bw==";
const std::string security_key =
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8Q"
    "ERITFBUWFxgZGhscHR4fAAAABHNzaDo=";

/// In pieces, so that nobody takes it for a lost key.
std::string private_key() {
    return std::string("-----BEGIN OPENSSH ") + "PRIVATE KEY-----\nb3BlbnNzaC1rZXkt" +
           "djEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END OPENSSH " + "PRIVATE KEY-----\n";
}

std::string why(const std::string& text) {
    auto key = parse_ssh_public_key(text);
    REQUIRE_FALSE(key);
    CHECK(key.error().kind() == Errc::invalid);
    return key.error().message();
}

std::string refused(const std::string& bytes, const std::string& type) {
    return why(type + " " + crypto::base64_encode(bytes));
}

std::string packed(const std::string& text) {
    std::string out;
    for (unsigned shift : {24u, 16u, 8u, 0u}) out += static_cast<char>(text.size() >> shift & 0xFF);
    return out + text;
}

} // namespace

TEST_SUITE("proto/ssh_key") {

    TEST_CASE("a key is told by the fingerprint that ssh-keygen and sshd show") {
        struct Row {
            std::string line, fingerprint;
            std::uint32_t bits;
        };
        const std::vector<Row> rows{
            {ed25519, "SHA256:FObFIcxUYRDfUjrRTERl6HqcfuTJTV399Hzc0kCFpe0", 256},
            {rsa2048, "SHA256:EFxSdAaa5cigplYGcDRTFsUa8DBJsE28vpo292GxFZw", 2048},
            {nistp256, "SHA256:3h9n/+ZejplisOeLeBIrg7pVPWnyB2GcR6dwuXRo1Ro", 256},
            {nistp521, "SHA256:HQ0ijMuLN7zWLEkO57ZEg6c9EwP1qwD/JE4GJgfvHKw", 521},
            {security_key, "SHA256:/p0CbeE3dk2SyW1OXXsThGc12ezDVD8eGw2/vtztDfk", 256}};
        for (const auto& row : rows) {
            CAPTURE(row.line);
            auto key = parse_ssh_public_key(row.line);
            REQUIRE(key);
            CHECK(key->fingerprint == row.fingerprint);
            CHECK(key->bits == row.bits);
            CHECK(key->line() == row.line);
        }
    }

    TEST_CASE("what stands around a key is dropped") {
        for (const auto& text :
             {ed25519 + " ada@example.org\n", "\r\n  " + ed25519 + "\t two words \r\n",
              ed25519 + " command=\"rm -rf /\" ssh-rsa"}) {
            auto key = parse_ssh_public_key(text);
            REQUIRE(key);
            CHECK(key->line() == ed25519);
        }
    }

    TEST_CASE("a private key is refused in every form, with a cure, and never told again") {
        auto body = std::string("b3BlbnNzaC1rZXkt") + "djEAAAAABG5vbmUAAAAEbm9uZQ";
        for (const auto& text :
             {private_key(), "  " + private_key(), ed25519 + " " + private_key(), body,
              std::string("PuTTY-User-") + "Key-File-3: ssh-ed25519\n",
              std::string("-----BEGIN RSA ") + "PRIVATE KEY-----\nMIIEow",
              std::string("---- BEGIN SSH2 ENCRYPTED ") + "PRIVATE KEY ----"}) {
            auto said = why(text);
            CHECK(said.find("private key") != std::string::npos);
            CHECK(said.find(".pub") != std::string::npos);
            CHECK(said.find("b3Blb") == std::string::npos);
            CHECK(said.find("MIIEow") == std::string::npos);
        }
        CHECK(has_private_key(private_key()));
        CHECK_FALSE(has_private_key(ed25519 + " ada's laptop"));
    }

    TEST_CASE("options, certificates, old and foreign kinds are named for what they are") {
        CHECK(why("command=\"id\",no-pty " + ed25519).find("options") != std::string::npos);
        CHECK(why("cert-authority " + ed25519).find("options") != std::string::npos);
        CHECK(
            why("ssh-ed25519-cert-v01@openssh.com AAAA").find("certificate") != std::string::npos
        );
        CHECK(why("ssh-dss AAAAB3NzaC1kc3M=").find("DSA") != std::string::npos);
        CHECK(
            why("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----")
                .find("ssh-keygen -i") != std::string::npos
        );
        CHECK(why("ssh-ed448 AAAA").find("no public key") != std::string::npos);
        CHECK(why(rsa1024).find("1024 bits") != std::string::npos);
        CHECK(why("").find("empty") != std::string::npos);
        CHECK(why(ed25519 + "\n" + ed25519).find("more than one line") != std::string::npos);
        CHECK(why(ed25519 + std::string(5000, 'x')).find("longer") != std::string::npos);
        CHECK(why(ed25519 + " \x1b[2J").find("control") != std::string::npos);
    }

    TEST_CASE("bytes that are not exactly such a key are refused") {
        const std::string point(32, 'p');
        auto good = packed("ssh-ed25519") + packed(point);
        CHECK(parse_ssh_public_key("ssh-ed25519 " + crypto::base64_encode(good)));
        for (const auto& bytes :
             {good + "x", good.substr(0, good.size() - 1), packed("ssh-ed25519"),
              packed("ssh-rsa") + packed(point), packed("ssh-ed25519") + packed(point + "x"),
              std::string("\xff\xff\xff\xff")})
            CHECK(refused(bytes, "ssh-ed25519").find("damaged") != std::string::npos);
        // Another curve's point, a compressed one, and another curve's name.
        std::string on_256 = "\x04" + std::string(64, 'p');
        for (const auto& bytes :
             {packed("ecdsa-sha2-nistp256") + packed("nistp384") + packed(on_256),
              packed("ecdsa-sha2-nistp256") + packed("nistp256") + packed(on_256 + "pp"),
              packed("ecdsa-sha2-nistp256") + packed("nistp256") +
                  packed("\x02" + std::string(32, 'p'))})
            CHECK(refused(bytes, "ecdsa-sha2-nistp256").find("damaged") != std::string::npos);
        // Numbers of RSA: even, negative, with a zero too many.
        std::string odd = "\x01" + std::string(255, 'p') + "\x01";
        for (const auto& modulus :
             {std::string("\x01") + std::string(256, 'p'), "\x81" + std::string(255, 'q'),
              std::string(1, '\0') + odd, std::string()})
            CHECK(
                refused(packed("ssh-rsa") + packed("\x03") + packed(modulus), "ssh-rsa")
                    .find("damaged") != std::string::npos
            );
        CHECK(
            refused(packed("ssh-rsa") + packed("\x01") + packed(odd), "ssh-rsa").find("damaged") !=
            std::string::npos
        );
        CHECK(why("ssh-ed25519 AAAA AAAA").find("damaged") != std::string::npos);
        CHECK(why("ssh-ed25519").find("damaged") != std::string::npos);
        CHECK(why("ssh-ed25519 !!!!").find("damaged") != std::string::npos);
    }

    TEST_CASE("a key that is cut or altered at any byte is a key or refused, never worse") {
        for (std::size_t at = 0; at < rsa2048.size(); ++at) {
            CHECK_FALSE(parse_ssh_public_key(rsa2048.substr(0, at)));
            auto altered = rsa2048;
            altered[at] = static_cast<char>(altered[at] ^ 0x15);
            if (auto key = parse_ssh_public_key(altered))
                CHECK(key->line().size() <= rsa2048.size());
        }
    }

    TEST_CASE("names of Unix users are short, and no paths, options or patterns") {
        for (auto name : {"root", "deploy", "_apt", "a.b-c_9", "A"}) CHECK(is_unix_name(name));
        for (auto name : {"", "-x", ".", "..", "a/b", "a b", "a:b", "a%u", "a*", "é"})
            CHECK_FALSE(is_unix_name(name));
        CHECK(is_unix_name(std::string(32, 'a')));
        CHECK_FALSE(is_unix_name(std::string(33, 'a')));
    }
}
