#include "controller/audit/tree.hpp"

#include <algorithm>
#include <stdexcept>

namespace fairlead::audit {
namespace {

namespace merkle = crypto::merkle;
using crypto::Digest;

Digest digest_of(const store::Blob& blob) {
    Digest digest;
    if (blob.bytes.size() != digest.bytes.size())
        throw std::runtime_error("a hash of the audit tree does not have 32 bytes");
    std::copy(blob.bytes.begin(), blob.bytes.end(), digest.bytes.begin());
    return digest;
}

store::Blob blob_of(const Digest& digest) {
    return {std::string(digest.view())};
}

} // namespace

Result<std::int64_t> Tree::size() {
    FAIRLEAD_TRY(
        last, db_.one<std::int64_t>(
                  "SELECT seq FROM audit_leaf WHERE org_id = $1 ORDER BY seq DESC LIMIT 1", org_
              )
    );
    return last ? *last + 1 : 0;
}

Result<> Tree::append(std::int64_t seq, const Digest& leaf) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO audit_leaf (org_id, seq, hash) VALUES ($1, $2, $3)", org_, seq, blob_of(leaf)
    ));
    auto size = static_cast<std::uint64_t>(seq) + 1;
    for (unsigned level = step; size % (1ULL << level) == 0; level += step) {
        auto place = (size >> level) - 1;
        FAIRLEAD_TRY(below, stored(level - step, place << step, 1ULL << step));
        merkle::Roots roots;
        for (const auto& hash : below) roots.add(hash);
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO audit_node (org_id, level, place, hash) VALUES ($1, $2, $3, $4)", org_,
            static_cast<std::int64_t>(level), static_cast<std::int64_t>(place),
            blob_of(roots.root())
        ));
    }
    return {};
}

Result<Digest> Tree::root(std::int64_t size) {
    return merkle::root(static_cast<std::uint64_t>(size), reader());
}

Result<std::vector<Digest>> Tree::inclusion(std::int64_t index, std::int64_t size) {
    return merkle::inclusion(
        static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(size), reader()
    );
}

Result<std::vector<Digest>> Tree::consistency(std::int64_t before, std::int64_t size) {
    return merkle::consistency(
        static_cast<std::uint64_t>(before), static_cast<std::uint64_t>(size), reader()
    );
}

Result<std::vector<Digest>> Tree::leaves(std::int64_t from, std::int64_t count) {
    return stored(0, static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(count));
}

merkle::Subtree Tree::reader() {
    return [this](unsigned level, std::uint64_t index) { return subtree(level, index); };
}

Result<Digest> Tree::subtree(unsigned level, std::uint64_t index) {
    auto base = level / step * step;
    auto spread = level - base;
    FAIRLEAD_TRY(hashes, stored(base, index << spread, 1ULL << spread));
    merkle::Roots roots;
    for (const auto& hash : hashes) roots.add(hash);
    return roots.root();
}

Result<std::vector<Digest>> Tree::stored(unsigned level, std::uint64_t from, std::uint64_t count) {
    auto first = static_cast<std::int64_t>(from);
    auto end = static_cast<std::int64_t>(from + count);
    auto fetched =
        level == 0
            ? db_.all<store::Blob>(
                  "SELECT hash FROM audit_leaf WHERE org_id = $1 AND seq >= $2 AND seq < $3"
                  " ORDER BY seq",
                  org_, first, end
              )
            : db_.all<store::Blob>(
                  "SELECT hash FROM audit_node WHERE org_id = $1 AND level = $4 AND place >= $2"
                  " AND place < $3 ORDER BY place",
                  org_, first, end, static_cast<std::int64_t>(level)
              );
    FAIRLEAD_TRY(blobs, std::move(fetched));
    if (blobs.size() != count)
        return fail(
            Errc::not_found, "The audit tree is not that large, or a part of it is missing."
        );
    std::vector<Digest> hashes;
    for (const auto& blob : blobs) hashes.push_back(digest_of(blob));
    return hashes;
}

} // namespace fairlead::audit
