/// manifest.json: everything that a restore must know of a backup. Names objects, hashes and
/// numbers; nothing of what the database or a file says.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::archive {

constexpr std::uint32_t manifest_format = 1;
constexpr std::size_t manifest_limit = 16 * 1024 * 1024; ///< bytes
constexpr std::size_t manifest_max_packs = 50'000;

/// An object in the bucket.
struct StoredObject {
    std::string key;         ///< below the storage's prefix
    std::uint64_t bytes = 0; ///< as stored
    std::string sha256;      ///< of what is stored, 64 hex digits
};
BOOST_DESCRIBE_STRUCT(StoredObject, (), (key, bytes, sha256))

struct EnvironmentFacts {
    std::string id;
    std::string slug;
    std::string name;
    proto::EnvironmentType type = proto::EnvironmentType::development;
    std::string odoo_version;  ///< "19.0"
    std::uint32_t release = 0; ///< its number; 0: none was ever deployed
    std::vector<proto::Commit> commits;
    std::string python_version;
    std::vector<std::string> python_packages;   ///< "name==version"
    std::map<std::string, std::string> modules; ///< installed ones: name → hash of their content
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentFacts, (),
    (id, slug, name, type, odoo_version, release, commits, python_version, python_packages, modules)
)

struct DatabasePart {
    StoredObject object;
    std::string dump_format;         ///< "custom": what pg_restore reads
    std::uint64_t logical_bytes = 0; ///< as PostgreSQL stores it
    std::uint64_t dump_bytes = 0;    ///< before zstd
    std::uint64_t tables = 0;
    std::map<std::string, std::uint64_t> rows; ///< of a few tables that every Odoo has
};
BOOST_DESCRIBE_STRUCT(
    DatabasePart, (), (object, dump_format, logical_bytes, dump_bytes, tables, rows)
)

struct PackInfo {
    StoredObject object;
    std::uint64_t files = 0;
    std::uint64_t content_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(PackInfo, (), (object, files, content_bytes))

struct FilestorePart {
    StoredObject list;           ///< the file list, see file_list.hpp
    std::vector<PackInfo> packs; ///< all that the list names; may hold other backups' files too
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t missing = 0;    ///< named in the database, and absent already
    std::uint64_t mismatched = 0; ///< whose content is not what their name says
};
BOOST_DESCRIBE_STRUCT(FilestorePart, (), (list, packs, files, bytes, missing, mismatched))

struct Manifest {
    std::uint32_t format = manifest_format;
    std::string product; ///< "Fairlead 0.5.0"
    std::string id;      ///< "bak_…"
    proto::BackupKind kind = proto::BackupKind::manual;
    std::string started_at; ///< RFC 3339, UTC
    std::string finished_at;
    EnvironmentFacts environment;
    std::string postgresql_version;
    DatabasePart database;
    FilestorePart filestore;
    std::uint64_t sent_bytes = 0;        ///< for this backup
    std::vector<std::string> recipients; ///< "age1…"
};
BOOST_DESCRIBE_STRUCT(
    Manifest, (),
    (format, product, id, kind, started_at, finished_at, environment, postgresql_version, database,
     filestore, sent_bytes, recipients)
)

std::string write_manifest(const Manifest& manifest);

/// Errc::invalid: code "backup_format_unknown" when a newer product wrote it (names the number),
/// else "backup_damaged" with what is wrong: unknown or missing members, keys that are not this
/// backup's, hashes, times and ids that are none, numbers that contradict each other.
Result<Manifest> read_manifest(std::string_view text);

/// What the controller may know of it.
proto::BackupInfo info_of(const Manifest& manifest, std::string storage_id);

} // namespace fairlead::archive
