#include "agent/bucket/xml.hpp"

#include <fmt/core.h>

#include <charconv>
#include <optional>

namespace fairlead::bucket {
namespace {

constexpr std::string_view space = " \t\r\n";

bool name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' ||
           c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view local(std::string_view name) {
    auto colon = name.rfind(':');
    return colon == name.npos ? name : name.substr(colon + 1);
}

void add_utf8(std::string& out, std::uint32_t c) {
    auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | (c >> 12));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | (c >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

/// What stands between & and ;.
std::optional<std::string> entity(std::string_view name) {
    if (name == "amp") return "&";
    if (name == "lt") return "<";
    if (name == "gt") return ">";
    if (name == "quot") return "\"";
    if (name == "apos") return "'";
    if (name.size() < 2 || name.front() != '#') return std::nullopt;
    name.remove_prefix(1);
    int base = 10;
    if (name.front() == 'x') {
        name.remove_prefix(1);
        base = 16;
    }
    std::uint32_t c = 0;
    auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), c, base);
    if (name.empty() || ec != std::errc() || end != name.data() + name.size() || c > 0x10ffff ||
        (c >= 0xd800 && c < 0xe000))
        return std::nullopt;
    std::string out;
    add_utf8(out, c);
    return out;
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<Xml> run() {
        if (text_.size() > max_xml_bytes) return wrong("it is longer than 4 MiB");
        while (at_ < text_.size()) {
            if (text_[at_] != '<') {
                FAIRLEAD_CHECK(characters());
            } else if (starts("<?")) {
                FAIRLEAD_CHECK(skip_past("?>"));
            } else if (starts("<!--")) {
                FAIRLEAD_CHECK(skip_past("-->"));
            } else if (starts("<![CDATA[")) {
                FAIRLEAD_CHECK(literal());
            } else if (starts("<!")) {
                return wrong("it has a document type");
            } else if (starts("</")) {
                FAIRLEAD_CHECK(close());
            } else {
                FAIRLEAD_CHECK(open());
            }
        }
        if (!done_) return wrong("it ends too early");
        return std::move(root_);
    }

private:
    tl::unexpected<Error> wrong(std::string_view what) const {
        return fail(
            Errc::invalid,
            fmt::format("The answer is no XML that S3 has: {} at byte {}.", what, at_)
        );
    }
    bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    Result<> skip_past(std::string_view what) {
        auto end = text_.find(what, at_);
        if (end == text_.npos) return wrong("it ends too early");
        at_ = end + what.size();
        return {};
    }

    Result<> literal() {
        at_ += 9;
        auto end = text_.find("]]>", at_);
        if (end == text_.npos || stack_.empty()) return wrong("a CDATA section is out of place");
        stack_.back()->text += text_.substr(at_, end - at_);
        at_ = end + 3;
        return {};
    }

    Result<> characters() {
        auto end = std::min(text_.find('<', at_), text_.size());
        auto run = text_.substr(at_, end - at_);
        if (stack_.empty()) {
            // A byte order mark may come first.
            if (at_ == 0 && run.starts_with("\xef\xbb\xbf")) run.remove_prefix(3);
            if (run.find_first_not_of(space) != run.npos) return wrong("there is text outside");
            at_ = end;
            return {};
        }
        auto& out = stack_.back()->text;
        while (!run.empty()) {
            auto amp = run.find('&');
            out += run.substr(0, amp);
            if (amp == run.npos) break;
            run.remove_prefix(amp + 1);
            auto semicolon = run.substr(0, 12).find(';');
            auto meant = semicolon == run.npos ? std::nullopt : entity(run.substr(0, semicolon));
            if (!meant) return wrong("it has an entity that is not known");
            out += *meant;
            run.remove_prefix(semicolon + 1);
        }
        at_ = end;
        return {};
    }

    std::string_view name() {
        auto from = at_;
        while (at_ < text_.size() && name_char(text_[at_])) ++at_;
        return text_.substr(from, at_ - from);
    }

    Result<> open() {
        ++at_;
        auto called = name();
        if (called.empty()) return wrong("a tag has no name");
        if (done_) return wrong("it has a second root");
        if (stack_.size() >= max_xml_depth) return wrong("it is nested too deep");
        if (++elements_ > max_xml_elements) return wrong("it has too many elements");
        // Attributes: read over, but not past a '>' in quotes.
        char quote = 0;
        auto end = at_;
        for (; end < text_.size(); ++end) {
            char c = text_[end];
            if (quote != 0) {
                if (c == quote) quote = 0;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '>' || c == '<') {
                break;
            }
        }
        if (end >= text_.size() || text_[end] != '>') return wrong("a tag does not end");
        bool empty = text_[end - 1] == '/';
        Xml* node = &root_;
        if (!stack_.empty()) {
            stack_.back()->text.clear(); // only white space, where there are children
            node = &stack_.back()->children.emplace_back();
        }
        node->name = local(called);
        at_ = end + 1;
        if (!empty) stack_.push_back(node);
        if (empty && stack_.empty()) done_ = true;
        return {};
    }

    Result<> close() {
        at_ += 2;
        auto called = name();
        if (stack_.empty() || local(called) != stack_.back()->name)
            return wrong("a tag is closed that is not open");
        at_ = text_.find_first_not_of(space, at_);
        if (at_ >= text_.size() || text_[at_] != '>') {
            at_ = std::min(at_, text_.size());
            return wrong("a tag does not end");
        }
        ++at_;
        if (!stack_.back()->children.empty()) stack_.back()->text.clear();
        stack_.pop_back();
        done_ = stack_.empty();
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0, elements_ = 0;
    bool done_ = false;
    Xml root_;
    // Pointers stay good: a vector of children only grows while none of them is open.
    std::vector<Xml*> stack_;
};

} // namespace

const Xml* Xml::find(std::string_view child) const {
    for (const auto& one : children)
        if (one.name == child) return &one;
    return nullptr;
}

std::string_view Xml::at(std::string_view child) const {
    const auto* found = find(child);
    return found ? std::string_view(found->text) : std::string_view();
}

Result<Xml> read_xml(std::string_view text) {
    return Reader(text).run();
}

std::string xml_escape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\r':
            out += "&#13;";
            break;
        default:
            out += c;
        }
    return out;
}

} // namespace fairlead::bucket
