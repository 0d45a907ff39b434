#include "controller/certificates/letters.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::certificates {
namespace {

std::string paragraph_of(const Certificate& c, const std::optional<Pause>& pause) {
    auto text = c.name + "\n";
    text += c.failing_since_ms
                ? "No certificate could be had since " + to_rfc3339(*c.failing_since_ms) + "."
                : "A new certificate has been waited for since " + to_rfc3339(c.next_ms) + ".";
    // Its own failure comes first, unless nothing is asked for at all any more.
    if (pause && (!pause->until || c.error_message.empty()))
        text += " " + pause->message;
    else if (!c.error_message.empty())
        text += " " + c.error_message;
    if (c.not_after_ms)
        text += " The one that is served is good until " + to_rfc3339(*c.not_after_ms) + ".";
    return text + "\n\n";
}

} // namespace

Letter letter_of(const News& news) {
    const auto& [trouble, certificates, pause] = news;
    bool ending = trouble == Trouble::ending;
    auto count = certificates.size();
    Letter letter;
    if (count == 1)
        letter.subject = ending ? "The certificate of " + certificates.front().name + " ends soon"
                                : "There is no new certificate for " + certificates.front().name;
    else
        letter.subject = ending ? fmt::format("The certificates of {} names end soon", count)
                                : fmt::format("There are no new certificates for {} names", count);
    for (std::size_t i = 0; i < std::min(count, most_listed); ++i)
        letter.text += paragraph_of(certificates[i], pause);
    if (count > most_listed) letter.text += fmt::format("And {} more.\n\n", count - most_listed);
    letter.text += "Browsers warn whoever comes to a name without a certificate that is good. ";
    letter.text += pause && !pause->until ? "What the controller knows stands at"
                                          : "It is tried again by itself. What the controller "
                                            "knows stands at";
    return letter;
}

} // namespace fairlead::certificates
