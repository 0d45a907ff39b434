#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/audit/check.hpp"
#include "controller/audit/entries.hpp"
#include "controller/audit/horizon.hpp"
#include "controller/audit/tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
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

/// One organization's log.
class StoredLog {
public:
    StoredLog(store::Connection& db, const OrgId& org, const crypto::NoteVerifier& verifier)
        : db_(db), org_(org), scope_(api::ScopeIssuer::scope(org)), verifier_(verifier),
          subtrees_(db, org), check_(verifier, verifier.name + "/" + org.str()) {}

    Result<Verdict> verdict() {
        FAIRLEAD_CHECK(db_.each<std::string>(
            [&](std::string note) { check_.expect(note); },
            "SELECT note FROM audit_checkpoint WHERE org_id = $1 ORDER BY size", org_
        ));
        auto dropped = horizon(db_, scope_, verifier_);
        if (dropped && *dropped) {
            below_ = static_cast<std::int64_t>((*dropped)->size);
            check_.expect(**dropped);
        }
        FAIRLEAD_CHECK(follow());
        FAIRLEAD_TRY(
            beyond, db_.one<std::int64_t>(
                        "SELECT seq FROM audit_entry WHERE org_id = $1 AND seq >= $2 LIMIT 1", org_,
                        check_.size()
                    )
        );
        if (beyond)
            check_.wrong(fmt::format("entry {} was added without a place in the tree", *beyond));
        if (!dropped) check_.wrong(dropped.error().message());
        auto verdict = check_.finish();
        verdict.dropped = below_;
        return verdict;
    }

private:
    using Leaf = std::tuple<std::int64_t, store::Blob>;
    static constexpr std::int64_t at_once = 5000;

    Result<> follow() {
        for (;;) {
            auto from = check_.size();
            FAIRLEAD_TRY(
                leaves, db_.all<Leaf>(
                            "SELECT seq, hash FROM audit_leaf WHERE org_id = $1 AND seq >= $2"
                            " ORDER BY seq LIMIT $3",
                            org_, from, at_once
                        )
            );
            if (leaves.empty()) return {};
            texts_.clear();
            unreadable_.clear();
            FAIRLEAD_CHECK(read(from, from + at_once));
            FAIRLEAD_CHECK(compare(leaves));
            if (check_.size() == from) return {}; // nothing after a missing hash can be placed
        }
    }

    /// A row may hold what no entry has, such as an id that is none: it is found by halves.
    Result<> read(std::int64_t from, std::int64_t end) {
        try {
            FAIRLEAD_TRY(entries, EntryRepo(db_, scope_).from(from, end, end - from));
            for (auto& entry : entries) texts_.emplace(entry.seq, std::move(entry));
            return {};
        } catch (const std::logic_error&) {
            if (end - from == 1) {
                unreadable_.insert(from);
                return {};
            }
        }
        auto middle = from + (end - from) / 2;
        FAIRLEAD_CHECK(read(from, middle));
        return read(middle, end);
    }

    Result<> compare(const std::vector<Leaf>& leaves) {
        for (const auto& [seq, blob] : leaves) {
            auto stored = digest_of(blob.bytes);
            if (seq != check_.size()) {
                check_.lost(fmt::format("the hash of entry {} is missing", check_.size()));
                return {};
            }
            if (!stored) {
                check_.lost(fmt::format("the hash of entry {} has another length", seq));
                return {};
            }
            auto text = texts_.find(seq);
            if (unreadable_.contains(seq))
                check_.wrong(fmt::format("entry {} was altered: its row cannot be read", seq));
            else if (text == texts_.end())
                FAIRLEAD_CHECK(missing(seq));
            FAIRLEAD_TRY(same, subtrees_.add(*stored));
            if (!same) check_.wrong(fmt::format("the tree above entry {} was altered", seq));
            if (text == texts_.end())
                check_.hash(*stored);
            else
                check_.text(leaf_of(text->second, org_), *stored);
        }
        return {};
    }

    /// The texts before the horizon may be gone. Those of a stretch are told once.
    Result<> missing(std::int64_t seq) {
        if (seq < below_ || seq < told_) return {};
        FAIRLEAD_TRY(
            next, db_.one<std::int64_t>(
                      "SELECT coalesce((SELECT min(seq) FROM audit_entry WHERE org_id = $1"
                      " AND seq > $2), (SELECT max(seq) + 1 FROM audit_leaf WHERE org_id = $1))",
                      org_, seq
                  )
        );
        told_ = next.value_or(seq + 1);
        check_.wrong(
            told_ > seq + 1 ? fmt::format("entries {} to {} were deleted", seq, told_ - 1)
                            : fmt::format("entry {} was deleted", seq)
        );
        return {};
    }

    store::Connection& db_;
    OrgId org_;
    api::OrgScope scope_;
    const crypto::NoteVerifier& verifier_;
    Subtrees subtrees_;
    LogCheck check_;
    std::int64_t below_ = 0;
    std::map<std::int64_t, Entry> texts_; ///< of those that are looked at now
    std::set<std::int64_t> unreadable_;
    std::int64_t told_ = 0; ///< up to here missing texts were told of
};

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
        FAIRLEAD_TRY(verdict, StoredLog(db, org, verifier).verdict());
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

} // namespace fairlead::audit
