#include "agent/update/record.hpp"

#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

namespace fairlead::update {
namespace {

constexpr std::size_t largest = 64 << 10;

} // namespace

Result<std::optional<Record>> load(const Layout& layout) {
    auto text = read_file(layout.record(), largest);
    if (!text && text.error().kind() == Errc::not_found) return std::optional<Record>();
    if (!text) return fail(std::move(text).error());
    FAIRLEAD_TRY(record, json::decode<Record>(*text, json::Strictness::lenient));
    return std::optional(std::move(record));
}

Result<> save(const Layout& layout, const Record& record) {
    return write_file(layout.record(), json::encode(record), 0600);
}

Result<> note_adopted(const Layout& layout, const std::string& version) {
    return write_file(layout.adopted(), version, 0600);
}

std::string adopted_by(const Layout& layout) {
    return read_file(layout.adopted(), largest).value_or("");
}

} // namespace fairlead::update
