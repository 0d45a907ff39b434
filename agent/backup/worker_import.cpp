// The source of an import, as the user that has nothing else: what is in it is not to be trusted.
#include "agent/backup/worker_parts.hpp"
#include "agent/imports/fetch.hpp"
#include "agent/imports/load.hpp"
#include "agent/policy/policy.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fairlead::backup {
namespace {

class Nowhere final : public Sink {
public:
    using Sink::write;
    Result<> write(std::span<const std::byte> given) override {
        bytes += given.size();
        return {};
    }
    Result<> finish() override { return {}; }

    std::uint64_t bytes = 0;
};

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

imports::Progress telling(Reporter& say) {
    return [&say](std::uint64_t done, std::uint64_t total, std::string_view unit) {
        say.progress(done, total, unit);
    };
}

Result<Answer> fetch(const Job& job, Reporter& say) {
    const auto& wanted = *job.import;
    auto url = proto::parse_source_url(wanted.url);
    if (!url)
        return failed(
            Errc::invalid, "import_url_refused", "The address " + url.error().message() + "."
        );
    FAIRLEAD_TRY(policy, policy::Policy::parse(wanted.policy, wanted.policy_name));
    imports::FetchRules rules;
    rules.domains = wanted.domains;
    rules.networks = policy.networks();
    rules.permit = [&](const proto::SourceUrl& next) { return policy.permit_import(next); };
    rules.max_bytes = wanted.max_bytes;
    Descriptor file(
        ::open(wanted.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
    );
    if (!file)
        return fail(
            Errc::internal, fmt::format("Cannot make {}: {}.", wanted.path, std::strerror(errno))
        );
    auto progress = [&](std::uint64_t done, std::uint64_t whole) {
        say.progress(done, std::max(done, whole));
    };
    FAIRLEAD_TRY(fetched, imports::fetch(*url, file.get(), rules, progress, {}));
    if (!wanted.sha256.empty() && fetched.sha256 != wanted.sha256)
        return failed(
            Errc::invalid, "import_checksum",
            fmt::format(
                "What was fetched has the SHA-256 {} and not {}: it is not the file that was "
                "meant.",
                fetched.sha256, wanted.sha256
            )
        );
    Answer answer;
    answer.bytes = fetched.bytes;
    answer.sha256 = fetched.sha256;
    return answer;
}

Result<imports::Source> open(const Job& job, std::string* fingerprint = nullptr) {
    const auto& wanted = *job.import;
    FAIRLEAD_TRY(file, imports::open_file(wanted.path, job.user));
    FAIRLEAD_TRY(print, imports::fingerprint(file.get()));
    if (!wanted.fingerprint.empty() && print != wanted.fingerprint)
        return failed(
            Errc::conflict, "import_changed",
            fmt::format("{} was changed since it was analysed: analyse it anew.", wanted.path)
        );
    if (fingerprint) *fingerprint = print;
    return imports::Source::open(std::move(file), wanted.filestore, job.user, {});
}

Result<Answer> look(const Job& job, Reporter& say) {
    Answer answer;
    FAIRLEAD_TRY(source, open(job, &answer.fingerprint));
    FAIRLEAD_TRY(files, source.look_at_files());
    imports::DumpFacts facts;
    imports::DumpReader reader(facts);
    Nowhere nowhere;
    imports::SqlLines lines(nowhere, reader);
    FAIRLEAD_CHECK(source.sql(lines, telling(say)));
    if (!facts.whole)
        return failed(
            Errc::invalid, "import_truncated",
            "The dump does not end as pg_dump ends one: it was cut. Make or copy it anew."
        );
    if (facts.odoo_version().empty())
        return failed(
            Errc::invalid, "import_not_odoo",
            "The dump has no list of Odoo's modules, so it is no database of Odoo's; or it was "
            "made "
            "with --inserts: make it without."
        );
    proto::ImportAnalysis found;
    found.format = source.format();
    found.odoo_version = facts.odoo_version();
    found.edition = facts.enterprise() ? "enterprise" : "community";
    found.postgresql_version = facts.server_version;
    found.source_bytes = source.bytes();
    found.database_bytes = nowhere.bytes;
    found.tables = facts.tables;
    found.attachments = facts.attachments.size();
    found.files = files.files;
    found.file_bytes = files.bytes;
    found.missing_files = facts.attachments.lacking(files.keys).value_or(0);
    for (const auto& [name, version] : facts.modules)
        found.modules.push_back({name, version, false});
    found.extensions = facts.extensions;
    answer.analysis = std::move(found);
    return answer;
}

Result<Answer> load(const Job& job, Reporter& say) {
    FAIRLEAD_TRY(source, open(job));
    FAIRLEAD_CHECK(imports::load_database(source, job.database, telling(say), {}));
    return Answer{};
}

Result<Answer> files(const Job& job, Reporter& say) {
    FAIRLEAD_TRY(source, open(job));
    auto path = std::filesystem::path(job.folder) / "files";
    if (::mkdir(path.c_str(), 0700) != 0)
        return fail(
            Errc::internal, fmt::format("Cannot make {}: {}.", path.string(), std::strerror(errno))
        );
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder)
        return fail(
            Errc::internal, fmt::format("Cannot open {}: {}.", path.string(), std::strerror(errno))
        );
    FAIRLEAD_TRY(altered, source.copy_files(folder.get(), telling(say)));
    if (altered > 0)
        say.warn(fmt::format(
            "{} files of the filestore are not what their names say: they were damaged already "
            "where "
            "they come from.",
            altered
        ));
    return Answer{};
}

} // namespace

Result<Answer> import_task(const Job& job, Reporter& say) {
    // No program that is started from here, and no hole in one, gets any right back.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(Errc::internal, "The worker cannot give its rights up.");
    switch (job.task) {
    case Task::import_fetch:
        return fetch(job, say);
    case Task::import_look:
        return look(job, say);
    case Task::import_load:
        return load(job, say);
    case Task::import_files:
        return files(job, say);
    default:
        return fail(Errc::internal, "That is no task of an import.");
    }
}

} // namespace fairlead::backup
