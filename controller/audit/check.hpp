/// Checks a log against what was signed of it: of an export, without anything but a public key, and
/// of a database.
#pragma once

#include "common/crypto/merkle.hpp"
#include "common/crypto/note.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::store {
class Connection;
}

namespace fairlead::audit {

/// What was found in one log.
struct Verdict {
    std::string origin;           ///< of the log
    std::int64_t entries = 0;     ///< leaves that were looked at
    std::int64_t with_text = 0;   ///< of them, those whose text was there
    std::int64_t signed_size = 0; ///< of the newest checkpoint that fits
    std::int64_t dropped = 0;     ///< texts from the first on that retention may have dropped
    std::vector<std::string> bad; ///< the first wrong thing first; empty when all is well
};

/// Follows a log from its first leaf. Texts are compared to leaves, and roots to checkpoints, as
/// they pass.
class LogCheck {
public:
    LogCheck(crypto::NoteVerifier verifier, std::string origin);

    /// A checkpoint that the leaves must reach; in any order, before the leaves.
    void expect(std::string_view note);
    void expect(crypto::Checkpoint checkpoint);
    /// A checkpoint of the leaves so far.
    void expect_here(std::string_view note);

    /// The next leaf, with its text or only its hash.
    void text(std::string_view leaf, const crypto::Digest& stored);
    void hash(const crypto::Digest& stored);
    /// Leaves that are not there.
    void skip_to(std::int64_t place);

    void wrong(std::string sentence);
    /// The same, and no root can fit any more.
    void lost(std::string sentence);

    std::int64_t size() const { return verdict_.entries; }
    /// So much is wrong that nothing more is told.
    bool hopeless() const { return verdict_.bad.size() >= most_findings; }
    /// After the last leaf.
    Verdict finish();

private:
    static constexpr std::size_t most_findings = 20;

    std::optional<crypto::Checkpoint> opened(std::string_view note);
    void add(const crypto::Digest& leaf);
    void compare(const crypto::Checkpoint& due);

    crypto::NoteVerifier verifier_;
    Verdict verdict_;
    std::vector<crypto::Checkpoint> expected_; ///< smallest first once leaves come
    std::size_t reached_ = 0;
    bool sorted_ = false;
    bool lost_ = false;
    crypto::merkle::Roots roots_;
};

/// An export in JSON lines, of any length, in bounded memory. Errc::invalid when it is no export at
/// all; what is wrong with its entries is in the verdict.
Result<Verdict> check_export(std::istream& file, const crypto::NoteVerifier& verifier);

/// Every organization's log in a database, read within one transaction of the caller.
Result<std::vector<Verdict>>
check_database(store::Connection& db, const crypto::NoteVerifier& verifier);

/// The key that a database says its checkpoints are signed with.
Result<crypto::NoteVerifier> stored_verifier(store::Connection& db);

} // namespace fairlead::audit
