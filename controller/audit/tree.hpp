/// An organization's Merkle tree, as it lies in the database.
#pragma once

#include "common/crypto/merkle.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <cstdint>
#include <vector>

namespace fairlead::audit {

/// Uses the connection within one transaction.
class Tree {
public:
    Tree(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// How many leaves there are; the next one has this place.
    Result<std::int64_t> size();
    /// Puts a leaf at the end, `seq` being the size so far, and stores the subtrees that it
    /// completes.
    Result<> append(std::int64_t seq, const crypto::Digest& leaf);

    Result<crypto::Digest> root(std::int64_t size);
    /// Errc::invalid unless index < size and size is not more than there is.
    Result<std::vector<crypto::Digest>> inclusion(std::int64_t index, std::int64_t size);
    Result<std::vector<crypto::Digest>> consistency(std::int64_t before, std::int64_t size);

    /// The hashes of `count` leaves from a place on. Errc::not_found unless all are there.
    Result<std::vector<crypto::Digest>> leaves(std::int64_t from, std::int64_t count);

    /// Leaves are hashed in groups of this many bits: one stored subtree for 256 of them.
    static constexpr unsigned step = 8;

private:
    Result<crypto::Digest> subtree(unsigned level, std::uint64_t index);
    Result<std::vector<crypto::Digest>>
    stored(unsigned level, std::uint64_t from, std::uint64_t count);
    crypto::merkle::Subtree reader();

    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::audit
