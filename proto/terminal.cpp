#include "proto/terminal.hpp"

#include "common/json/json.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::proto {
namespace {

constexpr std::size_t head_size = 5;
constexpr std::size_t resize_size = 4;

void append_u16(std::string& out, std::uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xFF);
}

std::uint16_t read_u16(std::string_view bytes) {
    auto high = static_cast<unsigned char>(bytes[0]), low = static_cast<unsigned char>(bytes[1]);
    return static_cast<std::uint16_t>(high << 8 | low);
}

bool is_whole(TerminalMessage type) {
    return type == TerminalMessage::resize || type == TerminalMessage::end;
}

std::string write_bytes(TerminalMessage type, std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, longest_terminal_message);
        out += terminal_head(type, piece.size());
        out += piece;
        bytes.remove_prefix(piece.size());
    }
    return out;
}

/// Members that are unknown are passed over; those of the wrong kind are not.
std::optional<TerminalEnd> read_end(std::string_view text) {
    auto value = json::parse(text, longest_terminal_end);
    if (!value || !value->is_object()) return {};
    TerminalEnd end;
    const auto& object = value->get_object();
    if (const auto* code = object.if_contains("code")) {
        if (!code->is_int64() || code->get_int64() < 0 || code->get_int64() > 255) return {};
        end.code = static_cast<int>(code->get_int64());
    }
    auto take = [&](std::string_view name, std::string& into) {
        const auto* member = object.if_contains(name);
        if (!member) return true;
        if (!member->is_string()) return false;
        into = std::string(member->get_string());
        return true;
    };
    if (!take("signal", end.signal) || !take("reason", end.reason)) return {};
    return end;
}

} // namespace

bool possible(const TerminalSize& size) {
    return size.columns >= 1 && size.columns <= most_terminal_cells && size.rows >= 1 &&
           size.rows <= most_terminal_cells;
}

std::string terminal_head(TerminalMessage type, std::size_t size) {
    assert(size >= 1 && size <= longest_terminal_message);
    std::string out(1, static_cast<char>(type));
    append_u16(out, static_cast<std::uint16_t>(size >> 16));
    append_u16(out, static_cast<std::uint16_t>(size & 0xFFFF));
    return out;
}

std::string write_input(std::string_view bytes) {
    return write_bytes(TerminalMessage::input, bytes);
}

std::string write_output(std::string_view bytes) {
    return write_bytes(TerminalMessage::output, bytes);
}

std::string write_resize(const TerminalSize& size) {
    assert(possible(size));
    auto out = terminal_head(TerminalMessage::resize, resize_size);
    append_u16(out, size.columns);
    append_u16(out, size.rows);
    return out;
}

std::string write_end(const TerminalEnd& end) {
    boost::json::object object;
    if (end.code) object["code"] = *end.code;
    if (!end.signal.empty()) object["signal"] = end.signal;
    if (!end.reason.empty()) object["reason"] = end.reason;
    auto text = json::serialize(object);
    return terminal_head(TerminalMessage::end, text.size()) + text;
}

tl::unexpected<Error> TerminalReader::broken(std::string what) {
    broken_ = "The terminal's stream broke its rules: " + std::move(what) + ".";
    return fail(Errc::invalid, broken_);
}

/// Of the head, which is complete.
Result<> TerminalReader::start() {
    std::string_view head = head_;
    auto type = static_cast<TerminalMessage>(head[0]);
    std::size_t size = std::size_t(read_u16(head.substr(1))) << 16 | read_u16(head.substr(3));
    head_.clear();
    bool known = from_ == TerminalSide::controller
                     ? type == TerminalMessage::input || type == TerminalMessage::resize
                     : type == TerminalMessage::output || type == TerminalMessage::end;
    if (!known) return broken("no message of this side begins so");
    if (size == 0) return broken("a message is empty");
    if (size > longest_terminal_message) return broken("a message is longer than 65,536 bytes");
    if (type == TerminalMessage::resize && size != resize_size)
        return broken("a resize has other than 4 bytes");
    if (type == TerminalMessage::end && size > longest_terminal_end)
        return broken("the end is longer than 1,024 bytes");
    type_ = type;
    left_ = size;
    return {};
}

Result<TerminalPart> TerminalReader::whole() {
    TerminalPart part;
    part.type = type_;
    if (type_ == TerminalMessage::resize) {
        std::string_view body = body_;
        part.size = {read_u16(body), read_u16(body.substr(2))};
        if (!possible(part.size)) return broken("a resize is not from 1 to 1,000 cells");
    } else {
        auto end = read_end(body_);
        if (!end) return broken("the end makes no sense");
        part.end = *std::move(end);
        ended_ = true;
    }
    body_.clear();
    return part;
}

Result<std::optional<TerminalPart>> TerminalReader::next(std::string_view& bytes) {
    if (!broken_.empty()) return fail(Errc::invalid, broken_);
    while (!bytes.empty()) {
        if (ended_) return broken("something follows the end");
        if (left_ == 0) {
            auto missing = std::min(head_size - head_.size(), bytes.size());
            head_ += bytes.substr(0, missing);
            bytes.remove_prefix(missing);
            if (head_.size() == head_size) FAIRLEAD_CHECK(start());
            continue;
        }
        auto piece = bytes.substr(0, left_);
        bytes.remove_prefix(piece.size());
        left_ -= piece.size();
        if (!is_whole(type_)) {
            TerminalPart part;
            part.type = type_;
            part.bytes = piece;
            return std::optional(std::move(part));
        }
        body_ += piece;
        if (left_ > 0) continue;
        FAIRLEAD_TRY(part, whole());
        return std::optional(std::move(part));
    }
    return std::optional<TerminalPart>();
}

} // namespace fairlead::proto
