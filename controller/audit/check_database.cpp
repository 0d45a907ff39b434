#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/audit/check.hpp"
#include "controller/audit/entries.hpp"
#include "controller/audit/tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace fairlead::audit {
namespace {

namespace merkle = crypto::merkle;
using crypto::Digest;

Result<Digest> digest_of(std::string_view bytes) {
    Digest digest;
    if (bytes.size() != digest.bytes.size()) return fail(Errc::invalid, "A hash has 32 bytes.");
    std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
    return digest;
}

} // namespace

Result<crypto::NoteVerifier> stored_verifier(store::Connection& db) {
    using Key = std::tuple<std::string, store::Blob>;
    FAIRLEAD_TRY(found, db.one<Key>("SELECT name, public_key FROM audit_key WHERE id = 1"));
    if (!found)
        return fail(
            Errc::not_found, "This database has no key for its audit log: no controller has served "
                             "it since it was made."
        );
    FAIRLEAD_TRY(key, crypto::VerifyKey::from_bytes(std::get<1>(*found).bytes));
    return crypto::NoteVerifier{std::get<0>(*found), std::move(key)};
}

namespace {

/// The stored roots of whole subtrees, which checkpoints and proofs are made of.
class Subtrees {
public:
    Subtrees(store::Connection& db, const OrgId& org) : db_(db), org_(org) {}

    /// The next leaf. False when a subtree that it completes is stored otherwise.
    Result<bool> add(const Digest& leaf) { return add(0, leaf); }

private:
    struct Level {
        merkle::Roots roots;
        std::int64_t place = 0;
    };

    Result<bool> add(std::size_t level, const Digest& hash) {
        if (level == levels_.size()) levels_.emplace_back();
        levels_[level].roots.add(hash);
        if (levels_[level].roots.size() < (1U << Tree::step)) return true;
        auto root = levels_[level].roots.root();
        auto place = levels_[level].place++;
        levels_[level].roots = {};
        FAIRLEAD_TRY(
            stored,
            db_.one<store::Blob>(
                "SELECT hash FROM audit_node WHERE org_id = $1 AND level = $2 AND place = $3", org_,
                static_cast<std::int64_t>((level + 1) * Tree::step), place
            )
        );
        FAIRLEAD_TRY(above, add(level + 1, root));
        return above && stored && stored->bytes == root.view();
    }

    store::Connection& db_;
    OrgId org_;
    std::vector<Level> levels_;
};

/// Entries come in order, with gaps where the text was dropped: only at the beginning.
Result<> compare(
    const std::vector<std::tuple<std::int64_t, store::Blob>>& leaves,
    const std::map<std::int64_t, Entry>& entries, std::int64_t first_kept, const OrgId& org,
    Subtrees& subtrees, LogCheck& check
) {
    for (const auto& [seq, blob] : leaves) {
        auto stored = digest_of(blob.bytes);
        if (seq != check.size()) {
            check.lost(fmt::format("the hash of entry {} is missing", check.size()));
            return {};
        }
        if (!stored) {
            check.lost(fmt::format("the hash of entry {} has another length", seq));
            return {};
        }
        FAIRLEAD_TRY(same, subtrees.add(*stored));
        if (!same) check.wrong(fmt::format("the tree above entry {} was altered", seq));
        auto entry = entries.find(seq);
        if (entry != entries.end()) {
            check.text(leaf_of(entry->second, org), *stored);
            continue;
        }
        if (seq >= first_kept) check.wrong(fmt::format("entry {} was deleted", seq));
        check.hash(*stored);
    }
    return {};
}

Result<Verdict>
check_org(store::Connection& db, const OrgId& org, const crypto::NoteVerifier& verifier) {
    auto scope = api::ScopeIssuer::scope(org);
    EntryRepo repo(db, scope);
    Subtrees subtrees(db, org);
    LogCheck check(verifier, verifier.name + "/" + org.str());
    FAIRLEAD_CHECK(db.each<std::string>(
        [&](std::string note) { check.expect(note); },
        "SELECT note FROM audit_checkpoint WHERE org_id = $1 ORDER BY size", org
    ));
    // Where nothing was ever dropped, every text must be there.
    FAIRLEAD_TRY(
        first, db.one<std::int64_t>(
                   "SELECT coalesce((SELECT min(seq) FROM audit_entry WHERE org_id = $1),"
                   " 9223372036854775807) FROM audit_retention WHERE org_id = $1",
                   org
               )
    );
    constexpr std::int64_t at_once = 5000;
    for (;;) {
        using Leaf = std::tuple<std::int64_t, store::Blob>;
        auto from = check.size();
        FAIRLEAD_TRY(
            leaves, db.all<Leaf>(
                        "SELECT seq, hash FROM audit_leaf WHERE org_id = $1 AND seq >= $2"
                        " ORDER BY seq LIMIT $3",
                        org, from, at_once
                    )
        );
        if (leaves.empty()) break;
        FAIRLEAD_TRY(entries, repo.from(from, from + at_once, at_once));
        std::map<std::int64_t, Entry> by_place;
        for (auto& entry : entries) by_place.emplace(entry.seq, std::move(entry));
        FAIRLEAD_CHECK(compare(leaves, by_place, first.value_or(0), org, subtrees, check));
        if (check.size() == from) break; // a hash is missing: nothing after it can be placed
    }
    FAIRLEAD_TRY(
        beyond,
        db.one<std::int64_t>(
            "SELECT seq FROM audit_entry WHERE org_id = $1 AND seq >= $2 LIMIT 1", org, check.size()
        )
    );
    if (beyond) check.wrong(fmt::format("entry {} was added without a place in the tree", *beyond));
    return check.finish();
}

} // namespace

Result<std::vector<Verdict>>
check_database(store::Connection& db, const crypto::NoteVerifier& verifier) {
    FAIRLEAD_TRY(
        orgs,
        db.all<OrgId>("SELECT org_id FROM audit_leaf UNION SELECT org_id FROM audit_entry UNION"
                      " SELECT org_id FROM audit_checkpoint ORDER BY 1")
    );
    std::vector<Verdict> verdicts;
    for (const auto& org : orgs) {
        FAIRLEAD_TRY(verdict, check_org(db, org, verifier));
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

} // namespace fairlead::audit
