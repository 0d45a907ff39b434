#include "agent/imports/sql_lines.hpp"

namespace fairlead::imports {
namespace {

constexpr std::string_view copy_begin = "COPY ", copy_end = " FROM stdin;";

bool is_copy(std::string_view line) {
    return line.starts_with(copy_begin) && line.ends_with(copy_end) &&
           line.size() > copy_begin.size() + copy_end.size();
}

} // namespace

std::string_view copied_table(std::string_view line) {
    if (!is_copy(line)) return {};
    line = line.substr(copy_begin.size(), line.size() - copy_begin.size() - copy_end.size());
    auto name = line.substr(0, line.find(" ("));
    if (auto dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(dot + 1);
    return name;
}

std::string_view copied_columns(std::string_view line) {
    if (!is_copy(line)) return {};
    auto from = line.find(" ("), to = line.rfind(')');
    if (from == std::string_view::npos || to == std::string_view::npos || to < from + 2) return {};
    return line.substr(from + 2, to - from - 2);
}

Result<> SqlLines::line(std::string_view head, bool whole) {
    if (head.ends_with('\r')) head.remove_suffix(1);
    keep_ = Keep::yes;
    if (copying_) {
        if (whole && head == "\\.") {
            copying_ = false;
            return {};
        }
        return judge_.row(head, whole);
    }
    FAIRLEAD_TRY(keep, judge_.statement(head, whole));
    keep_ = keep;
    copying_ = whole && is_copy(head);
    return {};
}

Result<> SqlLines::write(std::span<const std::byte> given) {
    std::string_view text(reinterpret_cast<const char*>(given.data()), given.size());
    while (!text.empty()) {
        auto end = text.find('\n');
        bool ends = end != std::string_view::npos;
        auto part = ends ? text.substr(0, end + 1) : text;
        text.remove_prefix(part.size());
        if (inside_) {
            if (keep_ == Keep::yes) FAIRLEAD_CHECK(out_.write(part));
            inside_ = !ends;
            continue;
        }
        std::string_view head = part;
        if (!pending_.empty() || !ends) {
            pending_ += part;
            head = pending_;
        }
        if (!ends && head.size() < longest) continue;
        auto judged = head.substr(0, ends ? head.size() - 1 : head.size());
        FAIRLEAD_CHECK(line(judged.substr(0, longest), ends && judged.size() <= longest));
        if (keep_ == Keep::yes) FAIRLEAD_CHECK(out_.write(head));
        inside_ = !ends;
        pending_.clear();
    }
    return {};
}

Result<> SqlLines::finish() {
    if (!pending_.empty()) {
        FAIRLEAD_CHECK(line(pending_, true));
        if (keep_ == Keep::yes) FAIRLEAD_CHECK(out_.write(pending_));
        pending_.clear();
    }
    if (copying_)
        return fail(Error(
                        Errc::invalid,
                        "The dump ends in the middle of a table: it was cut. Make or copy it anew."
        )
                        .with_code("import_truncated"));
    return out_.finish();
}

} // namespace fairlead::imports
