/// What a dump of an Odoo database tells of itself.
#pragma once

#include "agent/imports/sql_lines.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::imports {

constexpr std::size_t most_modules = 5000, most_extensions = 100;

/// A name in Odoo's filestore is the SHA-1 of the file; its first bytes tell files apart well
/// enough to count.
using FileKey = std::uint64_t;
/// Nothing where `path` is no "2f/2fd4e1…".
std::optional<FileKey> file_key(std::string_view path);

/// The files that a database or a filestore has: counted always, and held one by one up to a limit.
class FileSet {
public:
    explicit FileSet(std::size_t limit = 4'000'000) : limit_(limit) {}
    void add(FileKey key);
    /// How many of ours `other` lacks; nothing where either had more than it holds.
    std::optional<std::uint64_t> lacking(FileSet& other);
    /// Different ones; those past the limit as they came.
    std::uint64_t size();

private:
    void settle();
    std::size_t limit_;
    std::vector<FileKey> keys_;
    std::uint64_t beyond_ = 0;
    bool settled_ = true;
};

struct DumpFacts {
    std::string server_version;                 ///< "15.18": of the server that it is of
    std::string dump_version;                   ///< of the pg_dump that made it
    std::map<std::string, std::string> modules; ///< installed ones, with their versions
    std::vector<std::string> extensions;
    std::uint64_t bytes = 0; ///< as SQL text
    std::uint64_t tables = 0;
    FileSet attachments; ///< that the database names
    bool whole = false;  ///< pg_dump's last line was there

    std::string odoo_version() const; ///< "17.0", "saas-17.4"; empty: it is none of Odoo's
    bool enterprise() const;
};

/// Reads `facts` out of a dump that streams by; nothing else of it is kept.
class DumpReader final : public LineJudge {
public:
    explicit DumpReader(DumpFacts& facts) : facts_(facts) {}
    Result<Keep> statement(std::string_view head, bool whole) override;
    Result<> row(std::string_view head, bool whole) override;

private:
    enum class Table { other, modules, attachments };
    std::size_t column(std::string_view name) const;

    DumpFacts& facts_;
    Table table_ = Table::other;
    std::vector<std::string> columns_;
};

/// "17.0.1.3" → "17.0"; "saas~17.4.1.3" → "saas-17.4".
std::string series_of(std::string_view module_version);

/// What a database of another place brings that has no place here: owners, grants, and psql's own
/// words around a dump. Everything else is passed on.
class ForeignWords final : public LineJudge {
public:
    Result<Keep> statement(std::string_view head, bool whole) override;
    Result<> row(std::string_view, bool) override { return {}; }
};

} // namespace fairlead::imports
