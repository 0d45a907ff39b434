#include "agent/archive/file_list.hpp"

#include "agent/archive/damaged.hpp"
#include "agent/archive/layout.hpp"
#include "agent/archive/tar.hpp"
#include "common/crypto/encoding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace fairlead::archive {
namespace {

constexpr std::string_view first_line = "# fairlead file list 1";
constexpr std::string_view end_mark = "# end ";
constexpr std::size_t buffer_size = 64 * 1024;
constexpr std::size_t max_line = 4096; ///< every byte of a path escaped, and the rest

bool must_escape(unsigned char c) {
    return c <= ' ' || c == 0x7f || c == '%';
}

std::string escape(std::string_view path) {
    static constexpr char digits[] = "0123456789ABCDEF";
    if (std::ranges::none_of(path, must_escape)) return std::string(path);
    std::string text;
    for (unsigned char c : path) {
        if (!must_escape(c)) {
            text.push_back(static_cast<char>(c));
            continue;
        }
        text.push_back('%');
        text.push_back(digits[c >> 4]);
        text.push_back(digits[c & 15]);
    }
    return text;
}

/// Empty (which is no path) when it is not what `escape` writes.
std::string unescape(std::string_view text) {
    if (std::ranges::none_of(text, must_escape)) return std::string(text);
    std::string path;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            path.push_back(text[i]);
            continue;
        }
        unsigned value = 0;
        auto digits = text.substr(i + 1, 2);
        auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return {};
        path.push_back(static_cast<char>(value));
        i += 2;
    }
    return escape(path) == text ? path : std::string();
}

/// Decimal in its one spelling.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool zeros = text.size() > 1 && text.starts_with('0');
    if (error != std::errc() || end != text.data() + text.size() || zeros) return std::nullopt;
    return value;
}

std::optional<ContentHash> hash_of(std::string_view text, std::string_view path) {
    if (text == "=") {
        auto named = name_hash(path);
        return named ? std::optional<ContentHash>(*named) : std::nullopt;
    }
    bool sha256 = text.starts_with("sha256:");
    if (!sha256 && !text.starts_with("sha1:")) return std::nullopt;
    auto bytes = crypto::hex_decode(text.substr(sha256 ? 7 : 5));
    if (!bytes || bytes->size() != (sha256 ? 32 : 20)) return std::nullopt;
    if (sha256) {
        crypto::Digest digest;
        std::memcpy(digest.bytes.data(), bytes->data(), bytes->size());
        return digest;
    }
    crypto::Sha1::Digest digest;
    std::memcpy(digest.data(), bytes->data(), bytes->size());
    return digest;
}

std::optional<FileEntry> entry_of(std::string_view line) {
    std::array<std::string_view, 4> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        auto end = line.find('\t');
        if ((end == std::string_view::npos) != (i + 1 == fields.size())) return std::nullopt;
        fields[i] = line.substr(0, end);
        if (end != std::string_view::npos) line.remove_prefix(end + 1);
    }
    FileEntry entry;
    entry.path = unescape(fields[0]);
    auto size = number_of(fields[1]);
    auto hash = hash_of(fields[2], entry.path);
    if (!is_safe_name(entry.path) || !size || !hash || !PackId::parse(fields[3]))
        return std::nullopt;
    entry.size = *size;
    entry.hash = *hash;
    entry.pack = fields[3];
    return entry;
}

} // namespace

Result<> FileListWriter::add(const FileEntry& entry) {
    buffer_ += escape(entry.path);
    buffer_ += '\t';
    buffer_ += std::to_string(entry.size);
    buffer_ += '\t';
    buffer_ += entry.named_by_content() ? "=" : print_hash(entry.hash);
    buffer_ += '\t';
    buffer_ += entry.pack;
    buffer_ += '\n';
    ++files_;
    bytes_ += entry.size;
    if (buffer_.size() < buffer_size) return {};
    auto written = out_.write(buffer_);
    buffer_.clear();
    return written;
}

Result<> FileListWriter::finish() {
    buffer_ += std::string(end_mark) + std::to_string(files_) + " " + std::to_string(bytes_) + "\n";
    FAIRLEAD_CHECK(out_.write(buffer_));
    return out_.finish();
}

Result<> FileListReader::write(std::span<const std::byte> bytes) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!text.empty()) {
        auto end = text.find('\n');
        auto piece = text.substr(0, end);
        if (piece.size() > max_line - partial_.size())
            return damaged(
                "The file list is damaged: line " + std::to_string(line_ + 1) + " is too long."
            );
        if (end == std::string_view::npos) {
            partial_ += piece;
            return {};
        }
        text.remove_prefix(end + 1);
        if (partial_.empty()) {
            FAIRLEAD_CHECK(on_line(piece));
        } else {
            partial_ += piece;
            FAIRLEAD_CHECK(on_line(partial_));
            partial_.clear();
        }
    }
    return {};
}

Result<> FileListReader::on_line(std::string_view text) {
    auto number = ++line_;
    auto broken = [&](const std::string& what) {
        return damaged(
            "The file list is damaged: line " + std::to_string(number) + " " + what + "."
        );
    };
    if (ended_) return broken("stands after its end");
    if (number == 1)
        return text == first_line ? Result<>() : broken("is not '" + std::string(first_line) + "'");
    if (text.starts_with(end_mark)) {
        auto expected = std::to_string(files_) + " " + std::to_string(bytes_);
        if (text.substr(end_mark.size()) != expected)
            return broken("does not count the files before it, which are " + expected);
        ended_ = true;
        return {};
    }
    auto entry = entry_of(text);
    if (!entry) return broken("is no file");
    if (files_ == max_files) return broken("is one file too many");
    if (entry->size > std::uint64_t(1) << 50) return broken("has an impossible size");
    ++files_;
    bytes_ += entry->size;
    return visit_(*entry);
}

Result<> FileListReader::finish() {
    if (!ended_) return damaged("The file list is damaged: its end is missing.");
    return {};
}

} // namespace fairlead::archive
