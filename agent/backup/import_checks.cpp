#include "agent/backup/import_checks.hpp"

#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"
#include "agent/odoo/odoo.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fairlead::backup {
namespace {

using proto::CheckResult;

constexpr std::size_t most_named = 20;

std::string named(std::vector<std::string> names) {
    auto more = names.size() > most_named ? names.size() - most_named : 0;
    names.resize(names.size() - more);
    auto text = fmt::format("{}", fmt::join(names, ", "));
    return more == 0 ? text : text + fmt::format(" and {} more", more);
}

struct Finding {
    CheckResult result = CheckResult::passed;
    std::string value, need, remedy;
};

void add(proto::ImportAnalysis& found, std::string id, std::string title, Finding finding) {
    proto::Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.result = finding.result;
    check.value = std::move(finding.value);
    check.need = std::move(finding.need);
    if (finding.result != CheckResult::passed) check.remedy = std::move(finding.remedy);
    found.checks.push_back(std::move(check));
}

CheckResult passed(bool good, CheckResult otherwise = CheckResult::failed) {
    return good ? CheckResult::passed : otherwise;
}

} // namespace

Room room_of(const proto::ImportAnalysis& found) {
    // Indexes make a database larger than its text.
    return {found.database_bytes + found.database_bytes / 2, found.file_bytes};
}

void judge(proto::ImportAnalysis& found, const Target& target) {
    found.checks.clear();
    add(found, "version", "Version of Odoo",
        {passed(found.odoo_version == target.odoo_version), found.odoo_version, target.odoo_version,
         fmt::format(
             "Import it into an environment of Odoo {}, and upgrade there.", found.odoo_version
         )});
    std::vector<std::string> missing;
    for (auto& module : found.modules) {
        module.missing = !std::ranges::binary_search(target.modules, module.name);
        if (module.missing) missing.push_back(module.name);
    }
    add(found, "modules", "Modules",
        {passed(missing.empty()),
         missing.empty() ? fmt::format("{} modules, all of them there", found.modules.size())
                         : fmt::format("missing: {}", named(missing)),
         "",
         fmt::format(
             "Add the repositories that have them to the project and deploy {}, or uninstall "
             "them where the data come from.",
             target.slug
         )});
    auto theirs = odoo::major_version(found.postgresql_version);
    auto ours = odoo::major_version(target.postgresql_version);
    add(found, "postgresql", "Version of PostgreSQL",
        {passed(theirs <= ours), found.postgresql_version, target.postgresql_version + " or older",
         fmt::format(
             "Use a server with PostgreSQL {} or newer: what a newer one wrote, an older one may "
             "not "
             "read.",
             theirs
         )});
    std::vector<std::string> lacking;
    for (const auto& extension : found.extensions)
        if (!std::ranges::binary_search(target.extensions, extension)) lacking.push_back(extension);
    if (!found.extensions.empty())
        add(found, "extensions", "Extensions of PostgreSQL",
            {passed(lacking.empty()),
             lacking.empty() ? named(found.extensions) : fmt::format("missing: {}", named(lacking)),
             "",
             "Install their packages on the server; what only a superuser may make, drop where the "
             "data come from (DROP EXTENSION)."});
    bool some = found.files > 0 || found.attachments == 0;
    add(found, "filestore", "Attached files",
        {passed(some && found.missing_files == 0, CheckResult::warning),
         some ? fmt::format("{} files of {}", found.files, deploy::human(found.file_bytes)) +
                    (found.missing_files == 0
                         ? ""
                         : fmt::format(", and {} that are named are missing", found.missing_files))
              : fmt::format("none, and the database names {}", found.attachments),
         "",
         "Attachments and pictures whose files are missing will not open. Bring the whole "
         "filestore, "
         "if there is one."});
    auto room = room_of(found);
    auto lack = backup::lacking(target.disks, room);
    const auto& disk = lack ? lack->disk : target.disks.files;
    add(found, "disk", "Disk space",
        {passed(!lack),
         fmt::format(
             "{} free on the disk of {}", deploy::human(disk.free_bytes), disk.path.string()
         ),
         deploy::human(lack ? lack->need : room.database + room.files),
         "Free space on that disk: the present data stay until the end."});
    found.fits = std::ranges::none_of(found.checks, [](const proto::Check& check) {
        return check.result == CheckResult::failed;
    });
}

Result<>
compare(proto::ImportAnalysis& found, deploy::Hands& hands, const std::string& environment_id) {
    FAIRLEAD_TRY(record, deploy::find_environment(hands.place(), environment_id));
    FAIRLEAD_TRY(release, deploy::load_release(hands.place(), record.live));
    Target target;
    target.slug = record.slug;
    target.odoo_version = release.environment.odoo_version;
    for (const auto& [name, hash] : release.modules) target.modules.push_back(name);
    FAIRLEAD_TRY(version, hands.postgresql().version());
    target.postgresql_version = version;
    FAIRLEAD_TRY(extensions, hands.postgresql().extensions());
    target.extensions = std::move(extensions);
    std::ranges::sort(target.extensions);
    FAIRLEAD_TRY(disks, disks_of(hands));
    target.disks = std::move(disks);
    judge(found, target);
    return {};
}

} // namespace fairlead::backup
