/// PostgreSQL of this server, through psql as its own superuser by peer authentication.
#pragma once

#include "common/runtime/process.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// Names of roles and databases are the agent's own: letters, digits, '-', '.' and '_'. Anything
/// else is a bug and throws std::logic_error.
class Postgresql {
public:
    /// `tag` marks our connections, one tag for each environment.
    explicit Postgresql(std::string tag = "fairlead") : tag_(std::move(tag)) {}

    /// Ends what an earlier process of ours with this tag still has running in the server, and
    /// waits until it is gone: a copy of a database goes on after the client that asked for it has
    /// died.
    Result<> end_strays();

    /// A client and a server program are there.
    static bool installed();

    /// "15.8" of the running server. Errc::unavailable when it does not answer.
    Result<std::string> version();
    /// 150008; 0 before the first `version`.
    int version_number() const { return number_; }

    Result<bool> role_exists(const std::string& role);
    /// Lets it say its log to the system's journal too, from where it can be read, unless it does.
    /// By a file of its own beside the configuration, which whoever does not want it can empty.
    /// Errc::unavailable where the configuration has no folder for such files.
    Result<> log_to_journal();

    /// Login by peer authentication only; no right to make anything. Fine when it is there.
    Result<> create_role(const std::string& role);
    Result<> drop_role(const std::string& role);

    Result<bool> database_exists(const std::string& database);
    /// Empty, UTF-8, owned by `role`, closed to other roles.
    Result<> create_database(const std::string& database, const std::string& role);
    /// The same without the extensions that a new Odoo likes: a dump brings its own.
    Result<> create_bare_database(const std::string& database, const std::string& role);
    /// Writes to disk what changed in memory, so that a copy soon after has little to wait for.
    Result<> checkpoint();
    /// A copy with everything in it; gives its bytes. Nobody may be connected to `source`:
    /// connections are ended.
    Result<std::uint64_t>
    copy_database(const std::string& source, const std::string& target, const std::string& role);
    /// Everything in `database` that belongs to `from` becomes `to`'s; nothing in another database.
    Result<> hand_over(const std::string& database, const std::string& from, const std::string& to);
    /// Copies by a dump, while `source` is in use; `target` is there and empty, and its objects
    /// become `to`'s. Each side runs as its owner.
    Result<> dump_into(
        const std::string& source, const std::string& from, const std::string& target,
        const std::string& to, std::stop_token stop
    );
    /// Ends its connections. Fine when it is gone.
    Result<> drop_database(const std::string& database);
    Result<> rename_database(const std::string& from, const std::string& to);
    Result<std::uint64_t> database_bytes(const std::string& database);
    /// Names that begin with `prefix`.
    Result<std::vector<std::string>> databases(const std::string& prefix);

    /// Extensions that the owner of a database may make in it: trusted ones, and what is there.
    Result<std::vector<std::string>> extensions();

    /// Rows of a query, columns parted by '|'; empty lines are left out. As `role`, by the Unix
    /// user of that name: a database's owner can make a table run code, and never as the superuser.
    /// psql ends at `deadline`, whatever that code does.
    Result<std::vector<std::string>> rows(
        const std::string& database, const std::string& role, const std::string& sql,
        std::chrono::seconds deadline = std::chrono::seconds(120)
    );

    /// Rows of queries of the catalogs, which nobody else can make run code: as the superuser in
    /// the database `postgres`, with no schema but the catalogs' in the path. What takes longer
    /// than `deadline` ends.
    Result<std::vector<std::string>>
    catalog_rows(const std::string& sql, std::chrono::seconds deadline);

private:
    Result<std::string>
    psql(const std::string& database, const std::string& sql, std::chrono::seconds deadline);
    Result<std::string> psql_as(
        const std::string& user, const std::string& database, const std::string& sql,
        std::chrono::seconds deadline
    );
    Result<> close_connections(const std::string& database);
    std::string tag_;
    int number_ = 0;
};

} // namespace fairlead::host
