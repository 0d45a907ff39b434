#include "common/crypto/bech32.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace fairlead::crypto {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t max_text = 1000;
constexpr std::size_t max_prefix = 83;
constexpr std::size_t checksum_size = 6;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// BIP-173's checksum: a BCH code over groups of five bits.
class Checksum {
public:
    explicit Checksum(std::string_view prefix) {
        for (char c : prefix) add(static_cast<unsigned char>(c) >> 5);
        add(0);
        for (char c : prefix) add(static_cast<unsigned char>(c) & 31);
    }

    void add(unsigned group) {
        static constexpr std::uint32_t generator[] = {
            0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
        auto top = value_ >> 25;
        value_ = (value_ & 0x1ffffff) << 5 ^ group;
        for (unsigned i = 0; i < 5; ++i)
            if (top >> i & 1) value_ ^= generator[i];
    }
    std::uint32_t value() const { return value_; }

private:
    std::uint32_t value_ = 1;
};

bool is_prefix(std::string_view prefix) {
    return !prefix.empty() && prefix.size() <= max_prefix &&
           std::all_of(prefix.begin(), prefix.end(), [](char c) { return c >= '!' && c <= '~'; });
}

/// The groups of five bits behind the prefix, without the checksum, as bytes.
Result<Secret> regroup(std::string_view groups) {
    std::string data;
    data.reserve(groups.size() * 5 / 8);
    unsigned held = 0, bits = 0;
    for (char group : groups) {
        held = held << 5 | static_cast<unsigned char>(group);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            data.push_back(static_cast<char>(held >> bits & 255));
        }
        held &= (1u << bits) - 1;
    }
    Secret bytes(std::move(data));
    if (bits >= 5 || held != 0) return fail(Errc::invalid, "its last character has spare bits");
    return bytes;
}

} // namespace

Secret bech32_encode(std::string_view prefix, std::string_view data) {
    if (!is_prefix(prefix) ||
        std::any_of(prefix.begin(), prefix.end(), [](char c) { return c != lower(c); }))
        throw std::logic_error("no prefix for Bech32");
    std::string text;
    text.reserve(prefix.size() + 1 + (data.size() * 8 + 4) / 5 + checksum_size);
    text.append(prefix);
    text.push_back('1');
    Checksum checksum(prefix);
    auto put = [&](unsigned group) {
        checksum.add(group);
        text.push_back(alphabet[group]);
    };
    unsigned held = 0, bits = 0;
    for (unsigned char byte : data) {
        held = (held << 8 | byte) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) put(held >> (bits - 5) & 31);
    }
    if (bits > 0) put(held << (5 - bits) & 31);
    for (std::size_t i = 0; i < checksum_size; ++i) checksum.add(0);
    auto sum = checksum.value() ^ 1;
    for (std::size_t i = 0; i < checksum_size; ++i)
        text.push_back(alphabet[sum >> (5 * (5 - i)) & 31]);
    return Secret(std::move(text));
}

Result<Bech32> bech32_decode(std::string_view text) {
    if (text.size() > max_text) return fail(Errc::invalid, "it is too long");
    bool lowered =
        std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    bool raised =
        std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (lowered && raised) return fail(Errc::invalid, "it mixes upper and lower case");
    auto split = text.rfind('1');
    if (split == std::string_view::npos || !is_prefix(text.substr(0, split)))
        return fail(Errc::invalid, "it has no prefix before a 1");
    std::string prefix(text.substr(0, split));
    std::transform(prefix.begin(), prefix.end(), prefix.begin(), lower);
    text.remove_prefix(split + 1);
    if (text.size() < checksum_size) return fail(Errc::invalid, "it is too short");

    std::string found;
    found.reserve(text.size());
    Checksum checksum(prefix);
    for (char c : text) {
        auto group = alphabet.find(lower(c));
        if (group == std::string_view::npos) {
            wipe(found);
            return fail(Errc::invalid, "it has a character that does not belong there");
        }
        checksum.add(static_cast<unsigned>(group));
        found.push_back(static_cast<char>(group));
    }
    Secret groups(std::move(found));
    if (checksum.value() != 1)
        return fail(Errc::invalid, "its checksum is wrong: look for a typing mistake");
    FAIRLEAD_TRY(data, regroup(groups.reveal().substr(0, text.size() - checksum_size)));
    return Bech32{std::move(prefix), std::move(data)};
}

} // namespace fairlead::crypto
