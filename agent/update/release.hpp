/// Whether a package is the release's: by the key that came with the agent, whoever hands it out.
#pragma once

#include "common/crypto/sign.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead::update {

/// "-----BEGIN PUBLIC KEY-----" with an Ed25519 key. Errc::invalid.
Result<crypto::VerifyKey> parse_release_key(std::string_view pem);

/// The SHA-256 sum, in hexadecimal, that the release key's holder signed for this package. Errc::
/// forbidden: update_signature, update_not_listed.
Result<std::string>
signed_sum(const proto::AgentUpdateArgs& args, const std::filesystem::path& key_file);

} // namespace fairlead::update
