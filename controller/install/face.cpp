#include "controller/install/face.hpp"

#include "common/crypto/encoding.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::install {
namespace {

constexpr std::string_view pin_prefix = "sha256//";
constexpr std::size_t longest_url = 300;

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Host names, IPv4, and IPv6 in brackets, each with an optional port.
bool is_plain_url(std::string_view url) {
    if (!url.starts_with("https://") || url.size() > longest_url) return false;
    url.remove_prefix(8);
    return !url.empty() && url.back() != ':' && std::ranges::all_of(url, [](char c) {
        return is_alnum(c) || std::string_view(".-:[]").find(c) != std::string_view::npos;
    });
}

} // namespace

std::string pin_of(const crypto::Digest& spki_sha256) {
    return std::string(pin_prefix) + crypto::base64_encode(spki_sha256.view());
}

Result<> check(const Face& face) {
    if (!is_plain_url(face.url))
        return fail(
            Errc::invalid,
            fmt::format(
                "\"{}\" is no address for agents: it must read https://name or https://name:port.",
                face.url.substr(0, longest_url)
            )
        );
    if (face.pin.empty()) return {};
    std::string_view digest = face.pin;
    if (digest.starts_with(pin_prefix)) {
        digest.remove_prefix(pin_prefix.size());
        if (auto bytes = crypto::base64_decode(digest); bytes && bytes->size() == 32) return {};
    }
    return fail(
        Errc::invalid, fmt::format(
                           "\"{}\" is no pin: it must read sha256// and the base64 of 32 bytes.",
                           face.pin.substr(0, 100)
                       )
    );
}

std::string enroll_command(const Face& face, std::string_view token) {
    // With the pin curl holds the key against it, whoever signed the certificate, before the
    // script's first byte.
    if (face.pin.empty())
        return fmt::format(
            "curl -fsSL {}/install.sh | sudo bash -s -- --token {}", face.url, token
        );
    return fmt::format(
        "curl -fsSLk --pinnedpubkey {1} {0}/install.sh | sudo bash -s -- --token {2} --pin {1}",
        face.url, face.pin, token
    );
}

} // namespace fairlead::install
