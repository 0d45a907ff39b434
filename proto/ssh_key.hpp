/// Public keys of SSH as people paste them and as agents put them in place: one line, nothing but
/// type and key.
#pragma once

#include "common/runtime/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::proto {

inline constexpr std::size_t most_ssh_users = 64; ///< that a server names
inline constexpr std::size_t most_ssh_keys = 32;  ///< of one Unix user of a server
/// Longer lines are not looked at: RSA with 8192 bits needs 1,400 bytes.
inline constexpr std::size_t longest_ssh_line = 4096;

struct SshPublicKey {
    std::string type;        ///< "ssh-ed25519"
    std::string body;        ///< base64
    std::string fingerprint; ///< "SHA256:…", as ssh-keygen -l and sshd's log have it
    std::uint32_t bits = 0;

    /// As it stands in a list of keys, without a comment.
    std::string line() const { return type + " " + body; }
};

/// A line of a .pub file; its comment is dropped. Errc::invalid says what is wrong and what to do,
/// as the end of a sentence ("is …"): private halves, options before the key, certificates, DSA,
/// RSA below 2048 or above 8192 bits, bytes that are no such key. The message holds nothing of the
/// text.
Result<SshPublicKey> parse_ssh_public_key(std::string_view text);

/// Whether somebody has put a private key here, in whatever form. Errs on the side of yes.
bool has_private_key(std::string_view text);

} // namespace fairlead::proto
