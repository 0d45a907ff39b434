#include "agent/imports/load.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/program.hpp"

#include <fmt/core.h>

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace fairlead::imports {
namespace {

/// Says one thing before all that comes, and one after it.
class Framed final : public Sink {
public:
    Framed(Sink& out, std::string first, std::string last)
        : out_(out), first_(std::move(first)), last_(std::move(last)) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        FAIRLEAD_CHECK(begin());
        return out_.write(bytes);
    }
    Result<> finish() override {
        FAIRLEAD_CHECK(begin());
        FAIRLEAD_CHECK(out_.write(last_));
        return out_.finish();
    }

private:
    Result<> begin() {
        if (first_.empty()) return {};
        auto text = std::exchange(first_, {});
        return out_.write(text);
    }

    Sink& out_;
    std::string first_, last_;
};

} // namespace

std::string version_in(std::string_view text) {
    auto at = text.find_first_of("0123456789");
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at);
    return std::string(text.substr(0, std::min(text.find_first_not_of("0123456789."), text.size()))
    );
}

bool can_restrict(std::string_view text) {
    auto version = version_in(text);
    int major = 0, minor = 0;
    auto [end, bad] = std::from_chars(version.data(), version.data() + version.size(), major);
    if (bad != std::errc()) return false;
    if (end != version.data() + version.size())
        std::from_chars(end + 1, version.data() + version.size(), minor);
    // PostgreSQL's releases of 2025-08-14 (CVE-2025-8714).
    constexpr std::pair<int, int> first[] = {{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}};
    for (const auto& [since, with] : first)
        if (major == since) return minor >= with;
    return major >= 18;
}

std::string explain_psql(std::string_view said) {
    if (said.find("backslash commands are restricted") != std::string_view::npos) return {};
    auto at = said.find("ERROR:");
    if (at == std::string_view::npos) at = said.find("FATAL:");
    if (at == std::string_view::npos) return "psql ended before the dump did";
    auto rest = said.substr(at + 6);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    auto state = rest.substr(0, 5);
    if (state.size() != 5 || !std::ranges::all_of(state, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        }))
        return "psql ended before the dump did";
    static const std::map<std::string_view, std::string_view> reasons = {
        {"0A000", "an extension is not installed on this server, or something is not supported"},
        {"42501", "it asks for more rights than a database's owner has"},
        {"42704",
         "it names a role, a type or a setting that this server does not know; it may be of "
         "a newer PostgreSQL"},
        {"42883", "it uses a function that this server does not have"},
        {"42601", "it is no SQL that this PostgreSQL understands"},
        {"42710", "it makes something twice"},
        {"42P07", "it makes a table twice"},
        {"58P01", "an extension is not installed on this server"},
        {"53100", "the disk is full"},
        {"57014", "it was cancelled"},
        {"22P02", "a value is not of its column's type"},
        {"22021", "a text is in another encoding than it says"},
        {"23505", "a unique value is there twice"}};
    auto line = said.substr(0, at);
    auto where = line.rfind("<stdin>:");
    std::string place;
    if (where != std::string_view::npos) {
        auto digits = line.substr(where + 8);
        digits = digits.substr(0, std::min(digits.find_first_not_of("0123456789"), digits.size()));
        if (!digits.empty()) place = fmt::format(" at line {}", digits);
    }
    auto reason = reasons.find(state);
    return fmt::format(
        "PostgreSQL refused it{} with {}{}", place, state,
        reason == reasons.end() ? "" : fmt::format(": {}", reason->second)
    );
}

Result<> load_database(
    Source& source, const std::string& database, const Progress& progress, std::stop_token stop
) {
    Command ask;
    ask.argv = {"psql", "--version"};
    FAIRLEAD_TRY(version, run_ok(ask));
    if (!can_restrict(version))
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "psql {} of this server cannot read a foreign dump safely: update its packages "
                    "(apt upgrade), so that it is 13.22, 14.19, 15.14, 16.10, 17.6 or newer.",
                    version_in(version)
                )
            )
                .with_code("import_psql_old")
        );
    Command command;
    command.argv = {
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--set=VERBOSITY=sqlstate",
        "--set=SHOW_CONTEXT=never",
        "--file=-",
        "--dbname=" + database};
    command.environment = {
        {"HOME", "/nonexistent"},
        {"PGCONNECT_TIMEOUT", "10"},
        {"PGOPTIONS", "-c client_min_messages=error"}};
    command.deadline = std::chrono::hours(24);
    command.output_limit = 64 << 10;
    // What a query answers is the customer's, and nobody's to read.
    command.output_to = std::make_shared<Descriptor>(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    // From here on psql takes no word but SQL, until this token, which nobody can guess.
    auto token = crypto::hex_encode(crypto::random_bytes(24));
    IntoProgram psql(std::move(command), "import_load_failed");
    Framed framed(
        psql, fmt::format("\\restrict {}\n", token), fmt::format("\n\\unrestrict {}\n", token)
    );
    ForeignWords judge;
    SqlLines lines(framed, judge);
    auto loaded = source.sql(lines, progress);
    if (stop.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (loaded || loaded.error().code() != "import_load_failed") return loaded;
    auto reason = explain_psql(psql.said());
    if (reason.empty())
        return fail(
            Error(
                Errc::invalid,
                "The dump gives commands to the program that reads it, which no dump needs: "
                "it was refused there, and nothing of it is used."
            )
                .with_code("import_command_refused")
        );
    return fail(Error(Errc::conflict, fmt::format("The dump cannot be loaded: {}.", reason))
                    .with_code("import_load_failed"));
}

} // namespace fairlead::imports
