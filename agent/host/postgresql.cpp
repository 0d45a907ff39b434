#include "agent/host/postgresql.hpp"

#include "agent/host/packages.hpp"
#include "agent/host/postgresql_words.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;

constexpr auto quick = 30s;
constexpr auto copying = 3600s;

std::string quoted(const std::string& name) {
    bool good = !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (!good) throw std::logic_error("not a name of ours in PostgreSQL: " + name);
    return '"' + name + '"';
}

std::string literal(const std::string& name) {
    auto text = quoted(name);
    return '\'' + text.substr(1, text.size() - 2) + '\'';
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        if (!line.empty()) lines.emplace_back(line);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return lines;
}

} // namespace

bool Postgresql::installed() {
    if (!has_program("psql")) return false;
    std::error_code ignored;
    return std::filesystem::exists("/usr/lib/postgresql", ignored) || has_program("postgres");
}

Result<std::string> Postgresql::psql(
    const std::string& database, const std::string& sql, std::chrono::seconds deadline
) {
    return psql_as("postgres", database, sql, deadline);
}

Result<std::string> Postgresql::psql_as(
    const std::string& user, const std::string& database, const std::string& sql,
    std::chrono::seconds deadline
) {
    Command command;
    command.argv = {"psql", "-X",     "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                    "-d",   database, "-f", "-"};
    command.user = user;
    command.input = sql;
    command.deadline = deadline;
    command.output_limit = 8 << 20;
    command.environment = {
        {"PGAPPNAME", tag_},
        {"PGCONNECT_TIMEOUT", "10"},
        {"PGOPTIONS", "-c client_min_messages=error"}};
    auto output = run_ok(command);
    if (output) return output;
    auto kind = output.error().message().find("exit code 2") != std::string::npos
                    ? Errc::unavailable
                    : output.error().kind();
    return fail(Error(kind, "PostgreSQL: " + without_values(output.error().message()))
                    .with_code("postgresql_failed"));
}

Result<> Postgresql::end_strays() {
    auto strays = fmt::format(
        "FROM pg_stat_activity WHERE application_name = {} AND usename = 'postgres' AND pid <> "
        "pg_backend_pid();",
        literal(tag_)
    );
    for (int i = 0; i < 300; ++i) {
        FAIRLEAD_TRY(
            left, psql("postgres", "SELECT count(pg_terminate_backend(pid)) " + strays, quick)
        );
        if (left.starts_with("0")) return {};
        std::this_thread::sleep_for(100ms);
    }
    return fail(Error(Errc::timeout, "PostgreSQL: a statement of an earlier run does not end.")
                    .with_code("postgresql_failed"));
}

Result<std::vector<std::string>>
Postgresql::catalog_rows(const std::string& sql, std::chrono::seconds deadline) {
    auto bounded = fmt::format(
        "SET search_path = pg_catalog, pg_temp; SET statement_timeout = '{}s';\n{}",
        deadline.count(), sql
    );
    FAIRLEAD_TRY(text, psql("postgres", bounded, deadline));
    return lines_of(text);
}

Result<std::string> Postgresql::version() {
    FAIRLEAD_TRY(text, psql("postgres", "SHOW server_version_num; SHOW server_version;", quick));
    auto lines = lines_of(text);
    if (lines.size() != 2)
        return fail(Errc::unavailable, fmt::format("PostgreSQL gave no version but: {}", text));
    std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), number_);
    return lines[1].substr(0, lines[1].find(' '));
}

