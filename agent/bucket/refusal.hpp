/// What a server said when it did not do what was asked, as an Error that a person can act on.
#pragma once

#include "agent/bucket/access.hpp"
#include "agent/bucket/http_text.hpp"
#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::bucket {

/// What was asked, for the sentence.
struct Asked {
    std::string_view endpoint; ///< as a URL
    std::string_view bucket;
    std::string_view key;   ///< whole; empty: the bucket
    std::string_view right; ///< "s3:PutObject"
    std::string_view region;
};

/// The document Error, or what a head alone tells.
struct Said {
    int status = 0;
    std::string code;
    std::string message;
    std::string region; ///< the bucket's own, where the server names it
};
Said said_of(const Head& head, std::string_view body);

/// Codes: storage_key_refused, storage_forbidden, storage_bucket_missing, storage_region_wrong,
/// storage_full, storage_object_missing, storage_damaged, storage_not_supported, storage_failed;
/// "storage_upload_missing" for a multipart upload that is not there. The server's words go to
/// `detail`, without any character of the keys.
Error refusal(const Asked& asked, const Said& said, const Access& access);

/// "bucket b at https://s3.example.com" or "k in bucket b at …".
std::string name_of(const Asked& asked);

} // namespace fairlead::bucket
