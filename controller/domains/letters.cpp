#include "controller/domains/letters.hpp"

#include <fmt/core.h>

namespace fairlead::domains {

Letter letter_of(const Domain& domain, News news) {
    const auto& name = domain.name;
    if (news == News::expired)
        return {
            fmt::format("The claim of {} is over", name),
            fmt::format(
                "{} was claimed a week ago, and its proof was not found.\n\n{}\n\nNothing is "
                "routed for it. Claim it again if it is still wanted: it gets a new proof.",
                name, domain.error_message
            )};
    if (news == News::failed)
        return {
            fmt::format("{} is not routed any more", name),
            fmt::format(
                "The proof of {} has been missing for three days.\n\n{}\n\nThe name is free for "
                "others now. Claim it again if it is yours: it gets a new proof.",
                name, domain.error_message
            )};
    return {
        fmt::format("The proof of {} is missing", name),
        fmt::format(
            "{} was proved, and its proof is not there any more.\n\n{}\n\nIt is looked for every "
            "six hours. If it stays away for three days, {} is not routed any more. Settings, "
            "Domains shows what belongs where.",
            name, domain.error_message, name
        )};
}

} // namespace fairlead::domains
