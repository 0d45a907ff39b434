// What each provider fixes of a storage.
#include "controller/backups/checks.hpp"
#include "controller/environments/checks.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::backups {
namespace {

constexpr std::string_view r2_domain = ".r2.cloudflarestorage.com";
constexpr std::string_view b2_domain = ".backblazeb2.com";

bool lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

/// "https://host[:port]" in lower case; the host goes to `host`.
bool read_endpoint(api::Checks& checks, std::string& endpoint, std::string& host) {
    auto text = lower(endpoint);
    constexpr std::string_view scheme = "https://";
    if (!text.starts_with(scheme)) {
        checks.wrong("endpoint", "must begin with https://");
        return false;
    }
    if (text.size() > scheme.size() && text.ends_with('/')) text.pop_back();
    auto authority = std::string_view(text).substr(scheme.size());
    api::Checks shape;
    environments::check_host(shape, "endpoint", authority);
    auto colon = authority.find(':');
    auto port =
        colon == std::string_view::npos ? std::string_view("443") : authority.substr(colon + 1);
    bool fine = shape.result().has_value() && text.size() <= 300 && !port.empty() &&
                port.size() <= 5 &&
                std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    if (fine) {
        auto number = std::stoul(std::string(port));
        fine = number >= 1 && number <= 65535;
    }
    if (!fine) {
        checks.wrong(
            "endpoint", "must be https:// and a host, perhaps with a port, and no path: "
                        "https://s3.example.org:9000"
        );
        return false;
    }
    host = authority.substr(0, colon);
    endpoint = std::move(text);
    return true;
}

void check_region(api::Checks& checks, std::string_view region) {
    bool fine = !region.empty() && region.size() <= 60 && std::ranges::all_of(region, [](char c) {
        return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
    checks.that(fine, "region", "must be 1 to 60 letters, digits, - and _");
}

void fit_aws(api::Checks& checks, Storage& row) {
    if (row.region.empty())
        return checks.wrong("region", "is needed for aws, such as eu-central-1");
    bool china = row.region.starts_with("cn-");
    std::string_view domain = china ? ".amazonaws.com.cn" : ".amazonaws.com";
    if (row.endpoint.empty()) row.endpoint = fmt::format("https://s3.{}{}", row.region, domain);
    std::string host;
    if (!read_endpoint(checks, row.endpoint, host)) return;
    checks.that(
        host.ends_with(domain), "endpoint",
        fmt::format(
            "is \"{}\", which is none of aws ({}); leave it out, or say other", host, domain
        )
    );
}

void fit_r2(api::Checks& checks, Storage& row, const StorageWishes& wishes) {
    if (wishes.account_id) {
        bool fine =
            wishes.account_id->size() == 32 && std::ranges::all_of(*wishes.account_id, [](char c) {
                return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            });
        if (!fine)
            return checks.wrong("account_id", "must be the 32 hex digits of a Cloudflare account");
        auto made = fmt::format("https://{}{}", *wishes.account_id, r2_domain);
        if (wishes.endpoint && lower(*wishes.endpoint) != made)
            return checks.wrong("endpoint", "and account_id contradict each other; leave one out");
        row.endpoint = std::move(made);
    }
    if (row.region.empty()) row.region = "auto";
    checks.that(row.region == "auto", "region", "is auto for r2; leave it out");
    checks.that(
        row.object_lock == proto::ObjectLock::none, "object_lock",
        "is not known to r2: use a bucket lock rule there instead"
    );
    if (row.endpoint.empty())
        return checks.wrong("account_id", "is needed for r2, or the endpoint that r2 shows");
    std::string host;
    if (!read_endpoint(checks, row.endpoint, host)) return;
    checks.that(
        host.ends_with(r2_domain) && host.size() > r2_domain.size(), "endpoint",
        fmt::format("is \"{}\", and r2 has <account>{}", host, r2_domain)
    );
}

void fit_b2(api::Checks& checks, Storage& row) {
    std::string host;
    if (!row.endpoint.empty()) {
        if (!read_endpoint(checks, row.endpoint, host)) return;
        bool shaped = host.starts_with("s3.") && host.ends_with(b2_domain) &&
                      host.size() > 3 + b2_domain.size();
        if (!shaped)
            return checks.wrong(
                "endpoint", fmt::format("is \"{}\", and b2 has s3.<region>{}", host, b2_domain)
            );
        auto named = host.substr(3, host.size() - 3 - b2_domain.size());
        if (row.region.empty()) row.region = named;
        checks.that(
            row.region == named, "region",
            fmt::format(
                "is \"{}\", and the endpoint is of \"{}\"; leave one out", row.region, named
            )
        );
        return;
    }
    if (row.region.empty())
        return checks.wrong("region", "is needed for b2, such as eu-central-003");
    row.endpoint = fmt::format("https://s3.{}{}", row.region, b2_domain);
}

void fit_other(api::Checks& checks, Storage& row) {
    if (row.region.empty()) row.region = "us-east-1";
    if (row.endpoint.empty())
        return checks.wrong("endpoint", "is needed, such as https://minio.example.org:9000");
    std::string host;
    (void)read_endpoint(checks, row.endpoint, host);
}

void check_bucket(api::Checks& checks, std::string_view bucket) {
    bool fine = bucket.size() >= 3 && bucket.size() <= 63 && lower_or_digit(bucket.front()) &&
                lower_or_digit(bucket.back()) && bucket.find("..") == std::string_view::npos &&
                bucket.find(".-") == std::string_view::npos &&
                bucket.find("-.") == std::string_view::npos &&
                std::ranges::all_of(bucket, [](char c) {
                    return lower_or_digit(c) || c == '-' || c == '.';
                });
    checks.that(
        fine, "bucket", "must be a bucket's name: 3 to 63 of a-z, 0-9, - and . between them"
    );
}

void check_prefix(api::Checks& checks, std::string_view prefix) {
    if (prefix.empty()) return;
    bool fine = prefix.size() <= 200;
    std::size_t start = 0;
    while (fine && start <= prefix.size()) {
        auto end = std::min(prefix.find('/', start), prefix.size());
        auto part = prefix.substr(start, end - start);
        fine =
            !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, [](char c) {
                return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
                       c == '-';
            });
        start = end + 1;
    }
    checks.that(
        fine, "prefix",
        "must be folders of letters, digits, ., _ and -, with single slashes "
        "between them and none at the ends"
    );
}

void fit(api::Checks& checks, Storage& row, const StorageWishes& wishes) {
    switch (row.provider) {
    case Provider::aws:
        fit_aws(checks, row);
        break;
    case Provider::r2:
        fit_r2(checks, row, wishes);
        break;
    case Provider::b2:
        fit_b2(checks, row);
        break;
    case Provider::minio:
    case Provider::ceph:
    case Provider::other:
        fit_other(checks, row);
        break;
    }
}

} // namespace

void complete(api::Checks& checks, Storage& row, const StorageWishes& wishes, bool fresh) {
    bool preset = row.provider == Provider::aws || row.provider == Provider::r2 ||
                  row.provider == Provider::b2;
    // An endpoint that came from the region before goes with it.
    if (!wishes.endpoint && (fresh || (preset && wishes.region))) row.endpoint.clear();
    if (fresh && !wishes.region) row.region.clear();
    if (wishes.endpoint) row.endpoint = *wishes.endpoint;
    if (wishes.region) row.region = *wishes.region;
    checks.that(
        !wishes.account_id || row.provider == Provider::r2, "account_id", "goes with r2 alone"
    );
    if (wishes.region) check_region(checks, *wishes.region);
    // Whatever else the provider asks for.
    std::string given = wishes.endpoint.value_or(""), host;
    bool readable = !wishes.endpoint || read_endpoint(checks, given, host);
    if (readable) fit(checks, row, wishes);
    check_bucket(checks, row.bucket);
    check_prefix(checks, row.prefix);
    bool dotted = row.bucket.find('.') != std::string::npos;
    if (wishes.addressing)
        row.addressing = *wishes.addressing;
    else if (fresh)
        row.addressing = row.provider == Provider::aws && !dotted ? proto::Addressing::virtual_host
                                                                  : proto::Addressing::path;
    checks.that(
        row.addressing == proto::Addressing::path || !dotted, "addressing",
        "must be path for a bucket with a dot: its host would fit no certificate"
    );
    check_secret(checks, "access_key", row.access_key, 200);
    checks.that(
        row.ca.empty() || (row.ca.size() <= 32768 &&
                           row.ca.find("-----BEGIN CERTIFICATE-----") != std::string::npos &&
                           row.ca.find("PRIVATE KEY") == std::string::npos),
        "ca", "must be certificates in PEM, at most 32 KiB, and no private key"
    );
    bool locked = row.object_lock != proto::ObjectLock::none;
    checks.that(
        locked ? row.object_lock_days >= 1 && row.object_lock_days <= 3650
               : row.object_lock_days == 0,
        "object_lock_days",
        locked ? "must be from 1 to 3650" : "goes with an object lock; 0 without one"
    );
}

} // namespace fairlead::backups