Result<> Postgresql::log_to_journal() {
    FAIRLEAD_TRY(text, psql("postgres", "SHOW log_destination; SHOW config_file;", quick));
    auto lines = lines_of(text);
    if (lines.size() != 2)
        return fail(Errc::unavailable, fmt::format("PostgreSQL told of no log but: {}", text));
    if (lines[0].find("syslog") != std::string::npos) return {};
    auto folder = std::filesystem::path(lines[1]).parent_path() / "conf.d";
    auto file = folder / "fairlead-log.conf";
    std::error_code ignored;
    // One that is there and does not count was emptied, or stands behind another.
    if (std::filesystem::exists(file, ignored)) return {};
    if (!folder.is_absolute() || !std::filesystem::is_directory(folder, ignored))
        return fail(
            Errc::unavailable,
            fmt::format("PostgreSQL's log stays where it is: {} is no folder.", folder.string())
        );
    constexpr std::string_view content =
        "# Written by fairlead-agent: the log goes to the system's journal too, where the console "
        "can "
        "show it.\n# Empty this file where that is not wanted; it is not written again.\n"
        "log_destination = 'stderr,syslog'\nsyslog_sequence_numbers = off\n"
        "syslog_split_messages = off\n";
    FAIRLEAD_CHECK(write_file(file, content, 0644));
    auto loaded = psql("postgres", "SELECT pg_reload_conf();", quick);
    if (!loaded) return fail(std::move(loaded).error());
    return {};
}

Result<bool> Postgresql::role_exists(const std::string& role) {
    FAIRLEAD_TRY(
        text, psql(
                  "postgres",
                  fmt::format("SELECT 1 FROM pg_roles WHERE rolname = {};", literal(role)), quick
              )
    );
    return text.starts_with("1");
}

Result<> Postgresql::create_role(const std::string& role) {
    FAIRLEAD_TRY(there, role_exists(role));
    if (there) return {};
    FAIRLEAD_CHECK(psql(
        "postgres",
        fmt::format(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD NULL;", quoted(role)
        ),
        quick
    ));
    return {};
}

Result<> Postgresql::drop_role(const std::string& role) {
    FAIRLEAD_CHECK(psql("postgres", fmt::format("DROP ROLE IF EXISTS {};", quoted(role)), quick));
    return {};
}

Result<bool> Postgresql::database_exists(const std::string& database) {
    FAIRLEAD_TRY(
        text,
        psql(
            "postgres",
            fmt::format("SELECT 1 FROM pg_database WHERE datname = {};", literal(database)), quick
        )
    );
    return text.starts_with("1");
}

Result<> Postgresql::create_bare_database(const std::string& database, const std::string& role) {
    FAIRLEAD_CHECK(psql(
        "postgres",
        fmt::format(
            "CREATE DATABASE {0} OWNER {1} TEMPLATE template0 ENCODING 'UTF8';\n"
            "REVOKE CONNECT, TEMPORARY ON DATABASE {0} FROM PUBLIC;",
            quoted(database), quoted(role)
        ),
        300s
    ));
    return {};
}

Result<> Postgresql::create_database(const std::string& database, const std::string& role) {
    FAIRLEAD_CHECK(create_bare_database(database, role));
    // Odoo searches better with these; without the contrib package it does without.
    (void)psql(
        database,
        "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS unaccent;", quick
    );
    return {};
}

Result<> Postgresql::close_connections(const std::string& database) {
    FAIRLEAD_CHECK(psql(
        "postgres",
        fmt::format(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = {}"
            " AND pid <> pg_backend_pid();",
            literal(database)
        ),
        quick
    ));
    return {};
}

Result<> Postgresql::checkpoint() {
    FAIRLEAD_CHECK(psql("postgres", "CHECKPOINT;", copying));
    return {};
}

Result<std::uint64_t> Postgresql::copy_database(
    const std::string& source, const std::string& target, const std::string& role
) {
    if (number_ == 0) FAIRLEAD_CHECK(version());
    FAIRLEAD_CHECK(close_connections(source));
    FAIRLEAD_TRY(bytes, database_bytes(source));
    // Copying files is several times faster than logging every page, but begins and ends with a
    // checkpoint of the whole cluster, which costs more than a small database. Before version 15
    // there is no choice.
    constexpr std::uint64_t small = 128 << 20;
    auto strategy = number_ < 150000 ? ""
                    : bytes < small  ? " STRATEGY wal_log"
                                     : " STRATEGY file_copy";
    FAIRLEAD_CHECK(psql(
        "postgres",
        fmt::format(
            "CREATE DATABASE {0} OWNER {2} TEMPLATE {1}{3};\n"
            "REVOKE CONNECT, TEMPORARY ON DATABASE {0} FROM PUBLIC;",
            quoted(target), quoted(source), quoted(role), strategy
        ),
        copying
    ));
    return bytes;
}

