/// Looks after certificates, on a thread of its own: one attempt at a time.
#pragma once

#include "common/runtime/rounds.hpp"
#include "controller/certificates/certificates.hpp"

namespace fairlead::certificates {

class Keeper {
public:
    Keeper(Certificates& certificates, const Clock& clock);
    Keeper(const Keeper&) = delete;

    /// Shows what there is; then the thread. Throws when the store cannot be read.
    void start();
    /// Ends the attempt under way; it is made again after the next start.
    void stop() { rounds_.stop(); }
    /// Cheap; never blocks.
    void wake() { rounds_.wake(); }

    /// How long a change of names may take to be noticed.
    static constexpr auto longest_sleep = std::chrono::seconds(15);

private:
    Result<bool> round(const std::stop_token& stop);
    std::chrono::milliseconds pause() const;

    Certificates& certificates_;
    const Clock& clock_;
    Rounds rounds_; ///< last: it uses the others
};

} // namespace fairlead::certificates
