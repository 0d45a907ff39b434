#include "agent/backup/snapshot.hpp"

#include "agent/odoo/odoo.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead::backup {
namespace {

/// Ends each answer; no row of ours can look like it, as rows are asked for with a mark before
/// them.
constexpr std::string_view last_line = "!end";
constexpr std::size_t longest_row = 64 << 10;

Result<> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return fail(Errc::internal, fmt::format("Cannot write: {}.", std::strerror(errno)));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::begin(const std::string& database) {
    std::unique_ptr<Snapshot> snapshot(new Snapshot);
    FAIRLEAD_CHECK(snapshot->start(database));
    return snapshot;
}

Result<> Snapshot::start(const std::string& database) {
    auto in = make_pipe(), out = make_pipe();
    input_ = std::move(in.write);
    output_ = std::move(out.read);
    Command command;
    command.argv = {
        "psql", "-X",     "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "FETCH_COUNT=1000",
        "-d",   database, "-f", "-"};
    command.environment = {
        {"HOME", "/nonexistent"},
        {"PGCONNECT_TIMEOUT", "10"},
        {"PGOPTIONS", "-c client_min_messages=error"}};
    command.deadline = std::chrono::hours(25);
    command.input_from = std::make_shared<Descriptor>(std::move(in.read));
    command.output_to = std::make_shared<Descriptor>(std::move(out.write));
    runner_ = std::thread([this, command] {
        ended_ = run(command);
        command.input_from->reset();
        command.output_to->reset();
    });
    FAIRLEAD_TRY(
        id, one("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
                "SELECT '+' || pg_export_snapshot();\n")
    );
    id_ = std::move(id);
    return {};
}

Snapshot::~Snapshot() {
    input_.reset();
    output_.reset();
    if (runner_.joinable()) runner_.join();
}

tl::unexpected<Error> Snapshot::failed() {
    input_.reset();
    output_.reset();
    if (runner_.joinable()) runner_.join();
    auto said = ended_ ? ended_->output : ended_.error().message();
    return fail(Error(Errc::internal, fmt::format("PostgreSQL ended the snapshot: {}", said))
                    .with_code("dump_failed"));
}

Result<>
Snapshot::ask(const std::string& sql, const std::function<Result<>(std::string_view)>& each) {
    auto text = sql + fmt::format("\\echo {}\n", last_line);
    if (!write_all(input_.get(), text)) return failed();
    std::array<char, 65536> block;
    for (;;) {
        std::size_t start = 0;
        for (auto end = pending_.find('\n'); end != std::string::npos;
             end = pending_.find('\n', start)) {
            auto line = std::string_view(pending_).substr(start, end - start);
            start = end + 1;
            if (line == last_line) {
                pending_.erase(0, start);
                return {};
            }
            // A value with a line feed in it goes on without a mark: it is none that we want.
            if (line.starts_with('+')) FAIRLEAD_CHECK(each(line.substr(1)));
        }
        pending_.erase(0, start);
        if (pending_.size() > longest_row) pending_.clear();
        auto got = ::read(output_.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failed();
        pending_.append(block.data(), static_cast<std::size_t>(got));
    }
}

Result<std::string> Snapshot::one(const std::string& sql) {
    std::string value;
    FAIRLEAD_CHECK(ask(sql, [&](std::string_view line) -> Result<> {
        value = line;
        return {};
    }));
    return value;
}

Result<std::uint64_t> Snapshot::number(const std::string& sql) {
    FAIRLEAD_TRY(text, one("SELECT '+' || (" + sql + ");\n"));
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return fail(Errc::internal, fmt::format("PostgreSQL said \"{}\" for a number.", text));
    return value;
}

Result<> Snapshot::count(archive::DatabasePart& part) {
    FAIRLEAD_TRY(bytes, number("SELECT pg_database_size(current_database())"));
    part.logical_bytes = bytes;
    FAIRLEAD_TRY(tables, number(odoo::table_count_query()));
    part.tables = tables;
    for (const auto& table : odoo::counted_tables()) {
        FAIRLEAD_TRY(
            there,
            number(fmt::format("SELECT count(*) FROM pg_class WHERE oid = to_regclass('{}')", table)
            )
        );
        if (there == 0) continue;
        FAIRLEAD_TRY(rows, number("SELECT count(*) FROM " + table));
        part.rows[table] = rows;
    }
    return {};
}

Result<> Snapshot::save_attachments(const std::filesystem::path& file) {
    Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)
    );
    if (!fd)
        return fail(
            Errc::internal, fmt::format("Cannot make {}: {}.", file.string(), std::strerror(errno))
        );
    FAIRLEAD_TRY(
        there, number("SELECT count(*) FROM pg_class WHERE oid = to_regclass('ir_attachment')")
    );
    if (there == 0) return {};
    std::string buffer;
    FAIRLEAD_CHECK(ask(
        fmt::format("SELECT '+' || store_fname FROM ({}) AS named;\n", odoo::attachments_query()),
        [&](std::string_view line) -> Result<> {
            buffer.append(line).append("\n");
            if (buffer.size() < 64 << 10) return {};
            auto written = write_all(fd.get(), buffer);
            buffer.clear();
            return written;
        }
    ));
    return write_all(fd.get(), buffer);
}

Result<> Snapshot::end() {
    FAIRLEAD_CHECK(one("COMMIT;\n"));
    return {};
}

} // namespace fairlead::backup
