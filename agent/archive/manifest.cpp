#include "agent/archive/manifest.hpp"

#include "agent/archive/damaged.hpp"
#include "agent/archive/layout.hpp"
#include "common/crypto/age.hpp"
#include "common/json/json.hpp"
#include "common/runtime/clock.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace fairlead::archive {
namespace {

constexpr std::size_t max_modules = 5'000;
constexpr std::size_t max_lines = 5'000; ///< of commits, packages, rows
constexpr std::size_t max_word = 1'000;  ///< bytes of one

/// The first thing that is wrong with a manifest, as the end of a sentence.
class Check {
public:
    void that(bool holds, const std::string& otherwise) {
        if (!holds && !wrong_) wrong_ = otherwise;
    }
    const std::optional<std::string>& wrong() const { return wrong_; }

private:
    std::optional<std::string> wrong_;
};

bool is_sha256(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check_object(Check& check, const StoredObject& object, const std::string& key) {
    check.that(object.key == key, "the object '" + object.key + "' should be '" + key + "'");
    check.that(is_sha256(object.sha256), "the hash of " + key + " is none");
    check.that(object.bytes > 0, key + " is empty");
}

void check_packs(Check& check, const Manifest& manifest) {
    const auto& store = manifest.filestore;
    check.that(store.packs.size() <= manifest_max_packs, "it has too many packs");
    std::set<std::string_view> seen;
    std::uint64_t files = 0, bytes = 0;
    for (const auto& pack : store.packs) {
        auto name = pack_of_key(manifest.environment.id, pack.object.key);
        check.that(name.has_value(), "'" + pack.object.key + "' is no pack of this environment");
        if (!name) return;
        check_object(check, pack.object, pack_key(manifest.environment.id, *name));
        check.that(seen.insert(pack.object.key).second, pack.object.key + " is there twice");
        bool overflown = __builtin_add_overflow(files, pack.files, &files) ||
                         __builtin_add_overflow(bytes, pack.content_bytes, &bytes);
        check.that(!overflown, "its packs hold impossibly much");
    }
    check.that(
        store.files <= files && store.bytes <= bytes, "its packs hold less than its filestore has"
    );
    check.that(store.mismatched <= store.files, "it has more wrong files than files");
}

void check_environment(Check& check, const EnvironmentFacts& facts) {
    check.that(EnvironmentId::parse(facts.id).has_value(), "environment.id is none");
    check.that(
        facts.commits.size() <= max_lines && facts.python_packages.size() <= max_lines &&
            facts.modules.size() <= max_modules,
        "the lists of its environment are too long"
    );
    for (const auto& text : {facts.slug, facts.name, facts.odoo_version, facts.python_version})
        check.that(text.size() <= max_word, "a text of its environment is too long");
}

Check check(const Manifest& manifest) {
    Check check;
    check_environment(check, manifest.environment);
    check.that(is_backup_id(manifest.id), "id is none");
    if (check.wrong()) return check;

    auto started = from_rfc3339(manifest.started_at), finished = from_rfc3339(manifest.finished_at);
    check.that(
        started && finished && *started <= *finished, "started_at and finished_at make no sense"
    );
    const auto& environment = manifest.environment.id;
    const auto& database = manifest.database;
    check_object(check, database.object, database_key(environment, manifest.id));
    check.that(database.dump_format == "custom", "database.dump_format is not 'custom'");
    check.that(database.rows.size() <= max_lines, "database.rows is too long");
    check_object(check, manifest.filestore.list, files_key(environment, manifest.id));
    check_packs(check, manifest);
    check.that(
        !manifest.recipients.empty() && manifest.recipients.size() <= crypto::age_max_recipients,
        "it has no recipients or too many"
    );
    for (const auto& recipient : manifest.recipients)
        check.that(crypto::Recipient::parse(recipient).has_value(), "a recipient is none");
    return check;
}

Result<> check_format(const boost::json::value& document) {
    auto object = document.if_object();
    auto format = object ? object->if_contains("format") : nullptr;
    if (!format || !(format->is_int64() || format->is_uint64()))
        return damaged("The backup's manifest is damaged: it names no format.");
    if (*format == boost::json::value(manifest_format)) return {};
    return fail(Error(
                    Errc::invalid, "The backup has format " + json::serialize(*format) +
                                       ", and this Fairlead knows " +
                                       std::to_string(manifest_format) +
                                       ". Use a newer fairlead-agent."
    )
                    .with_code("backup_format_unknown"));
}

std::int64_t ms_of(const std::string& text) {
    auto at = from_rfc3339(text);
    return at ? to_ms(*at) : 0;
}

} // namespace

std::string write_manifest(const Manifest& manifest) {
    return json::encode(manifest);
}

Result<Manifest> read_manifest(std::string_view text) {
    auto document = json::parse(text, manifest_limit);
    if (!document)
        return damaged("The backup's manifest is damaged: " + document.error().message());
    FAIRLEAD_CHECK(check_format(*document));
    auto manifest = json::from_value<Manifest>(*document, json::Strictness::exact);
    if (!manifest)
        return damaged("The backup's manifest is damaged: " + manifest.error().message());
    if (auto wrong = check(*manifest).wrong())
        return damaged("The backup's manifest is damaged: " + *wrong + ".");
    return std::move(*manifest);
}

proto::BackupInfo info_of(const Manifest& manifest, std::string storage_id) {
    proto::BackupInfo info;
    info.id = manifest.id;
    info.kind = manifest.kind;
    info.started_at_ms = ms_of(manifest.started_at);
    info.finished_at_ms = ms_of(manifest.finished_at);
    info.storage_id = std::move(storage_id);
    info.odoo_version = manifest.environment.odoo_version;
    info.release = manifest.environment.release;
    info.postgresql_version = manifest.postgresql_version;
    info.database_bytes = manifest.database.logical_bytes;
    info.dump_bytes = manifest.database.object.bytes;
    info.files = manifest.filestore.files;
    info.file_bytes = manifest.filestore.bytes;
    for (const auto& pack : manifest.filestore.packs) info.packed_bytes += pack.object.bytes;
    info.sent_bytes = manifest.sent_bytes;
    info.missing_files = manifest.filestore.missing;
    info.recipients = manifest.recipients;
    return info;
}

} // namespace fairlead::archive
