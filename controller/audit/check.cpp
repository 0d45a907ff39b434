#include "controller/audit/check.hpp"

#include "common/crypto/encoding.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::audit {
namespace {

namespace merkle = crypto::merkle;
using crypto::Digest;

constexpr std::string_view format_name = "fairlead-audit-1";

/// Of a line: no entry of ours comes near it.
constexpr std::size_t longest_line = 4 * 1024 * 1024;

/// Between two lines, for one to be taken as an entry.
constexpr std::int64_t most_missing = 1'000'000;

bool take(std::string_view& line, std::string_view start) {
    if (!line.starts_with(start)) return false;
    line.remove_prefix(start.size());
    return true;
}

bool take_hex(std::string_view& text, Digest& into) {
    auto size = 2 * into.bytes.size();
    if (!crypto::hex_decode(text.substr(0, size), into.bytes)) return false;
    text.remove_prefix(size);
    return true;
}

/// `{"seq":12,"hash":"…"}` or `{"seq":12,"hash":"…","leaf":{…}}`, taken apart without parsing the
/// leaf: its bytes are what was hashed.
struct Line {
    std::int64_t seq = 0;
    Digest hash;
    std::optional<std::string_view> leaf;

    static std::optional<Line> parse(std::string_view text) {
        Line line;
        if (!take(text, "{\"seq\":")) return {};
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line.seq);
        if (error != std::errc()) return {};
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!take(text, ",\"hash\":\"") || !take_hex(text, line.hash)) return {};
        if (text == "\"}") return line;
        if (!take(text, "\",\"leaf\":") || !text.ends_with('}')) return {};
        text.remove_suffix(1);
        line.leaf = text;
        return line;
    }
};

void look_at(std::string_view text, LogCheck& check) {
    auto place = check.size();
    auto line = Line::parse(text);
    if (!line || line->seq > place + most_missing) {
        check.lost(fmt::format("the line of entry {} has another form", place));
        return check.hash(Digest()); // what follows keeps its place
    }
    if (line->seq < place)
        return check.lost(fmt::format(
            "entry {} stands after entry {}: it was moved or is there twice", line->seq, place - 1
        ));
    if (line->seq == place + 1) check.lost(fmt::format("entry {} is missing", place));
    if (line->seq > place + 1)
        check.lost(fmt::format("entries {} to {} are missing", place, line->seq - 1));
    check.skip_to(line->seq);
    if (line->leaf)
        check.text(*line->leaf, line->hash);
    else
        check.hash(line->hash);
}

/// The note of a line that holds nothing else.
std::optional<std::string> note_of(std::string_view line) {
    if (!line.starts_with("{\"checkpoint\":")) return {};
    boost::system::error_code bad;
    auto value = boost::json::parse(line, bad);
    const auto* object = bad ? nullptr : value.if_object();
    const auto* note = object ? object->if_contains("checkpoint") : nullptr;
    return std::string(note && note->is_string() ? std::string_view(note->get_string()) : "");
}

/// A file line by line, read in large pieces.
class Lines {
public:
    explicit Lines(std::istream& file) : file_(file), buffer_(1 << 18, '\0') {}

    /// Nothing at the end, and for a line that is too long. Good until the next call.
    std::optional<std::string_view> next() {
        for (std::size_t searched = at_;;) {
            auto newline = std::string_view(buffer_.data(), end_).find('\n', searched);
            if (newline != std::string_view::npos) return take(newline, newline + 1);
            searched = end_ - at_;
            if (searched > longest_line) {
                too_long_ = true;
                return {};
            }
            std::copy(
                buffer_.begin() + offset(at_), buffer_.begin() + offset(end_), buffer_.begin()
            );
            at_ = 0;
            end_ = searched;
            if (end_ == buffer_.size()) buffer_.resize(2 * end_);
            file_.read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
            end_ += static_cast<std::size_t>(file_.gcount());
            if (end_ > searched) continue;
            if (at_ == end_) return {};
            return take(end_, end_); // without a newline
        }
    }
    bool too_long() const { return too_long_; }

private:
    static std::ptrdiff_t offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }
    std::string_view take(std::size_t end, std::size_t next) {
        std::string_view line(buffer_.data() + at_, end - at_);
        at_ = next;
        return line;
    }

    std::istream& file_;
    std::string buffer_;
    std::size_t at_ = 0, end_ = 0; // of what was read and not given out
    bool too_long_ = false;
};

} // namespace

LogCheck::LogCheck(crypto::NoteVerifier verifier, std::string origin)
    : verifier_(std::move(verifier)) {
    verdict_.origin = std::move(origin);
}

