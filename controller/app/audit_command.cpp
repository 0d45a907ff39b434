#include "controller/app/audit_command.hpp"

#include "common/store/connection.hpp"
#include "controller/app/installation.hpp"
#include "controller/app/schema.hpp"
#include "controller/audit/check.hpp"

#include <fmt/core.h>

#include <fstream>
#include <vector>

namespace fairlead::app {
namespace {

std::string praise(const audit::Verdict& verdict) {
    auto unsigned_yet = verdict.entries - verdict.signed_size;
    return fmt::format(
        "{}: {} entries are what was written, {} of them with their text{}{}", verdict.origin,
        verdict.entries, verdict.with_text,
        verdict.dropped > 0
            ? fmt::format("; those of the first {} were dropped in time", verdict.dropped)
            : "",
        unsigned_yet > 0 ? fmt::format("; the last {} are not signed yet", unsigned_yet) : ""
    );
}

Result<std::string> said_of(const std::vector<audit::Verdict>& verdicts) {
    std::string well, bad;
    auto line = [](std::string& into, const std::string& text) {
        if (!into.empty()) into += '\n';
        into += text;
    };
    for (const auto& verdict : verdicts) {
        for (const auto& finding : verdict.bad) line(bad, verdict.origin + ": " + finding);
        if (verdict.bad.empty()) line(well, praise(verdict));
    }
    if (!bad.empty()) return fail(Errc::conflict, bad);
    return well.empty() ? "There is no entry in any log yet." : well;
}

} // namespace

Result<std::string> verify_database(const Settings& settings, const std::string& key) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    store::Connection db(layout.database(), {.access = store::Access::read_only});
    FAIRLEAD_CHECK(expect_schema(db));
    FAIRLEAD_TRY(
        verifier, key.empty() ? audit::stored_verifier(db) : crypto::NoteVerifier::parse(key)
    );
    db.script("BEGIN"); // one moment of the database, which a controller may be writing to
    FAIRLEAD_TRY(verdicts, audit::check_database(db, verifier));
    return said_of(verdicts);
}

Result<std::string> verify_export(const std::filesystem::path& file, const std::string& key) {
    if (key.empty())
        return fail(
            Errc::invalid, "An export is checked with --key, the key that `audit key` and the "
                           "console show; the one in the file proves nothing."
        );
    FAIRLEAD_TRY(verifier, crypto::NoteVerifier::parse(key));
    std::ifstream lines(file, std::ios::binary);
    if (!lines) return fail(Errc::not_found, "The export " + file.string() + " cannot be read.");
    FAIRLEAD_TRY(verdict, audit::check_export(lines, verifier));
    return said_of({verdict});
}

Result<std::string> audit_key(const Settings& settings) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    store::Connection db(layout.database(), {.access = store::Access::read_only});
    FAIRLEAD_TRY(verifier, audit::stored_verifier(db));
    return verifier.str();
}

} // namespace fairlead::app
