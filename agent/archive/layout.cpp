#include "agent/archive/layout.hpp"

namespace fairlead::archive {
namespace {

constexpr std::string_view pack_suffix = ".tar.zst.age";

std::string join(std::string_view environment_id, std::string_view rest) {
    return std::string(environment_id) + "/" + std::string(rest);
}

} // namespace

std::string backups_prefix(std::string_view environment_id) {
    return join(environment_id, "backups/");
}
std::string backup_prefix(std::string_view environment_id, std::string_view backup_id) {
    return backups_prefix(environment_id) + std::string(backup_id) + "/";
}
std::string manifest_key(std::string_view environment_id, std::string_view backup_id) {
    return backup_prefix(environment_id, backup_id) + "manifest.json";
}
std::string database_key(std::string_view environment_id, std::string_view backup_id) {
    return backup_prefix(environment_id, backup_id) + "database.dump.zst.age";
}
std::string files_key(std::string_view environment_id, std::string_view backup_id) {
    return backup_prefix(environment_id, backup_id) + "files.zst.age";
}
std::string packs_prefix(std::string_view environment_id) {
    return join(environment_id, "packs/");
}
std::string pack_key(std::string_view environment_id, std::string_view pack) {
    return packs_prefix(environment_id) + std::string(pack) + std::string(pack_suffix);
}
std::string grants_prefix(std::string_view environment_id, std::string_view backup_id) {
    return join(environment_id, "grants/") + std::string(backup_id) + "/";
}
std::string
grant_key(std::string_view environment_id, std::string_view backup_id, std::string_view recipient) {
    return grants_prefix(environment_id, backup_id) + std::string(recipient) + ".age";
}

bool is_backup_id(std::string_view text) {
    return text.starts_with("bak_") && is_ulid(text.substr(4));
}

std::optional<std::string> backup_of_key(std::string_view environment_id, std::string_view key) {
    auto prefix = backups_prefix(environment_id);
    if (!key.starts_with(prefix)) return std::nullopt;
    key.remove_prefix(prefix.size());
    auto end = key.find('/');
    if (end == std::string_view::npos || !is_backup_id(key.substr(0, end))) return std::nullopt;
    return std::string(key.substr(0, end));
}

std::optional<std::string> pack_of_key(std::string_view environment_id, std::string_view key) {
    auto prefix = packs_prefix(environment_id);
    if (!key.starts_with(prefix) || !key.ends_with(pack_suffix)) return std::nullopt;
    key.remove_prefix(prefix.size());
    if (key.size() < pack_suffix.size()) return std::nullopt;
    key.remove_suffix(pack_suffix.size());
    if (!PackId::parse(key)) return std::nullopt;
    return std::string(key);
}

} // namespace fairlead::archive
