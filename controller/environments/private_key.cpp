#include "controller/environments/private_key.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"

#include <optional>

namespace fairlead::environments {
namespace {

constexpr std::string_view openssh_begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view magic("openssh-key-v1\0", 15);

/// Takes a length-prefixed string off the front, as SSH writes it.
std::optional<std::string_view> take(std::string_view& from) {
    if (from.size() < 4) return std::nullopt;
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i)
        size = size << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
    if (from.size() - 4 < size) return std::nullopt;
    auto value = from.substr(4, size);
    from.remove_prefix(4 + size);
    return value;
}

tl::unexpected<Error> encrypted() {
    return fail(
        Errc::invalid,
        "has a passphrase, which nobody could type on the server. Make a deploy key without one "
        "(ssh-keygen -t ed25519 -N '')"
    );
}

Result<std::string> openssh(std::string_view text) {
    auto end = text.find("-----END OPENSSH PRIVATE KEY-----");
    if (end == std::string_view::npos)
        return fail(Errc::invalid, "is cut off: its END line is missing");
    std::string packed;
    for (char c : text.substr(openssh_begin.size(), end - openssh_begin.size()))
        if (c != '\n' && c != '\r' && c != ' ') packed += c;
    auto broken = fail(Errc::invalid, "is no complete OpenSSH private key");
    auto bytes = crypto::base64_decode(packed);
    if (!bytes || !bytes->starts_with(magic)) return broken;
    std::string_view rest = std::string_view(*bytes).substr(magic.size());
    auto cipher = take(rest), kdf = take(rest), options = take(rest);
    if (!cipher || !kdf || !options || rest.size() < 4) return broken;
    if (*cipher != "none") return encrypted();
    rest.remove_prefix(4);
    auto blob = take(rest);
    if (!blob) return broken;
    auto print = crypto::base64_encode(crypto::sha256(*blob).view());
    while (print.ends_with('=')) print.pop_back();
    return "SHA256:" + print;
}

} // namespace

Result<std::string> inspect_private_key(std::string_view text) {
    while (!text.empty() && (text.front() == '\n' || text.front() == ' ' || text.front() == '\r'))
        text.remove_prefix(1);
    if (text.starts_with("ssh-") || text.starts_with("ecdsa-") ||
        text.starts_with("-----BEGIN PUBLIC"))
        return fail(
            Errc::invalid, "is the public half. The private one is needed here; the public one "
                           "goes to the git host"
        );
    if (text.starts_with(openssh_begin)) return openssh(text);
    if (text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
        text.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos)
        return encrypted();
    for (std::string_view kind :
         {"-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----",
          "-----BEGIN EC PRIVATE KEY-----"})
        if (text.starts_with(kind)) {
            if (text.find("-----END ") == std::string_view::npos)
                return fail(Errc::invalid, "is cut off: its END line is missing");
            return std::string();
        }
    return fail(Errc::invalid, "is no private key in OpenSSH or PEM form");
}

} // namespace fairlead::environments
