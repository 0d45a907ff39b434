#include "agent/link/witness.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/note.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"

#include <fmt/core.h>

namespace fairlead::link {

BOOST_DESCRIBE_STRUCT(Witness::Held, (), (witness, origin, note, fork_key, fork_note))

namespace {

constexpr std::size_t largest_file = 256 * 1024;
constexpr std::size_t longest_note = 16 * 1024; ///< of a checkpoint that is kept as evidence

} // namespace

Witness::Witness(std::filesystem::path file) : file_(std::move(file)) {
    auto text = read_file(file_, largest_file);
    if (!text && text.error().kind() == Errc::not_found) return;
    auto held = text ? json::decode<Held>(*text, json::Strictness::lenient)
                     : Result<Held>(fail(text.error()));
    if (held) {
        held_ = *std::move(held);
        return;
    }
    held_.witness.fork =
        file_.string() + ", which holds what this server has seen of the audit log, cannot be read";
    held_.witness.fork_ms = to_ms(SystemClock().now());
    log::error(
        "what was seen of the audit log cannot be read", {{"reason", held.error().message()}}
    );
}

/// What is held when the checkpoint is good.
Result<Witness::Held> Witness::next(const proto::AuditCheckpoint& checkpoint) const {
    const auto& before = held_.witness;
    if (checkpoint.key.size() > longest_note || checkpoint.note.size() > longest_note)
        return fail(Errc::conflict, "the checkpoint is larger than any could be");
    auto key = before.key.empty() ? checkpoint.key : before.key;
    if (checkpoint.key != key)
        return fail(
            Errc::conflict, "the log is signed with another key than the one that was seen first"
        );
    FAIRLEAD_TRY(verifier, crypto::NoteVerifier::parse(key));
    FAIRLEAD_TRY(text, crypto::open_note(checkpoint.note, verifier));
    FAIRLEAD_TRY(seen, crypto::Checkpoint::parse(text));
    if (!held_.origin.empty() && seen.origin != held_.origin)
        return fail(Errc::conflict, "this is another log: " + seen.origin.substr(0, 200));
    if (seen.size < before.size)
        return fail(
            Errc::conflict,
            fmt::format("the log has {} entries, and had {} before", seen.size, before.size)
        );
    FAIRLEAD_TRY(proof, crypto::merkle::proof_from_text(checkpoint.proof));
    if (before.size > 0) {
        FAIRLEAD_TRY(roots, crypto::merkle::proof_from_text({before.root}));
        bool follows = checkpoint.from == before.size &&
                       crypto::merkle::verify_consistency(
                           before.size, seen.size, roots.front(), seen.root, proof
                       );
        if (!follows)
            return fail(
                Errc::conflict, fmt::format(
                                    "the log of {} entries does not go on from the {} that were "
                                    "seen before: its past was rewritten",
                                    seen.size, before.size
                                )
            );
    }
    auto held = held_;
    held.witness.key = key;
    held.witness.size = seen.size;
    held.witness.root = crypto::base64_encode(seen.root.view());
    held.origin = seen.origin;
    held.note = checkpoint.note;
    return held;
}

bool Witness::judge(const proto::AuditCheckpoint& checkpoint, Timestamp now) {
    auto good = next(checkpoint);
    if (good) {
        if (good->note == held_.note) return false;
        held_ = *std::move(good);
        save();
        return false;
    }
    auto& witness = held_.witness;
    if (!witness.fork.empty()) return false;
    witness.fork = good.error().message();
    witness.fork_ms = to_ms(now);
    held_.fork_key = checkpoint.key.substr(0, longest_note);
    held_.fork_note = checkpoint.note.substr(0, longest_note);
    save();
    log::error(
        "the controller's audit log is not the one that this server saw before",
        {{"reason", witness.fork}, {"seen", witness.size}, {"evidence", file_.string()}}
    );
    return true;
}

void Witness::save() const {
    auto saved = write_file(file_, json::encode(held_), 0600);
    if (!saved)
        log::error(
            "what was seen of the audit log cannot be kept", {{"reason", saved.error().message()}}
        );
}

Result<std::string> Witness::forget(const std::filesystem::path& folder) {
    auto file = file_in(folder);
    std::error_code failed;
    bool there = std::filesystem::remove(file, failed);
    if (failed)
        return fail(Errc::forbidden, file.string() + " cannot be removed: " + failed.message());
    if (!there) return "This server has seen nothing of the audit log yet.";
    return "This server has forgotten what it saw of the audit log; the next state is taken as the "
           "first. Now: systemctl restart fairlead-link";
}

} // namespace fairlead::link
