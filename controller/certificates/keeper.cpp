#include "controller/certificates/keeper.hpp"

#include <algorithm>
#include <stdexcept>

namespace fairlead::certificates {

Keeper::Keeper(Certificates& certificates, const Clock& clock)
    : certificates_(certificates), clock_(clock),
      rounds_(
          {"looking after certificates",
           [this](const std::stop_token& stop) { return round(stop); }, [this] { return pause(); }}
      ) {}

void Keeper::start() {
    if (auto loaded = certificates_.load(); !loaded)
        throw std::runtime_error("certificates cannot be read: " + loaded.error().message());
    rounds_.start();
}

Result<bool> Keeper::round(const std::stop_token& stop) {
    FAIRLEAD_CHECK(certificates_.sync());
    FAIRLEAD_CHECK(certificates_.watch());
    // One, and then the names again: many that wait do not hide what was taken away.
    return certificates_.step(stop);
}

std::chrono::milliseconds Keeper::pause() const {
    auto next = certificates_.next();
    auto now = clock_.now();
    // What is due and yet waits has used up what is allowed in an hour.
    if (!next || !*next || **next <= now) return longest_sleep;
    return std::min<std::chrono::milliseconds>(**next - now, longest_sleep);
}

} // namespace fairlead::certificates
