/// Why git could not fetch: from its own words to a sentence, a code and a cure.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::host {

/// `output`: the last lines of git, and of ssh under it, in English. `with_credential`: one was
/// given. `codes`: "branch_missing", "git_denied", "git_host_key_changed", "git_key_unusable",
/// "git_repository_missing", "git_certificate", "disk_full", "ssh_missing", "git_unreachable".
Error explain_fetch(
    const std::string& url, const std::string& branch, bool with_credential, std::string_view output
);

/// What a person can do about an error of that code.
std::string cure_of(std::string_view code, const std::string& url, const std::string& branch);

} // namespace fairlead::host
