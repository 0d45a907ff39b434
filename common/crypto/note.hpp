/// Signed notes and the checkpoints of a log in them (C2SP signed-note and tlog-checkpoint):
/// readable text with Ed25519 signatures below, checked by anybody's tools.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/crypto/sign.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::crypto {

/// The name that stands beside signatures, with the key. Names have no spaces and no plus sign.
struct NoteVerifier {
    std::string name;
    VerifyKey key;

    /// "<name>+<key hash>+<key>", as C2SP writes verifier keys. Errc::invalid.
    static Result<NoteVerifier> parse(std::string_view text);
    std::string str() const;
};

/// The text with its signature below. `text` ends with a newline and holds no empty line.
std::string sign_note(std::string_view text, const std::string& name, const SigningKey& key);

/// The text of a note that this key signed; signatures of others beside it are fine. Errc::invalid
/// says what is wrong: not a note, not signed by that key, a signature that does not fit.
Result<std::string> open_note(std::string_view note, const NoteVerifier& verifier);

/// The state of a log: the first three lines of its notes.
struct Checkpoint {
    std::string origin; ///< names the log
    std::uint64_t size = 0;
    Digest root;

    std::string str() const;
    /// Lines after the third are left aside, as the specification asks. Errc::invalid.
    static Result<Checkpoint> parse(std::string_view text);
    bool operator==(const Checkpoint&) const = default;
};

} // namespace fairlead::crypto