Result<>
Postgresql::hand_over(const std::string& database, const std::string& from, const std::string& to) {
    // REASSIGN OWNED takes the role's databases along, wherever it runs: those are given back.
    FAIRLEAD_CHECK(psql(
        database,
        fmt::format(
            // A tenant's own functions must not come before PostgreSQL's: this runs as superuser.
            "SET search_path = pg_catalog, pg_temp;\n"
            "BEGIN;\n"
            "CREATE TEMP TABLE fairlead_kept ON COMMIT DROP AS SELECT datname FROM pg_database"
            " WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = {0}) AND datname <> {1};\n"
            "REASSIGN OWNED BY {2} TO {3};\n"
            "DO $do$ DECLARE kept text; BEGIN\n"
            "  FOR kept IN SELECT datname FROM pg_temp.fairlead_kept LOOP\n"
            "    EXECUTE format('ALTER DATABASE %I OWNER TO %I', kept, {0});\n"
            "  END LOOP;\n"
            "END $do$;\n"
            "COMMIT;",
            literal(from), literal(database), quoted(from), quoted(to)
        ),
        300s
    ));
    return {};
}

Result<> Postgresql::dump_into(
    const std::string& source, const std::string& from, const std::string& target,
    const std::string& to, std::stop_token stop
) {
    Command dump, restore;
    dump.argv = {"pg_dump",         "--format=custom",         "--compress=0",      "--no-owner",
                 "--no-privileges", "--lock-wait-timeout=60s", "--dbname=" + source};
    dump.user = from;
    restore.argv = {
        "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname=" + target};
    restore.user = to;
    dump.deadline = restore.deadline = 24h;
    dump.stop = restore.stop = stop;
    auto copied = run_piped(std::move(dump), std::move(restore));
    if (copied || !copied.error().code().empty()) return copied;
    return fail(
        Error(copied.error().kind(), "PostgreSQL: " + without_values(copied.error().message()))
            .with_code("postgresql_failed")
    );
}

Result<> Postgresql::drop_database(const std::string& database) {
    FAIRLEAD_TRY(there, database_exists(database));
    if (!there) return {};
    if (number_ == 0) FAIRLEAD_CHECK(version());
    if (number_ < 130000) FAIRLEAD_CHECK(close_connections(database));
    FAIRLEAD_CHECK(psql(
        "postgres",
        fmt::format(
            "DROP DATABASE IF EXISTS {}{};", quoted(database),
            number_ >= 130000 ? " WITH (FORCE)" : ""
        ),
        300s
    ));
    return {};
}

Result<> Postgresql::rename_database(const std::string& from, const std::string& to) {
    FAIRLEAD_CHECK(close_connections(from));
    FAIRLEAD_CHECK(psql(
        "postgres", fmt::format("ALTER DATABASE {} RENAME TO {};", quoted(from), quoted(to)), quick
    ));
    return {};
}

Result<std::uint64_t> Postgresql::database_bytes(const std::string& database) {
    FAIRLEAD_TRY(
        text,
        psql("postgres", fmt::format("SELECT pg_database_size({});", literal(database)), quick)
    );
    std::uint64_t bytes = 0;
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    return bytes;
}

Result<std::vector<std::string>> Postgresql::databases(const std::string& prefix) {
    FAIRLEAD_TRY(
        text,
        psql(
            "postgres",
            fmt::format(
                "SELECT datname FROM pg_database WHERE starts_with(datname::text, {}) ORDER BY 1;",
                literal(prefix)
            ),
            quick
        )
    );
    return lines_of(text);
}

Result<std::vector<std::string>> Postgresql::extensions() {
    FAIRLEAD_TRY(
        text,
        psql(
            "postgres",
            "SELECT DISTINCT name FROM pg_available_extension_versions WHERE trusted ORDER BY "
            "1;",
            quick
        )
    );
    return lines_of(text);
}

Result<std::vector<std::string>> Postgresql::rows(
    const std::string& database, const std::string& role, const std::string& sql,
    std::chrono::seconds deadline
) {
    FAIRLEAD_TRY(text, psql_as(role, database, sql + ";", deadline));
    return lines_of(text);
}

} // namespace fairlead::host
