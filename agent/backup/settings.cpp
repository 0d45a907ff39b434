#include "agent/backup/settings.hpp"

#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/secret.hpp"

#include <fmt/core.h>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_file = 1 << 20;

} // namespace

Result<std::optional<SavedSettings>> load_settings(const BackupPlace& place) {
    auto text = read_file(place.settings(), largest_file);
    if (!text && text.error().kind() == Errc::not_found) return std::optional<SavedSettings>();
    if (!text) return fail(text.error());
    auto settings = json::decode<SavedSettings>(*text, json::Strictness::lenient, largest_file);
    wipe(*text);
    if (!settings)
        return fail(
            Errc::internal, fmt::format(
                                "{} is damaged ({}): save the environment's backup settings again.",
                                place.settings().string(), settings.error().message()
                            )
        );
    return std::optional(std::move(*settings));
}

Result<> save_settings(const BackupPlace& place, const SavedSettings& settings) {
    auto text = json::encode(settings);
    auto written = write_file(place.settings(), text, 0600);
    wipe(text);
    return written;
}

Result<> forget_settings(const BackupPlace& place) {
    std::error_code error;
    std::filesystem::remove(place.settings(), error);
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot remove {}: {}.", place.settings().string(), error.message())
        );
    return {};
}

} // namespace fairlead::backup
