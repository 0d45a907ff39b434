#include "proto/ssh_key.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace fairlead::proto {
namespace {

constexpr std::uint32_t least_rsa_bits = 2048, most_rsa_bits = 8192;

/// The bytes of a key, as RFC 4253 section 6.6 packs them.
class Packed {
public:
    explicit Packed(std::string_view bytes) : rest_(bytes) {}

    std::optional<std::string_view> text() {
        if (rest_.size() < 4) return std::nullopt;
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(rest_[i]);
        if (rest_.size() - 4 < size) return std::nullopt;
        auto value = rest_.substr(4, size);
        rest_.remove_prefix(4 + size);
        return value;
    }

    /// A number above 0 in its only spelling, without its sign byte.
    std::optional<std::string_view> number() {
        auto value = text();
        if (!value || value->empty()) return std::nullopt;
        auto at = [&](std::size_t i) { return static_cast<unsigned char>((*value)[i]); };
        if (at(0) & 0x80) return std::nullopt;
        if (at(0) != 0) return value;
        if (value->size() < 2 || !(at(1) & 0x80)) return std::nullopt;
        return value->substr(1);
    }

    bool done() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

bool is_odd(std::string_view number) {
    return static_cast<unsigned char>(number.back()) & 1;
}

std::uint32_t bits_of(std::string_view number) {
    auto first = std::bit_width(static_cast<unsigned char>(number.front()));
    return static_cast<std::uint32_t>((number.size() - 1) * 8) + static_cast<std::uint32_t>(first);
}

tl::unexpected<Error> wrong(std::string what) {
    return fail(Errc::invalid, std::move(what));
}

tl::unexpected<Error> damaged() {
    return wrong("is damaged: a part of it is missing or was changed. Copy the whole line again, "
                 "for example from: cat ~/.ssh/id_ed25519.pub");
}

/// Its bits; nothing where it is no such point.
std::optional<std::uint32_t> curve_bits(Packed& packed, std::string_view curve) {
    struct Curve {
        std::string_view name;
        std::size_t point;
        std::uint32_t bits;
    };
    static constexpr std::array curves{
        Curve{"nistp256", 65, 256}, Curve{"nistp384", 97, 384}, Curve{"nistp521", 133, 521}};
    auto name = packed.text(), point = packed.text();
    if (!name || !point || *name != curve) return std::nullopt;
    const auto* known = std::ranges::find(curves, curve, &Curve::name);
    if (known == curves.end() || point->size() != known->point || point->front() != 4)
        return std::nullopt;
    return known->bits;
}

bool ed25519(Packed& packed) {
    auto point = packed.text();
    return point && point->size() == 32;
}

/// The name that a security key was asked in.
bool application(Packed& packed) {
    auto name = packed.text();
    return name && !name->empty() && name->size() <= 255;
}

Result<std::uint32_t> rsa_bits(Packed& packed) {
    auto exponent = packed.number(), modulus = packed.number();
    if (!exponent || !modulus || !is_odd(*exponent) || !is_odd(*modulus) || bits_of(*exponent) < 2)
        return damaged();
    auto bits = bits_of(*modulus);
    if (bits < least_rsa_bits || bits > most_rsa_bits)
        return wrong(fmt::format(
            "is an RSA key of {} bits; {} to {} are taken. Make another one: ssh-keygen -t ed25519",
            bits, least_rsa_bits, most_rsa_bits
        ));
    return bits;
}

Result<std::uint32_t> bits_of(std::string_view type, Packed& packed) {
    constexpr std::string_view ecdsa = "ecdsa-sha2-";
    if (type == "ssh-rsa") return rsa_bits(packed);
    if (type == "ssh-ed25519") {
        if (ed25519(packed)) return 256;
    } else if (type == "sk-ssh-ed25519@openssh.com") {
        if (ed25519(packed) && application(packed)) return 256;
    } else if (type == "sk-ecdsa-sha2-nistp256@openssh.com") {
        if (curve_bits(packed, "nistp256") && application(packed)) return 256;
    } else if (auto bits = curve_bits(packed, type.substr(ecdsa.size()))) {
        return *bits;
    }
    return damaged();
}

bool is_type(std::string_view word) {
    static constexpr std::array types{
        std::string_view("ssh-ed25519"),
        std::string_view("ssh-rsa"),
        std::string_view("ecdsa-sha2-nistp256"),
        std::string_view("ecdsa-sha2-nistp384"),
        std::string_view("ecdsa-sha2-nistp521"),
        std::string_view("sk-ssh-ed25519@openssh.com"),
        std::string_view("sk-ecdsa-sha2-nistp256@openssh.com")};
    return std::ranges::find(types, word) != types.end();
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
    auto cut = [](char c) { return is_blank(c) || c == '\n' || c == '\r'; };
    while (!text.empty() && cut(text.front())) text.remove_prefix(1);
    while (!text.empty() && cut(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view take_word(std::string_view& from) {
    auto end = std::ranges::find_if(from, is_blank) - from.begin();
    auto word = from.substr(0, static_cast<std::size_t>(end));
    from.remove_prefix(word.size());
    while (!from.empty() && is_blank(from.front())) from.remove_prefix(1);
    return word;
}

/// What stands where the type should.
tl::unexpected<Error> no_type(std::string_view word, std::string_view rest) {
    if (word.find("-cert-v0") != std::string_view::npos)
        return wrong("is a certificate. Paste the public key itself, from the file that ends in "
                     ".pub without -cert");
    if (word == "ssh-dss")
        return wrong("is a DSA key, which OpenSSH takes no more. Make another one: ssh-keygen -t "
                     "ed25519");
    if (word.starts_with("----"))
        return wrong("is not in OpenSSH's form. Have it written anew and paste the line that this "
                     "prints: ssh-keygen -i -f FILE");
    while (!rest.empty())
        if (is_type(take_word(rest)))
            return wrong("begins with options, which are not taken over. Paste the key alone, from "
                         "its type on (ssh-ed25519 …)");
    return wrong("is no public key of SSH. It is one line such as \"ssh-ed25519 AAAA… name\", in "
                 "the file that ends in .pub; ssh-keygen -t ed25519 makes one");
}

} // namespace

bool has_private_key(std::string_view text) {
    std::string upper;
    upper.reserve(text.size());
    for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    // The third is the base64 of what OpenSSH's own form begins with, where the first line is gone.
    for (std::string_view mark :
         {"PRIVATE KEY", "PUTTY-USER-KEY-FILE", "B3BLBNNZAC1RZXKTDJE", "PRIVATE-LINES",
          "PRIVATE-MAC", "AGE-SECRET-KEY-"})
        if (upper.find(mark) != std::string::npos) return true;
    return false;
}

Result<SshPublicKey> parse_ssh_public_key(std::string_view text) {
    if (has_private_key(text))
        return wrong("is a private key, and nothing of it was kept. It belongs on your own machine "
                     "alone: paste the line of the file beside it that ends in .pub. Since it has "
                     "left your machine, better make a new pair: ssh-keygen -t ed25519");
    auto rest = trimmed(text);
    if (rest.empty()) return wrong("is empty. Paste the line of the file that ends in .pub");
    if (rest.size() > longest_ssh_line)
        return wrong(fmt::format("is longer than {} characters, which no key is", longest_ssh_line)
        );
    if (std::ranges::any_of(rest, [](char c) { return c == '\n' || c == '\r'; }) &&
        !rest.starts_with("----"))
        return wrong("is more than one line. Add keys one by one, each as the one line that it is");
    bool plain = std::ranges::none_of(rest, [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return (byte < ' ' && c != '\t' && c != '\n' && c != '\r') || byte == 127;
    });
    if (!plain) return wrong("holds control characters. Copy the line of the .pub file again");
    auto type = take_word(rest);
    if (!is_type(type)) return no_type(type, rest);
    auto body = take_word(rest);
    auto bytes = crypto::base64_decode(body);
    if (!bytes) return damaged();
    Packed packed(*bytes);
    auto inner = packed.text();
    if (!inner || *inner != type) return damaged();
    FAIRLEAD_TRY(bits, bits_of(type, packed));
    if (!packed.done()) return damaged();
    SshPublicKey key;
    key.type = type;
    key.body = body;
    key.bits = bits;
    auto print = crypto::base64_encode(crypto::sha256(*bytes).view());
    while (print.ends_with('=')) print.pop_back();
    key.fingerprint = "SHA256:" + print;
    return key;
}

} // namespace fairlead::proto
