#include "common/crypto/note.hpp"

#include "common/crypto/encoding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace fairlead::crypto {
namespace {

constexpr std::size_t most_bytes = 64 * 1024; // of a note that somebody sends
constexpr std::string_view dash = "\xe2\x80\x94 ";
constexpr char ed25519 = '\x01';

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 &&
           std::none_of(name.begin(), name.end(), [](unsigned char c) {
               return c <= ' ' || c == '+' || c == 0x7f;
           });
}

std::string key_hash(std::string_view name, const VerifyKey& key) {
    std::string named(name);
    named += '\n';
    named += ed25519;
    named += key.bytes();
    return std::string(sha256(named).view().substr(0, 4));
}

tl::unexpected<Error> not_a_note(std::string_view why) {
    return fail(Errc::invalid, "This is not a signed note: " + std::string(why));
}

/// Cuts the first line off `rest`; nothing when no newline is left.
Result<std::string_view> take_line(std::string_view& rest) {
    auto end = rest.find('\n');
    if (end == rest.npos) return not_a_note("a line has no end.");
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
}

} // namespace

Result<NoteVerifier> NoteVerifier::parse(std::string_view text) {
    auto wrong = [] {
        return fail(Errc::invalid, "A verifier key is written <name>+<8 hex digits>+<base64>.");
    };
    auto first = text.find('+');
    if (first == text.npos) return wrong();
    auto second = text.find('+', first + 1);
    if (second == text.npos) return wrong();
    auto name = text.substr(0, first);
    auto bytes = base64_decode(text.substr(second + 1));
    if (!is_name(name) || !bytes || bytes->empty() || bytes->front() != ed25519) return wrong();
    FAIRLEAD_TRY(key, VerifyKey::from_bytes(std::string_view(*bytes).substr(1)));
    NoteVerifier verifier{std::string(name), std::move(key)};
    if (verifier.str() != text) return wrong();
    return verifier;
}

std::string NoteVerifier::str() const {
    return fmt::format(
        "{}+{}+{}", name, hex_encode(key_hash(name, key)), base64_encode(ed25519 + key.bytes())
    );
}

std::string sign_note(std::string_view text, const std::string& name, const SigningKey& key) {
    if (!is_name(name) || text.empty() || text.back() != '\n' || text.find("\n\n") != text.npos)
        throw std::logic_error("a note needs a name without spaces and text that ends its lines");
    auto signature = key_hash(name, key.verify_key()) + key.sign(text);
    return fmt::format("{}\n{}{} {}\n", text, dash, name, base64_encode(signature));
}

Result<std::string> open_note(std::string_view note, const NoteVerifier& verifier) {
    if (note.size() > most_bytes) return not_a_note("it is longer than 64 KiB.");
    // The last empty line parts text and signatures.
    auto cut = note.rfind("\n\n");
    if (cut == note.npos) return not_a_note("it has no signatures.");
    auto text = note.substr(0, cut + 1);
    auto rest = note.substr(cut + 2);
    auto hash = key_hash(verifier.name, verifier.key);
    bool signed_by_key = false;
    while (!rest.empty()) {
        FAIRLEAD_TRY(line, take_line(rest));
        if (!line.starts_with(dash)) return not_a_note("a signature line has another form.");
        line.remove_prefix(dash.size());
        auto space = line.find(' ');
        if (space == line.npos || !is_name(line.substr(0, space)))
            return not_a_note("a signature has no name.");
        FAIRLEAD_TRY(bytes, base64_decode(line.substr(space + 1)));
        if (bytes.size() < 5) return not_a_note("a signature is too short.");
        if (line.substr(0, space) != verifier.name || !bytes.starts_with(hash)) continue;
        if (!verifier.key.verify(text, std::string_view(bytes).substr(4)))
            return fail(
                Errc::invalid, "The signature of " + verifier.name + " does not fit the text."
            );
        signed_by_key = true;
    }
    if (!signed_by_key)
        return fail(Errc::invalid, "The note is not signed by " + verifier.str() + ".");
    return std::string(text);
}

std::string Checkpoint::str() const {
    return fmt::format("{}\n{}\n{}\n", origin, size, base64_encode(root.view()));
}

Result<Checkpoint> Checkpoint::parse(std::string_view text) {
    auto wrong = [] {
        return fail(
            Errc::invalid, "A checkpoint has a line for its origin, its size and its root."
        );
    };
    Checkpoint checkpoint;
    FAIRLEAD_TRY(origin, take_line(text));
    FAIRLEAD_TRY(size, take_line(text));
    FAIRLEAD_TRY(root, take_line(text));
    checkpoint.origin = origin;
    auto [end, error] = std::from_chars(size.begin(), size.end(), checkpoint.size);
    bool canonical =
        error == std::errc() && end == size.end() && (size == "0" || size.front() != '0');
    auto bytes = base64_decode(root);
    if (origin.empty() || !canonical || !bytes || bytes->size() != 32) return wrong();
    std::copy(bytes->begin(), bytes->end(), checkpoint.root.bytes.begin());
    return checkpoint;
}

} // namespace fairlead::crypto
