#include "agent/deploy/site.hpp"

#include "agent/host/files.hpp"

namespace fairlead::deploy {
namespace {

namespace fs = std::filesystem;

/// Entries of a folder: a whole item is a folder with its "<name>.manifest" beside; both go, the
/// proof first.
Result<std::size_t> sweep(
    const fs::path& folder, const std::set<std::string>& used,
    const std::multiset<std::string>& pinned
) {
    std::set<fs::path> items;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        auto path = entry.path();
        auto extension = path.extension();
        if (extension == ".manifest" || extension == ".packages") path.replace_extension();
        items.insert(path);
    }
    std::size_t removed = 0;
    for (const auto& item : items) {
        if (used.contains(item.string()) || pinned.contains(item.string())) continue;
        // ".partial-<name>" belongs to the pin of <name>.
        auto name = item.filename().string();
        if (name.starts_with(".partial-") && pinned.contains((folder / name.substr(9)).string()))
            continue;
        for (const auto* suffix : {".manifest", ".packages"})
            fs::remove(item.string() + suffix, ignored);
        FAIRLEAD_CHECK(host::remove_tree(item));
        ++removed;
    }
    return removed;
}

} // namespace

Pins::~Pins() {
    release();
}

void Pins::add(const fs::path& path) {
    std::lock_guard lock(site_.mutex_);
    site_.pinned_.insert(path.string());
    paths_.insert(path.string());
}

void Pins::release() {
    std::lock_guard lock(site_.mutex_);
    for (const auto& path : paths_) site_.pinned_.erase(site_.pinned_.find(path));
    paths_.clear();
}

std::unique_lock<std::mutex> Site::lock(const std::string& name) {
    std::mutex* found = nullptr;
    {
        std::lock_guard lock(mutex_);
        auto& slot = locks_[name];
        if (!slot) slot = std::make_unique<std::mutex>();
        found = slot.get();
    }
    return std::unique_lock(*found);
}

Result<std::size_t> Site::collect_garbage() {
    // Held throughout: nobody pins what is being removed.
    std::lock_guard lock(mutex_);
    std::set<std::string> used;
    for (const auto& place : all_places(layout_)) {
        for (auto number : release_numbers(place)) {
            auto release = load_release(place, number);
            // A release without a readable record is not ours to judge: keep everything rather than
            // too little.
            if (!release && release.error().kind() != Errc::not_found) return fail(release.error());
            if (!release) continue;
            for (const auto& tree : release->trees)
                used.insert(layout_.tree(tree.key, tree.commit).string());
            used.insert(layout_.venv(release->venv).string());
        }
    }
    std::size_t removed = 0;
    std::error_code ignored;
    for (const auto& repository : fs::directory_iterator(layout_.trees(), ignored)) {
        FAIRLEAD_TRY(count, sweep(repository.path(), used, pinned_));
        removed += count;
        fs::remove(repository.path(), ignored); // only when empty
    }
    FAIRLEAD_TRY(count, sweep(layout_.venvs(), used, pinned_));
    return removed + count;
}

} // namespace fairlead::deploy
