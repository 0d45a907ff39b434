#include "common/config/node.hpp"

#include "common/config/config.hpp"
#include "common/runtime/file.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>

namespace fairlead::config {
namespace {

constexpr std::size_t file_limit = 1 << 20;
constexpr int depth_limit = 32;
constexpr int values_limit = 20'000;

struct Wrong {
    int line;
    std::string message;
};

/// Copies yaml-cpp's graph into our tree. Aliases are written out, which is why values are counted.
class Copier {
public:
    Node copy(const YAML::Node& from, int line, int depth) {
        Node node;
        // yaml-cpp gives a null value no place: it stands where its key does.
        node.line = from.Mark().line >= 0 && !from.IsNull() ? from.Mark().line + 1 : line;
        if (depth > depth_limit) throw Wrong{node.line, "is nested deeper than 32 levels"};
        if (++values_ > values_limit) throw Wrong{node.line, "holds more than 20,000 values"};
        if (from.IsScalar()) {
            node.kind = Node::Kind::scalar;
            node.text = from.Scalar();
        } else if (from.IsSequence()) {
            node.kind = Node::Kind::list;
            for (const auto& item : from) node.items.push_back(copy(item, node.line, depth + 1));
        } else if (from.IsMap()) {
            node.kind = Node::Kind::map;
            copy_entries(from, node, depth);
        }
        return node;
    }

private:
    void copy_entries(const YAML::Node& from, Node& into, int depth) {
        std::set<std::string> seen;
        for (const auto& entry : from) {
            int line = entry.first.Mark().line + 1;
            if (!entry.first.IsScalar()) throw Wrong{line, "has a key that is no text"};
            auto key = entry.first.Scalar();
            if (!seen.insert(key).second) throw Wrong{line, key + " is there twice"};
            into.entries.push_back({key, line, copy(entry.second, line, depth + 1)});
        }
    }

    int values_ = 0;
};

Error located(std::string_view where, int line, const std::string& message) {
    return Error(
        Errc::invalid, std::string(where) + " line " + std::to_string(line) + ": " + message
    );
}

} // namespace

std::string Node::shown() const {
    switch (kind) {
    case Kind::null:
        return ", not empty";
    case Kind::scalar:
        return ", not \"" + text.substr(0, 60) + "\"";
    case Kind::list:
        return ", not a list";
    case Kind::map:
        return ", not a map";
    }
    return "";
}

Result<Node> parse(std::string_view yaml, std::string_view where) try {
    auto documents = YAML::LoadAll(std::string(yaml));
    if (documents.empty()) return Node{};
    if (documents.size() > 1)
        return fail(
            located(where, documents[1].Mark().line + 1, "a second document begins; one is enough")
        );
    return Copier().copy(documents[0], 1, 0);
} catch (const Wrong& wrong) {
    return fail(located(where, wrong.line, wrong.message));
} catch (const YAML::Exception& error) {
    return fail(located(where, error.mark.line + 1, "is no YAML: " + error.msg));
}

Result<std::string> read_whole(const std::filesystem::path& file) {
    return read_file(file, file_limit);
}

void Reader::wrong(int line, std::string message) {
    if (findings_.size() < 20)
        findings_.push_back(where_ + " line " + std::to_string(line) + ": " + std::move(message));
}

Result<> Reader::result() const {
    if (findings_.empty()) return {};
    std::string text;
    for (const auto& finding : findings_) text += (text.empty() ? "" : "\n") + finding;
    return fail(Errc::invalid, std::move(text));
}

namespace detail {

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<std::chrono::milliseconds> duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t ms;
    };
    static constexpr Unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
    auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    auto count = whole_number(digits);
    if (!count || *count > 1'000'000) return std::nullopt;
    for (const auto& unit : units)
        if (text.substr(digits.size()) == unit.name)
            return std::chrono::milliseconds(*count * unit.ms);
    return std::nullopt;
}

} // namespace detail

} // namespace fairlead::config
