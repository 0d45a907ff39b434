#include "proto/log.hpp"

#include <vector>

namespace fairlead::proto {
namespace {

constexpr std::size_t deepest = 5;
constexpr int most_repeated = 100;
constexpr int most_endless = 3;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// Every other character is a sign that PCRE takes for itself after a backslash.
std::string as_it_is(std::string_view text) {
    std::string expression;
    for (char c : text) {
        if (!is_word(c) && c != ' ') expression += '\\';
        expression += c;
    }
    return expression;
}

tl::unexpected<Error> wrong(std::string what) {
    return fail(Errc::invalid, "The pattern " + std::move(what) + ".");
}

/// Walks over a pattern once.
class Walk {
public:
    explicit Walk(std::string_view text) : left_(text) {}

    Result<> whole() {
        while (!left_.empty()) FAIRLEAD_CHECK(next());
        if (!open_.empty()) return wrong("has a group that does not end");
        return {};
    }

private:
    struct Group {
        bool chooses = false; // or repeats
    };

    char take() {
        char c = left_.front();
        left_.remove_prefix(1);
        return c;
    }
    bool skip(std::string_view text) {
        if (!left_.starts_with(text)) return false;
        left_.remove_prefix(text.size());
        return true;
    }

    Result<> next() {
        char c = take();
        switch (c) {
        case '(':
            return begin_group();
        case ')':
            if (open_.empty()) return wrong("ends a group that it has not begun");
            chooses_inside_ = open_.back().chooses;
            open_.pop_back();
            // What a group does counts for those around it too.
            if (chooses_inside_ && !open_.empty()) open_.back().chooses = true;
            return found(true);
        case '|':
            if (!open_.empty()) open_.back().chooses = true;
            repeatable_ = false;
            return {};
        case '[':
            FAIRLEAD_CHECK(letters());
            return found(false);
        case '\\':
            FAIRLEAD_CHECK(escaped());
            return found(false);
        case '^':
        case '$':
            repeatable_ = false;
            return {};
        case '*':
        case '+':
            return repeat(true);
        case '?':
            return repeat(false, false);
        case '{':
            return counted();
        default:
            return found(false);
        }
    }

    Result<> found(bool group) {
        repeatable_ = true;
        after_group_ = group;
        return {};
    }

    Result<> begin_group() {
        if (left_.starts_with('*')) return wrong("has a verb, which is not taken");
        if (left_.starts_with('?') && !skip("?:"))
            return wrong("has a group of another kind than ( and (?:");
        if (open_.size() >= deepest) return wrong("has groups within groups, more than 5 deep");
        open_.emplace_back();
        repeatable_ = false;
        return {};
    }

    Result<> letters() {
        skip("^");
        bool any = false;
        while (!left_.empty()) {
            char c = take();
            if (c == ']' && any) return {};
            any = true;
            if (c == '[') return wrong("has a [ within [ ]; write \\[");
            if (c == '\\') FAIRLEAD_CHECK(escaped());
        }
        return wrong("has a [ without its ]");
    }

    Result<> escaped() {
        if (left_.empty()) return wrong("ends with a backslash");
        char c = take();
        if (is_word(c) && std::string_view("dDwWsSbBt").find(c) == std::string_view::npos)
            return wrong(std::string("has \\") + c + ", which is not taken");
        return {};
    }

    Result<> repeat(bool endless, bool several = true) {
        if (!repeatable_) return wrong("repeats where there is nothing to repeat");
        if (several) {
            if (after_group_ && chooses_inside_)
                return wrong("repeats a group that repeats or chooses within, which can take for "
                             "ever");
        }
        // What may be left out is a choice too: (a?){50}.
        if (!open_.empty()) open_.back().chooses = true;
        if (endless && ++endless_ > most_endless)
            return wrong("has more than 3 repetitions without an end");
        skip("?"); // as few as possible
        repeatable_ = false;
        return {};
    }

    Result<int> number() {
        int value = -1;
        while (!left_.empty() && is_digit(left_.front())) {
            value = (value < 0 ? 0 : value) * 10 + (take() - '0');
            if (value > most_repeated) return wrong("repeats something more than 100 times");
        }
        return value;
    }

    Result<> counted() {
        FAIRLEAD_TRY(least, number());
        if (least < 0) return wrong("has a { that is no repetition; write \\{");
        bool endless = false;
        if (skip(",")) {
            FAIRLEAD_TRY(most, number());
            endless = most < 0;
            if (!endless && most < least) return wrong("repeats from more to less");
        }
        if (!skip("}")) return wrong("has a { that is no repetition; write \\{");
        return repeat(endless);
    }

    std::string_view left_;
    std::vector<Group> open_;
    bool repeatable_ = false, after_group_ = false, chooses_inside_ = false;
    int endless_ = 0;
};

} // namespace

Result<std::string> search_expression(std::string_view text, bool pattern) {
    if (text.empty() || text.size() > longest_log_search)
        return fail(Errc::invalid, "A search has 1 to 200 bytes.");
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return fail(Errc::invalid, "A search has no control characters.");
    if (!pattern) return as_it_is(text);
    FAIRLEAD_CHECK(Walk(text).whole());
    return std::string(text);
}

} // namespace fairlead::proto
