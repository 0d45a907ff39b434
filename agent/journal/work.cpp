#include "agent/journal/work.hpp"

#include "common/runtime/secret.hpp"
#include "common/runtime/utf8.hpp"

#include <algorithm>

namespace fairlead::journal {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t batch_lines = 100;
constexpr auto batch_age = 200ms;
// Hours of a migration must not fill the journal with reports.
constexpr std::chrono::milliseconds progress_pause = 500ms, detail_pause = 5s;

/// Log lines are UTF-8 without control characters, whatever a program printed.
std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        auto c = text[0];
        auto length = utf8::letter(text);
        if (length == 0) {
            clean += "\xEF\xBF\xBD";
        } else if (length == 1 && c >= 0 && c < 0x20 && c != '\t') {
            // Colour codes end with a letter; the rest of the line is what matters.
            if (text.starts_with("\x1B[")) {
                length = 2;
                while (length < text.size() && (text[length] < '@' || text[length] > '~')) ++length;
                length = std::min(length + 1, text.size());
            }
        } else {
            clean += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

} // namespace

Work::Work(Journal& journal, const Clock& clock, proto::Operation operation, Redactor redactor)
    : journal_(journal), clock_(clock), operation_(std::move(operation)),
      redactor_(std::move(redactor)), facts_(journal.facts(operation_.id)) {}

Work::~Work() {
    for (auto& [name, value] : operation_.secrets) wipe(value);
}

void Work::log(proto::LogLevel level, std::string_view text) {
    proto::LogLine line{to_ms(clock_.now()), level, step_.name, printable(redactor_.clean(text))};
    bool full = false;
    {
        std::lock_guard lock(lines_mutex_);
        if (lines_.empty()) oldest_ = Steady::now();
        lines_.push_back(std::move(line));
        full = lines_.size() >= batch_lines;
    }
    flush(full);
}

void Work::flush(bool now) {
    // Held while writing: two batches must not overtake each other.
    std::lock_guard lock(lines_mutex_);
    if (lines_.empty() || (!now && Steady::now() - oldest_ < batch_age)) return;
    journal_.log(operation_.id, std::exchange(lines_, {}));
}

void Work::progress(std::uint32_t percent, std::string_view detail) {
    percent = std::min(percent, 100U);
    if (!in_step_ || (percent == step_.percent && detail == step_.detail)) return;
    if (Steady::now() - told_ < (percent != step_.percent ? progress_pause : detail_pause)) return;
    told_ = Steady::now();
    step_.percent = percent;
    step_.detail = printable(redactor_.clean(utf8::cut(detail, 300)));
    journal_.step(operation_.id, step_);
}

std::optional<std::string> Work::secret(const std::string& name) const {
    auto found = operation_.secrets.find(name);
    if (found == operation_.secrets.end()) return std::nullopt;
    return found->second;
}

void Work::remember(const std::string& name, std::string_view value) {
    journal_.remember(operation_.id, name, value);
    facts_.insert_or_assign(name, std::string(value));
}

std::optional<std::string> Work::recall(const std::string& name) const {
    auto found = facts_.find(name);
    if (found == facts_.end()) return std::nullopt;
    return found->second;
}

void Work::begin_step(const proto::StepReport& step) {
    flush(true);
    step_ = step;
    in_step_ = true;
    told_ = Steady::now();
    journal_.step(operation_.id, step_);
}

void Work::leave_steps() {
    flush(true);
    step_ = {};
    in_step_ = false;
}

void Work::end_step(proto::StepState state, std::string_view detail) {
    flush(true);
    in_step_ = false;
    step_.state = state;
    if (state == proto::StepState::done) step_.percent = 100;
    step_.detail = printable(redactor_.clean(utf8::cut(detail, 300)));
    journal_.step(operation_.id, step_);
}

} // namespace fairlead::journal
