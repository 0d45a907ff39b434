#include "agent/imports/dump_facts.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::imports {
namespace {

constexpr std::size_t none = std::string_view::npos;

std::string after(std::string_view line, std::string_view words) {
    if (!line.starts_with(words)) return {};
    line.remove_prefix(words.size());
    // "15.18 (Debian 15.18-0+deb12u1)"
    return std::string(line.substr(0, std::min<std::size_t>(line.find(' '), 40)));
}

bool plain(std::string_view text, std::size_t most) {
    return !text.empty() && text.size() <= most && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.' || c == '~' || c == '+';
    });
}

std::string_view cell(std::string_view row, std::size_t wanted) {
    for (std::size_t at = 0; at < wanted; ++at) {
        auto tab = row.find('\t');
        if (tab == none) return {};
        row.remove_prefix(tab + 1);
    }
    return row.substr(0, row.find('\t'));
}

bool installed(std::string_view state) {
    return state == "installed" || state == "to upgrade" || state == "to remove" ||
           state == "to install";
}

tl::unexpected<Error> too_many(std::string_view what, std::size_t most) {
    return fail(Error(
                    Errc::invalid, "The dump has more than " + std::to_string(most) + " " +
                                       std::string(what) + ": it is no database of Odoo."
    )
                    .with_code("import_not_odoo"));
}

} // namespace

std::optional<FileKey> file_key(std::string_view path) {
    if (path.size() != 43 || path[2] != '/' || path.substr(0, 2) != path.substr(3, 2))
        return std::nullopt;
    auto name = path.substr(3);
    if (!std::ranges::all_of(name, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }))
        return std::nullopt;
    FileKey key = 0;
    std::from_chars(name.data(), name.data() + 16, key, 16);
    return key;
}

void FileSet::add(FileKey key) {
    if (keys_.size() >= limit_ && beyond_ == 0) {
        settle(); // many rows may name one file
        // What hardly shrank is full: sorting for each one more would take for ever.
        if (keys_.size() > limit_ - limit_ / 10) limit_ = keys_.size();
    }
    if (keys_.size() >= limit_) {
        ++beyond_;
        return;
    }
    keys_.push_back(key);
    settled_ = false;
}

void FileSet::settle() {
    if (settled_) return;
    std::ranges::sort(keys_);
    auto twice = std::ranges::unique(keys_);
    keys_.erase(twice.begin(), twice.end());
    settled_ = true;
}

std::uint64_t FileSet::size() {
    settle();
    return keys_.size() + beyond_;
}

std::optional<std::uint64_t> FileSet::lacking(FileSet& other) {
    settle();
    other.settle();
    if (beyond_ != 0 || other.beyond_ != 0) return std::nullopt;
    std::uint64_t count = 0;
    for (auto key : keys_)
        if (!std::ranges::binary_search(other.keys_, key)) ++count;
    return count;
}

std::string series_of(std::string_view version) {
    bool saas = version.starts_with("saas~") || version.starts_with("saas-");
    if (saas) version.remove_prefix(5);
    auto first = version.find('.');
    if (first == none) return {};
    auto second = version.find('.', first + 1);
    auto series = version.substr(0, second);
    if (!std::ranges::all_of(series, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }) ||
        series.size() > 8)
        return {};
    return (saas ? "saas-" : "") + std::string(series);
}

std::string DumpFacts::odoo_version() const {
    auto base = modules.find("base");
    return base == modules.end() ? std::string() : series_of(base->second);
}

bool DumpFacts::enterprise() const {
    return modules.contains("web_enterprise");
}

std::size_t DumpReader::column(std::string_view name) const {
    auto at = std::ranges::find(columns_, name);
    return at == columns_.end() ? none : static_cast<std::size_t>(at - columns_.begin());
}

Result<Keep> DumpReader::statement(std::string_view head, bool whole) {
    if (!whole) return Keep::yes;
    if (auto version = after(head, "-- Dumped from database version "); !version.empty())
        facts_.server_version = version;
    else if (auto tool = after(head, "-- Dumped by pg_dump version "); !tool.empty())
        facts_.dump_version = tool;
    else if (head == "-- PostgreSQL database dump complete")
        facts_.whole = true;
    else if (head.starts_with("CREATE TABLE "))
        ++facts_.tables;
    else if (auto name = after(head, "CREATE EXTENSION IF NOT EXISTS "); plain(name, 63)) {
        if (facts_.extensions.size() == most_extensions)
            return too_many("extensions", most_extensions);
        facts_.extensions.push_back(name);
    }
    table_ = Table::other;
    auto table = copied_table(head);
    if (table == "ir_module_module") table_ = Table::modules;
    if (table == "ir_attachment") table_ = Table::attachments;
    if (table_ == Table::other) return Keep::yes;
    columns_.clear();
    auto rest = copied_columns(head);
    for (bool more = true; more && columns_.size() < 2000;) {
        auto comma = rest.find(", ");
        columns_.emplace_back(rest.substr(0, comma));
        more = comma != none;
        if (more) rest.remove_prefix(comma + 2);
    }
    return Keep::yes;
}

Result<> DumpReader::row(std::string_view head, bool) {
    if (table_ == Table::modules) {
        auto name = cell(head, column("name"));
        auto state = cell(head, column("state"));
        if (!installed(state) || !plain(name, 100)) return {};
        auto version = cell(head, column("latest_version"));
        if (facts_.modules.size() == most_modules) return too_many("modules", most_modules);
        facts_.modules[std::string(name)] = plain(version, 40) ? std::string(version) : "";
    } else if (table_ == Table::attachments) {
        auto at = column("store_fname");
        if (at == none) return {};
        if (auto key = file_key(cell(head, at))) facts_.attachments.add(*key);
    }
    return {};
}

Result<Keep> ForeignWords::statement(std::string_view line, bool whole) {
    if (!whole) return Keep::yes;
    // Each only as pg_dump writes it: a whole statement on one line.
    bool ends = line.ends_with(';');
    if (ends && line.starts_with("ALTER ") && line.find(" OWNER TO ") != none) return Keep::no;
    if (ends && (line.starts_with("GRANT ") || line.starts_with("REVOKE ") ||
                 line.starts_with("ALTER DEFAULT PRIVILEGES ")))
        return Keep::no;
    // The schema and the language that every new database has already.
    if (line == "CREATE SCHEMA public;" || line.starts_with("COMMENT ON SCHEMA public ") ||
        line.starts_with("COMMENT ON EXTENSION "))
        return Keep::no;
    // A newer pg_dump says it also of an older server, which does not know it.
    if (line == "SET transaction_timeout = 0;") return Keep::no;
    // Newer pg_dump puts these around a dump. Ours is around all of it, and ends with it.
    if (line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ")) return Keep::no;
    return Keep::yes;
}

} // namespace fairlead::imports
