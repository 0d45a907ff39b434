#include "agent/deploy/records.hpp"

#include "agent/host/systemd.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead::deploy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_record = 16 << 20;
constexpr std::size_t most_spec_bytes = 384 << 10; // of all in one inventory

template <class T>
Result<T> load(const fs::path& file) {
    FAIRLEAD_TRY(text, read_file(file, largest_record));
    auto record = json::decode<T>(text, json::Strictness::lenient, largest_record);
    if (!record)
        return fail(Errc::internal, file.string() + " is damaged: " + record.error().message());
    return record;
}

std::string state_of(const host::UnitState& service, const host::UnitState& socket) {
    if (service.active == "active") return "running";
    if (service.active == "activating" || service.active == "reloading") return "starting";
    if (service.active == "failed" || service.enabled()) return "failed";
    return socket.active == "active" ? "starting" : "stopped";
}

} // namespace

Result<std::optional<EnvironmentRecord>> load_environment(const Place& place) {
    auto record = load<EnvironmentRecord>(place.record());
    if (record) return std::optional(*record);
    if (record.error().kind() == Errc::not_found) return std::optional<EnvironmentRecord>();
    return fail(record.error());
}

Result<EnvironmentRecord> find_environment(const Place& place, const std::string& id) {
    FAIRLEAD_TRY(record, load_environment(place));
    if (!record)
        return fail(
            Error(Errc::not_found, "There is no environment " + place.slug + " on this server.")
                .with_code("environment_missing")
        );
    if (record->id != id)
        return fail(Error(
                        Errc::conflict, "The name " + place.slug +
                                            " belongs to another environment of this server (" +
                                            record->id + ")."
        )
                        .with_code("slug_taken"));
    return std::move(*record);
}

Result<> save_environment(const Place& place, const EnvironmentRecord& record) {
    return write_file(place.record(), json::encode(record), 0600);
}

Result<ReleaseRecord> load_release(const Place& place, std::uint32_t number) {
    auto record = load<ReleaseRecord>(place.release(number) / "release.json");
    if (!record && record.error().kind() == Errc::not_found)
        return fail(Error(
                        Errc::not_found, "The server does not keep release " +
                                             std::to_string(number) + " of " + place.slug + "."
        )
                        .with_code("release_missing"));
    return record;
}

Result<> save_release(const Place& place, const ReleaseRecord& record) {
    return write_file(
        place.release(record.info.number) / "release.json", json::encode(record), 0600
    );
}

std::vector<std::uint32_t> release_numbers(const Place& place) {
    std::vector<std::uint32_t> numbers;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(place.releases(), ignored)) {
        auto name = entry.path().filename().string();
        std::uint32_t number = 0;
        auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size()) numbers.push_back(number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

std::vector<Place> all_places(const Layout& layout) {
    std::vector<Place> places;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(layout.environments(), ignored))
        if (entry.is_directory(ignored))
            places.emplace_back(layout, entry.path().filename().string());
    std::ranges::sort(places, {}, &Place::slug);
    return places;
}

std::vector<proto::EnvironmentState> inventory(const Layout& layout) {
    std::vector<proto::EnvironmentState> found;
    std::size_t spec_bytes = 0;
    std::vector<std::string> units;
    for (const auto& place : all_places(layout)) {
        auto record = load_environment(place);
        if (!record)
            log::error(
                "an environment's record cannot be read",
                {{"environment", place.slug}, {"why", record.error().message()}}
            );
        if (!record || !*record) continue;
        proto::EnvironmentState state;
        state.id = (*record)->id;
        state.slug = place.slug;
        state.port = (*record)->port;
        state.tunnel.push_back(state.port);
        std::error_code ignored;
        for (auto number : release_numbers(place)) {
            auto release = load_release(place, number);
            if (!release) continue;
            release->info.live = number == (*record)->live;
            release->info.has_database_snapshot = fs::exists(place.snapshot(number), ignored);
            if (release->info.live) {
                auto& spec = release->environment;
                if (spec.gevent_port != 0 && spec.resources.workers > 0)
                    state.tunnel.push_back(spec.gevent_port);
                for (auto& variable : spec.variables) variable.value.clear();
                spec_bytes += json::encode(spec).size();
                if (spec_bytes <= most_spec_bytes) state.spec = std::move(spec);
            }
            state.releases.push_back(std::move(release->info));
        }
        if (fs::exists(place.held(), ignored))
            state.detail = "held back while an operation works on it";
        units.push_back(place.service());
        units.push_back(place.socket());
        found.push_back(std::move(state));
    }
    auto states = host::Systemd().states(units);
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!states) {
            found[i].state = "failed";
            found[i].detail = states.error().message();
            continue;
        }
        const auto& service = (*states)[2 * i];
        found[i].state = state_of(service, (*states)[2 * i + 1]);
        if (found[i].state == "failed" && found[i].detail.empty())
            found[i].detail = service.active == "failed" ? "systemd says: " + service.result
                                                         : "it is enabled and does not run";
    }
    return found;
}

} // namespace fairlead::deploy
