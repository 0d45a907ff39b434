#include "controller/backups/copy_words.hpp"

#include "common/json/json.hpp"
#include "proto/operations.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace fairlead::backups {

namespace k = proto::kind;

bool is_step(std::string_view kind) {
    constexpr std::string_view kinds[] = {k::backup, k::deploy,  k::recipient,
                                          k::grant,  k::restore, k::clone};
    return std::ranges::find(kinds, kind) != std::end(kinds);
}

api::Act act_on(const Copy& copy, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "environment";
    act.target_id = copy.target_id.str();
    act.target_name = copy.target_name;
    return act;
}

std::string
failure_of(const Copy& copy, std::string_view step, std::string_view server, std::string_view why) {
    const auto& target = copy.target_name;
    // What there is by then of an environment that was made for this copy.
    auto left = copy.new_target
                    ? fmt::format("{} was made for it and stays, without these data", target)
                    : fmt::format("{} is as it was", target);
    if (step == k::backup)
        return fmt::format("No backup of {} could be made: {} {}.", copy.source_name, why, left);
    if (step == k::deploy)
        return fmt::format(
            "{} was made, and could not be deployed: {} It stays. Mend that, deploy it, and "
            "restore "
            "the backup into it.",
            target, why
        );
    if (step == k::recipient)
        return fmt::format(
            "{} did not say for which key {} is to be granted the backup: {} {}.", server, target,
            why, left
        );
    if (step == k::grant)
        return fmt::format(
            "{}, which holds the key of {}, did not let {} open the backup: {} {}. Restore again "
            "when that is mended.",
            server, copy.source_name, target, why, left
        );
    return fmt::format(
        "The data of {} could not be put in place: {} {}.", copy.source_name, why, left
    );
}

std::string
by_hand(const Backup& backup, const std::optional<Storage>& storage, std::string_view target_slug) {
    // The environment's own identity is the first that opens it.
    auto opened_by =
        json::decode<std::vector<std::string>>(backup.recipients, json::Strictness::lenient);
    if (opened_by && opened_by->size() < 2)
        return "There was no recovery key when this backup was made, so nobody else opens it: "
               "bring "
               "that server back, or the file backup/identity of the environment from a copy of "
               "it.";
    std::string where = "--endpoint … --bucket … --access-key …";
    if (storage) {
        where = fmt::format(
            "--endpoint {} --region {} --bucket {} --access-key {}", storage->endpoint,
            storage->region, storage->bucket, storage->access_key
        );
        if (!storage->prefix.empty()) where += " --prefix " + storage->prefix;
        if (storage->addressing == proto::Addressing::virtual_host) where += " --virtual-host";
        if (!storage->ca.empty()) where += " --ca CA_FILE";
    }
    return fmt::format(
        "With the recovery key it goes without that server: on the target's server, with the "
        "bucket's secret key in FAIRLEAD_SECRET_KEY, run \"fairlead-agent backup restore {} --into "
        "{} --environment-id {} --identity RECOVERY_KEY_FILE {}\".",
        backup.id.str(), target_slug, backup.environment_id.str(), where
    );
}

} // namespace fairlead::backups
