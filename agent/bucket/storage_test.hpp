/// What is tried when a storage is saved, from the server that will use it.
#pragma once

#include "agent/bucket/bucket.hpp"
#include "proto/operations.hpp"

#include <vector>

namespace fairlead::bucket {

/// Writes, reads, lists and removes under "<prefix>/.fairlead-test-<random>/", which is empty after
/// it where the keys may remove. Checks "write", "read", "list", "multipart", "abort", "delete",
/// "clock", and "object_lock" where the storage asks for one. Where the first fails the others are
/// not tried: they would fail for the same reason. Nothing written by it is locked by us.
std::vector<proto::Check> test_storage(Bucket& bucket);

/// The failed checks in one error, with the code of the first; fine when none failed.
Result<> verdict(const std::vector<proto::Check>& checks);

} // namespace fairlead::bucket
