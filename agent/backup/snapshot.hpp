/// A database held still: what is read and dumped within it belongs to one moment.
#pragma once

#include "agent/archive/manifest.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/result.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

namespace fairlead::backup {

/// A session of psql, as the database's owner, in a transaction that exports its snapshot. Ends
/// with the object. One thread.
class Snapshot {
public:
    /// Code "dump_failed" with what PostgreSQL says.
    static Result<std::unique_ptr<Snapshot>> begin(const std::string& database);
    ~Snapshot();
    Snapshot(const Snapshot&) = delete;

    /// For pg_dump --snapshot.
    const std::string& id() const { return id_; }

    /// Fills sizes and counts.
    Result<> count(archive::DatabasePart& part);
    /// The paths that attachments name, one a line, in a new file.
    Result<> save_attachments(const std::filesystem::path& file);
    Result<> end();

private:
    Snapshot() = default;
    Result<> start(const std::string& database);
    /// Sends statements and hands each line of the answer to `each`.
    Result<> ask(const std::string& sql, const std::function<Result<>(std::string_view)>& each);
    Result<std::string> one(const std::string& sql);
    Result<std::uint64_t> number(const std::string& sql);
    tl::unexpected<Error> failed();

    std::string id_;
    Descriptor input_, output_;
    std::string pending_;
    std::thread runner_;
    Result<Exit> ended_ = fail(Errc::internal, "It was not started.");
};

} // namespace fairlead::backup