std::optional<crypto::Checkpoint> LogCheck::opened(std::string_view note) {
    auto text = crypto::open_note(note, verifier_);
    auto checkpoint =
        text ? crypto::Checkpoint::parse(*text) : Result<crypto::Checkpoint>(fail(text.error()));
    if (!checkpoint) {
        wrong("a checkpoint is not what was signed: " + checkpoint.error().message());
        return {};
    }
    if (checkpoint->origin != verdict_.origin) {
        wrong("a checkpoint is of another log: " + checkpoint->origin);
        return {};
    }
    return *std::move(checkpoint);
}

void LogCheck::expect(std::string_view note) {
    if (auto checkpoint = opened(note)) expect(*std::move(checkpoint));
}

void LogCheck::expect(crypto::Checkpoint checkpoint) {
    expected_.push_back(std::move(checkpoint));
}

void LogCheck::expect_here(std::string_view note) {
    auto checkpoint = opened(note);
    if (!checkpoint) return;
    if (checkpoint->size == roots_.size()) return compare(*checkpoint);
    lost(fmt::format(
        "the checkpoint of {} entries stands after {} of them", checkpoint->size, roots_.size()
    ));
}

void LogCheck::text(std::string_view leaf, const Digest& stored) {
    if (merkle::leaf_hash(leaf) != stored)
        wrong(fmt::format("entry {} was altered: its text does not fit its hash", size()));
    ++verdict_.with_text;
    add(stored);
}

void LogCheck::hash(const Digest& stored) {
    add(stored);
}

void LogCheck::skip_to(std::int64_t place) {
    while (size() < place) hash(Digest());
}

void LogCheck::add(const Digest& leaf) {
    if (!sorted_) {
        std::sort(expected_.begin(), expected_.end(), [](const auto& a, const auto& b) {
            return a.size < b.size;
        });
        sorted_ = true;
    }
    roots_.add(leaf);
    ++verdict_.entries;
    while (reached_ < expected_.size() && expected_[reached_].size <= roots_.size())
        compare(expected_[reached_++]);
}

void LogCheck::compare(const crypto::Checkpoint& due) {
    if (lost_) return;
    if (due.size == roots_.size() && roots_.root() == due.root) {
        verdict_.signed_size = static_cast<std::int64_t>(due.size);
        return;
    }
    // Everything after it differs too; one finding says it.
    lost(fmt::format(
        "entries {} to {} are not those that were signed: one of them was altered, added or moved",
        verdict_.signed_size, due.size - 1
    ));
}

void LogCheck::lost(std::string sentence) {
    lost_ = true;
    wrong(std::move(sentence));
}

void LogCheck::wrong(std::string sentence) {
    if (verdict_.bad.size() < most_findings) verdict_.bad.push_back(std::move(sentence));
}

Verdict LogCheck::finish() {
    if (reached_ < expected_.size()) {
        auto largest =
            std::max_element(expected_.begin(), expected_.end(), [](const auto& a, const auto& b) {
                return a.size < b.size;
            });
        wrong(fmt::format(
            "the log ends after {} entries, but {} were signed: the end was cut off", size(),
            largest->size
        ));
    }
    return verdict_;
}

Result<Verdict> check_export(std::istream& file, const crypto::NoteVerifier& verifier) {
    Lines lines(file);
    auto none = [] {
        return fail(
            Errc::invalid, "This is not an export of an audit log in JSON lines: its first line "
                           "does not name the format fairlead-audit-1."
        );
    };
    auto line = lines.next();
    if (!line) return none();
    boost::system::error_code bad;
    auto head = boost::json::parse(*line, bad);
    const auto* object = bad ? nullptr : head.if_object();
    auto text_of = [&](std::string_view name) -> std::string_view {
        const auto* value = object->if_contains(name);
        return value && value->is_string() ? std::string_view(value->get_string()) : "";
    };
    if (!object || text_of("format") != format_name) return none();

    LogCheck check(verifier, std::string(text_of("origin")));
    check.expect(text_of("checkpoint"));
    while (!check.hopeless() && (line = lines.next()))
        if (auto note = note_of(*line))
            check.expect_here(*note);
        else
            look_at(*line, check);
    if (lines.too_long())
        check.lost(fmt::format("the line after entry {} is too long for one", check.size()));
    auto verdict = check.finish();
    if (verdict.bad.empty() && verdict.signed_size < verdict.entries)
        verdict.bad.push_back(
            fmt::format("the entries from {} on were not signed", verdict.signed_size)
        );
    return verdict;
}

} // namespace fairlead::audit
