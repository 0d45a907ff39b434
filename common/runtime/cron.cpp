#include "common/runtime/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace fairlead {
namespace {

constexpr std::size_t max_text = 1000;

struct Field {
    std::string_view name;
    int min, max;
    std::span<const std::string_view> words; ///< for min, min + 1, …
};

constexpr std::array<std::string_view, 12> month_words = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_words = {"sun", "mon", "tue", "wed",
                                                           "thu", "fri", "sat"};

const Field fields[] = {
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day", 1, 31, {}},
    {"month", 1, 12, month_words},
    {"weekday", 0, 7, weekday_words},
};

constexpr std::pair<std::string_view, std::string_view> shorthands[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"}};

tl::unexpected<Error> wrong(std::string message) {
    return fail(Error(Errc::invalid, std::move(message)).with_code("schedule_invalid"));
}

std::string lowered(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

Result<int> value_of(const Field& field, std::string_view text) {
    auto refused = [&] {
        auto range = std::to_string(field.min) + " to " + std::to_string(field.max);
        auto words = field.words.empty() ? std::string()
                                         : ", or " + std::string(field.words.front()) + " to " +
                                               std::string(field.words.back());
        return wrong(
            "The schedule's " + std::string(field.name) + " has '" + std::string(text) +
            "', where a number from " + range + words + " belongs."
        );
    };
    auto word = std::find(field.words.begin(), field.words.end(), lowered(text));
    if (word != field.words.end()) return field.min + static_cast<int>(word - field.words.begin());
    int value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool digits = !text.empty() && text.front() >= '0' && text.front() <= '9' && text.size() <= 2;
    if (!digits || error != std::errc() || end != text.data() + text.size()) return refused();
    if (value < field.min || value > field.max) return refused();
    return value;
}

/// One of a list: *, 5, 1-5, */10, 1-30/2.
Result<> read_item(const Field& field, std::string_view item, std::bitset<60>& into) {
    auto slash = item.find('/');
    auto range = item.substr(0, slash);
    auto dash = range.find('-');
    bool all = range == "*";
    int first = field.min, last = field.max == 7 ? 6 : field.max;
    if (!all) {
        FAIRLEAD_TRY(from, value_of(field, range.substr(0, dash)));
        first = last = from;
        if (dash != std::string_view::npos) {
            FAIRLEAD_TRY(to, value_of(field, range.substr(dash + 1)));
            last = to;
        }
    }
    auto where = "The schedule's " + std::string(field.name) + " has '" + std::string(item) + "', ";
    if (first > last) return wrong(where + "which ends before it begins.");
    int step = 1;
    if (slash != std::string_view::npos) {
        auto text = item.substr(slash + 1);
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
        if (error != std::errc() || end != text.data() + text.size() || step < 1 ||
            step > field.max)
            return wrong(
                where + "whose step is no number from 1 to " + std::to_string(field.max) + "."
            );
        if (!all && dash == std::string_view::npos)
            return wrong(where + "where a range or * belongs before the step.");
    }
    for (int value = first; value <= last; value += step)
        into.set(static_cast<std::size_t>(field.max == 7 ? value % 7 : value));
    return {};
}

Result<std::bitset<60>> read_field(const Field& field, std::string_view text) {
    std::bitset<60> set;
    for (;;) {
        auto comma = text.find(',');
        FAIRLEAD_CHECK(read_item(field, text.substr(0, comma), set));
        if (comma == std::string_view::npos) return set;
        text.remove_prefix(comma + 1);
    }
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (;;) {
        auto begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return words;
        text.remove_prefix(begin);
        auto end = std::min(text.find_first_of(" \t"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

template <std::size_t N>
std::bitset<N> narrow(const std::bitset<60>& set) {
    std::bitset<N> narrowed;
    for (std::size_t i = 0; i < N; ++i) narrowed[i] = set[i];
    return narrowed;
}

} // namespace

Result<Cron> Cron::parse(std::string_view text) {
    if (text.size() > max_text) return wrong("The schedule is too long.");
    auto words = words_of(text);
    if (words.size() == 1 && words[0].starts_with('@')) {
        auto known = std::find_if(std::begin(shorthands), std::end(shorthands), [&](auto& pair) {
            return pair.first == lowered(words[0]);
        });
        if (known == std::end(shorthands))
            return wrong(
                "The schedule '" + std::string(words[0]) +
                "' is not known; there are @hourly, @daily, @weekly, @monthly and @yearly."
            );
        words = words_of(known->second);
    }
    if (words.size() != std::size(fields))
        return wrong(
            "A schedule has five fields (minute, hour, day, month, weekday), and this one has " +
            std::to_string(words.size()) + "."
        );
    std::array<std::bitset<60>, std::size(fields)> sets;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        FAIRLEAD_TRY(set, read_field(fields[i], words[i]));
        sets[i] = set;
    }
    Cron cron;
    cron.minutes_ = sets[0];
    cron.hours_ = narrow<24>(sets[1]);
    cron.days_ = narrow<32>(sets[2]);
    cron.months_ = narrow<13>(sets[3]);
    cron.weekdays_ = narrow<7>(sets[4]);
    cron.any_day_ = words[2].starts_with('*');
    cron.any_weekday_ = words[4].starts_with('*');
    if (!cron.ever())
        return wrong(
            "The schedule never comes: none of its months has the day '" + std::string(words[2]) +
            "'."
        );
    return cron;
}

bool Cron::ever() const {
    if (!any_day_ && !any_weekday_) return true;
    for (unsigned month = 1; month <= 12; ++month) {
        // 2000 was a leap year.
        auto last = std::chrono::year(2000) / std::chrono::month(month) / std::chrono::last;
        for (unsigned day = 1; day <= unsigned(last.day()); ++day)
            if (months_[month] && days_[day]) return true;
    }
    return false;
}

} // namespace fairlead
