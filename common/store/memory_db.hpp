/// Databases for tests.
#pragma once

#include "common/store/store.hpp"

namespace fairlead::store {

/// A database in memory with the real schema, for tests of repositories.
class MemoryDb {
public:
    explicit MemoryDb(std::span<const Migration> migrations) : db_(":memory:") {
        migrate(db_, migrations, Timestamp{});
    }
    Connection& db() { return db_; }

private:
    Connection db_;
};

/// A folder of its own below the system's temporary one, removed with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A real Store on a file of its own, which does not wait for the disk.
class TemporaryStore {
public:
    explicit TemporaryStore(std::span<const Migration> migrations)
        : store_(
              StoreOptions{.file = folder_.path() / "test.db", .durability = Durability::relaxed},
              migrations
          ) {}
    Store& store() { return store_; }
    Store* operator->() { return &store_; }

private:
    TemporaryFolder folder_;
    Store store_;
};

} // namespace fairlead::store
