#include "agent/archive/file_list.hpp"
#include "agent/archive/tar.hpp"
#include "common/crypto/encoding.hpp"

#include <algorithm>
#include <stdexcept>

namespace fairlead::archive {
namespace {

constexpr std::size_t max_packs = 1'000'000;

/// Sorts so that of equals the later one is left.
template <class T, class Less>
void sort_unique(std::vector<T>& list, Less less) {
    std::stable_sort(list.begin(), list.end(), less);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (kept > 0 && !less(list[kept - 1], list[i])) --kept;
        list[kept++] = list[i];
    }
    list.resize(kept);
}

} // namespace

std::string print_hash(const ContentHash& hash) {
    if (auto sha1 = std::get_if<crypto::Sha1::Digest>(&hash))
        return "sha1:" +
               crypto::hex_encode({reinterpret_cast<const char*>(sha1->data()), sha1->size()});
    return "sha256:" + std::get<crypto::Digest>(hash).hex();
}

std::optional<crypto::Sha1::Digest> name_hash(std::string_view path) {
    if (path.size() != 43 || path[2] != '/' || path.substr(0, 2) != path.substr(3, 2))
        return std::nullopt;
    crypto::Sha1::Digest digest;
    if (!crypto::hex_decode(path.substr(3), digest)) return std::nullopt;
    return digest;
}

bool FileEntry::named_by_content() const {
    auto sha1 = std::get_if<crypto::Sha1::Digest>(&hash);
    return sha1 && name_hash(path) == *sha1;
}

void FileTable::add(const FileEntry& entry) {
    if (named_.size() + others_.size() >= max_files)
        throw std::length_error("a file table is full");
    if (!is_safe_name(entry.path)) throw std::logic_error("a file table takes safe paths only");
    sorted_ = false;
    auto pack = pack_number(entry.pack);
    if (entry.named_by_content()) {
        named_.push_back({std::get<crypto::Sha1::Digest>(entry.hash), pack, entry.size});
        return;
    }
    Other other{};
    other.path_at = paths_.size();
    other.path_size = static_cast<std::uint16_t>(entry.path.size());
    other.size = entry.size;
    other.pack = pack;
    if (auto sha1 = std::get_if<crypto::Sha1::Digest>(&entry.hash)) {
        std::copy(sha1->begin(), sha1->end(), other.hash.begin());
    } else {
        other.is_sha256 = true;
        other.hash = std::get<crypto::Digest>(entry.hash).bytes;
    }
    paths_ += entry.path;
    others_.push_back(other);
}

std::uint32_t FileTable::pack_number(std::string_view name) {
    // Files come pack by pack.
    if (last_pack_ < packs_.size() && packs_[last_pack_] == name) return last_pack_;
    auto found = pack_numbers_.find(name);
    if (found == pack_numbers_.end()) {
        if (packs_.size() >= max_packs) throw std::length_error("a file table has too many packs");
        found = pack_numbers_.emplace(name, static_cast<std::uint32_t>(packs_.size())).first;
        packs_.emplace_back(name);
    }
    return last_pack_ = found->second;
}

std::string_view FileTable::path_of(const Other& other) const {
    return std::string_view(paths_).substr(other.path_at, other.path_size);
}

void FileTable::sort() const {
    if (sorted_) return;
    sort_unique(named_, [](const Named& a, const Named& b) { return a.sha1 < b.sha1; });
    sort_unique(others_, [&](const Other& a, const Other& b) { return path_of(a) < path_of(b); });
    std::erase_if(others_, [&](const Other& file) {
        auto sha1 = name_hash(path_of(file));
        return sha1 && find_named(*sha1);
    });
    counts_.assign(packs_.size(), 0);
    for (const auto& file : named_) ++counts_[file.pack];
    for (const auto& file : others_) ++counts_[file.pack];
    sorted_ = true;
}

FileEntry FileTable::entry_of(const Named& named) const {
    auto name =
        crypto::hex_encode({reinterpret_cast<const char*>(named.sha1.data()), named.sha1.size()});
    return {name.substr(0, 2) + "/" + name, named.size, named.sha1, packs_[named.pack]};
}

FileEntry FileTable::entry_of(const Other& other) const {
    FileEntry entry{std::string(path_of(other)), other.size, {}, packs_[other.pack]};
    if (other.is_sha256) {
        entry.hash = crypto::Digest{other.hash};
    } else {
        crypto::Sha1::Digest sha1;
        std::copy_n(other.hash.begin(), sha1.size(), sha1.begin());
        entry.hash = sha1;
    }
    return entry;
}

std::optional<FileEntry> FileTable::find(std::string_view path) const {
    sort();
    auto other = std::lower_bound(
        others_.begin(), others_.end(), path,
        [&](const Other& file, std::string_view wanted) { return path_of(file) < wanted; }
    );
    if (other != others_.end() && path_of(*other) == path) return entry_of(*other);
    auto sha1 = name_hash(path);
    if (!sha1) return std::nullopt;
    auto named = find_named(*sha1);
    return named ? std::optional(entry_of(*named)) : std::nullopt;
}

const FileTable::Named* FileTable::find_named(const crypto::Sha1::Digest& sha1) const {
    auto found = std::lower_bound(
        named_.begin(), named_.end(), sha1,
        [](const Named& file, const crypto::Sha1::Digest& wanted) { return file.sha1 < wanted; }
    );
    return found != named_.end() && found->sha1 == sha1 ? &*found : nullptr;
}

std::size_t FileTable::size() const {
    sort();
    return named_.size() + others_.size();
}

std::uint64_t FileTable::content_bytes() const {
    sort();
    std::uint64_t sum = 0;
    for (const auto& file : named_) sum += file.size;
    for (const auto& file : others_) sum += file.size;
    return sum;
}

Result<> FileTable::each(const std::function<Result<>(const FileEntry&)>& visit) const {
    sort();
    for (const auto& file : named_) FAIRLEAD_CHECK(visit(entry_of(file)));
    for (const auto& file : others_) FAIRLEAD_CHECK(visit(entry_of(file)));
    return {};
}

std::vector<std::string> FileTable::packs() const {
    sort();
    std::vector<std::string> used;
    for (std::size_t i = 0; i < packs_.size(); ++i)
        if (counts_[i] > 0) used.push_back(packs_[i]);
    return used;
}

std::size_t FileTable::files_in(std::string_view pack) const {
    sort();
    auto found = pack_numbers_.find(pack);
    return found == pack_numbers_.end() ? 0 : counts_[found->second];
}

void FileTable::keep_packs(const std::function<bool(std::string_view pack)>& keep) {
    std::vector<bool> kept;
    kept.reserve(packs_.size());
    for (const auto& pack : packs_) kept.push_back(keep(pack));
    auto gone = [&](const auto& file) { return !kept[file.pack]; };
    std::erase_if(named_, gone);
    std::erase_if(others_, gone);
    sorted_ = false;
}

std::size_t FileTable::memory_bytes() const {
    auto packs = packs_.capacity() * sizeof(std::string) + packs_.size() * 2 * 40 +
                 pack_numbers_.size() * (sizeof(std::string) + 48);
    return named_.capacity() * sizeof(Named) + others_.capacity() * sizeof(Other) +
           paths_.capacity() + packs + counts_.capacity() * sizeof(std::size_t);
}

} // namespace fairlead::archive
