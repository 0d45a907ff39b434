#include "agent/backup/known.hpp"

#include "agent/archive/layout.hpp"
#include "agent/backup/catalogue.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_packs = 64 << 20;

struct Saved {
    std::vector<std::string> recipients;
    std::map<std::string, archive::PackInfo> packs;
};
BOOST_DESCRIBE_STRUCT(Saved, (), (recipients, packs))

} // namespace

Result<> Known::recall(Worker&) {
    FAIRLEAD_TRY(index, archive::Index::load(folder_ / "index"));
    FAIRLEAD_TRY(text, read_file(folder_ / "packs.json", largest_packs));
    FAIRLEAD_TRY(saved, json::decode<Saved>(text, json::Strictness::exact, largest_packs));
    index_ = std::move(index);
    packs_ = std::move(saved.packs);
    recipients_ = std::move(saved.recipients);
    return {};
}

bool Known::opens_for(std::vector<std::string> wanted) const {
    auto have = recipients_;
    std::ranges::sort(have);
    std::ranges::sort(wanted);
    return std::ranges::includes(have, wanted);
}

Result<> Known::learn(Worker& worker) {
    // Which packs it is that spoil a backup is not known.
    if (!worker.job.bad.empty()) return {};
    FAIRLEAD_TRY(backups, catalogue(worker));
    if (backups.empty()) return {};
    const auto& newest = backups.front().manifest;
    FAIRLEAD_TRY(table, file_table(worker, newest));
    index_.files = std::move(table);
    recipients_ = newest.recipients;
    for (const auto& pack : newest.filestore.packs)
        if (auto name = archive::pack_of_key(worker.job.environment_id, pack.object.key))
            packs_[*name] = pack;
    return {};
}

Result<Known> Known::load(Worker& worker) {
    Known known;
    // Beside the folder of one operation.
    known.folder_ = std::filesystem::path(worker.job.folder).parent_path() / "state";
    if (!known.recall(worker)) {
        known.forget();
        if (auto learned = known.learn(worker); !learned) {
            const auto& code = learned.error().code();
            if (code != "backup_key_wrong" && code != "backup_damaged")
                return fail(learned.error());
            worker.say.warn(fmt::format(
                "What the bucket has of the files cannot be told, so all are sent anew: {}",
                learned.error().message()
            ));
            known.forget();
        }
    }
    // Whoever is to open the next backup must be able to open all of its packs.
    if (!worker.job.recipients.empty()) {
        if (!known.opens_for(worker.job.recipients)) known.forget();
        known.recipients_ = worker.job.recipients;
    }
    std::map<std::string, std::uint64_t, std::less<>> there;
    FAIRLEAD_CHECK(worker.bucket.list(
        archive::packs_prefix(worker.job.environment_id),
        [&](const bucket::Object& object) -> Result<> {
            if (auto name = archive::pack_of_key(worker.job.environment_id, object.key))
                there.emplace(*name, object.bytes);
            return {};
        }
    ));
    known.keep_packs([&](std::string_view name) {
        auto listed = there.find(name);
        auto remembered = known.packs_.find(std::string(name));
        return listed != there.end() && remembered != known.packs_.end() &&
               listed->second == remembered->second.object.bytes;
    });
    return known;
}

void Known::keep_packs(const std::function<bool(std::string_view)>& keep) {
    index_.files.keep_packs(keep);
    std::erase_if(packs_, [&](const auto& pack) { return !keep(pack.first); });
}

std::optional<archive::FileEntry> Known::entry(const std::string& path, std::uint64_t size) const {
    if (!index_.find(path, size)) return std::nullopt;
    return index_.files.find(path);
}

Result<archive::PackInfo> Known::pack(const std::string& name) const {
    auto found = packs_.find(name);
    if (found == packs_.end())
        return fail(Errc::internal, fmt::format("Nothing is known of the pack {}.", name));
    return found->second;
}

void Known::add(
    const std::string& name, archive::PackInfo info, const std::vector<archive::FileEntry>& members
) {
    for (const auto& entry : members) added_.add(entry);
    packs_.insert_or_assign(name, std::move(info));
}

Result<> Known::save() {
    FAIRLEAD_CHECK(added_.each([&](const archive::FileEntry& entry) -> Result<> {
        index_.files.add(entry);
        return {};
    }));
    added_ = {};
    // The packs first: an index that names one more pack than these know would be of no use.
    FAIRLEAD_CHECK(
        write_file(folder_ / "packs.json", json::encode(Saved{recipients_, packs_}), 0600)
    );
    return index_.save(folder_ / "index");
}

} // namespace fairlead::backup
