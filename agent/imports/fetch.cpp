#include "agent/imports/fetch.hpp"

#include "agent/bucket/https.hpp"
#include "common/crypto/hash.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

namespace fairlead::imports {
namespace {

using proto::SourceUrl;

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

/// "bytes 100-199/200": where it begins, and the whole size (0: not said).
struct Span {
    std::uint64_t from = 0, whole = 0;
};
std::optional<Span> parse_content_range(std::string_view text) {
    if (!text.starts_with("bytes ")) return std::nullopt;
    text.remove_prefix(6);
    Span span;
    auto [mid, bad] = std::from_chars(text.data(), text.data() + text.size(), span.from);
    if (bad != std::errc()) return std::nullopt;
    auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto rest = text.substr(slash + 1);
    std::from_chars(rest.data(), rest.data() + rest.size(), span.whole);
    return span;
}

/// However many of them bring something new.
constexpr unsigned most_connections = 200;

tl::unexpected<Error> tls_failed(const SourceUrl& url, const Error& error) {
    return failed(
        Errc::unavailable, "import_tls_failed",
        fmt::format(
            "TLS with {} failed{}. Its certificate must be for that name, and be vouched for by "
            "the "
            "authorities that this server trusts (/etc/ssl/certs).",
            url.authority(), error.detail().empty() ? "" : ": " + error.detail()
        )
    );
}

class Fetch {
public:
    Fetch(
        int file, const FetchRules& rules,
        const std::function<void(std::uint64_t, std::uint64_t)>& progress,
        const std::stop_token& stop
    )
        : file_(file), rules_(rules), progress_(progress), stop_(stop) {}

    Result<Fetched> run(const SourceUrl& url) {
        unsigned without_news = 0, connections = 0;
        auto pause = rules_.pause;
        for (;;) {
            auto before = bytes_;
            auto done = follow_from(url);
            if (done) break;
            auto code = done.error().code();
            bool again =
                code == "storage_unreachable" || code == "storage_cut" || code == "import_busy";
            if (code == "storage_tls_failed") return tls_failed(url, done.error());
            if (!again) return tl::unexpected(std::move(done).error());
            without_news = bytes_ > before ? 1 : without_news + 1;
            ++connections;
            if (without_news >= rules_.attempts || connections == most_connections)
                return failed(
                    Errc::unavailable, code == "storage_cut" ? "import_cut" : "import_unreachable",
                    fmt::format("{} It was tried {} times.", done.error().message(), connections)
                );
            if (!wait(pause)) return tl::unexpected(bucket::cancelled());
            pause = std::min(pause * 2, std::chrono::milliseconds(30'000));
        }
        if (::fsync(file_) != 0)
            return failed(
                Errc::internal, "disk_full",
                fmt::format("What was fetched cannot be written: {}.", std::strerror(errno))
            );
        return Fetched{bytes_, hash_.finish().hex()};
    }

private:
    bool wait(std::chrono::milliseconds time) {
        std::mutex mutex;
        std::condition_variable_any woken;
        std::unique_lock lock(mutex);
        woken.wait_for(lock, stop_, time, [] { return false; });
        return !stop_.stop_requested();
    }

    Result<> check(const SourceUrl& url) const {
        if (!proto::among(rules_.domains, url.host))
            return failed(
                Errc::forbidden, "import_domain_refused",
                fmt::format(
                    "{} is not among the domains that the organization's security settings let "
                    "data come from.",
                    url.host
                )
            );
        return rules_.permit ? rules_.permit(url) : Result<>();
    }

    /// From the first address on: a signed one may lead somewhere else by now.
    Result<> follow_from(SourceUrl url) {
        for (unsigned hop = 0;; ++hop) {
            FAIRLEAD_CHECK(check(url));
            FAIRLEAD_TRY(location, ask(url));
            if (!location) return {};
            if (hop == rules_.redirects)
                return failed(
                    Errc::forbidden, "import_redirect_refused",
                    fmt::format(
                        "{} redirects more than {} times: give the address where it ends.",
                        url.host, rules_.redirects
                    )
                );
            auto next = proto::follow(url, *location);
            if (!next)
                return failed(
                    Errc::forbidden, "import_redirect_refused",
                    fmt::format(
                        "{} redirects to an address that is not fetched from: it {}.", url.host,
                        next.error().message()
                    )
                );
            url = std::move(*next);
        }
    }

    /// Where to go on, or nothing when all is here.
    Result<std::optional<std::string>> ask(const SourceUrl& url) {
        bucket::Endpoint endpoint{true, url.host, url.port};
        auto rule = [&](const IpAddress& address) {
            return permit_address(url.host, address, rules_.networks);
        };
        auto trust = rules_.trust;
        if (!trust) {
            FAIRLEAD_TRY(common, bucket::Trust::make(""));
            trust = common;
        }
        bucket::Connection connection(endpoint, trust, rule);
        bucket::Request request;
        request.method = "GET";
        request.target = url.target();
        request.headers = {
            {"Host", url.authority()},
            {"User-Agent", "fairlead-agent"},
            {"Accept", "*/*"},
            {"Accept-Encoding", "identity"},
            {"Connection", "close"}};
        if (bytes_ > 0 && !mark_.empty()) {
            request.headers.emplace_back("Range", fmt::format("bytes={}-", bytes_));
            request.headers.emplace_back("If-Range", mark_);
        }
        began_ = false;
        refused_bytes_ = 0;
        auto taker = [&](const bucket::Head& head, std::string_view part) {
            return this->take(head, part);
        };
        auto head = connection.exchange(request, taker, rules_.patience, stop_);
        if (!head) return tl::unexpected(std::move(head).error());
        return judge(url, *head);
    }

    Result<std::optional<std::string>> judge(const SourceUrl& url, const bucket::Head& head) {
        auto status = head.status;
        if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
            return std::optional(std::string(head.at("location")));
        if (status == 200 || status == 206) {
            FAIRLEAD_CHECK(begin(head)); // a file without a byte
            return std::optional<std::string>();
        }
        if (status == 404 || status == 410)
            return failed(
                Errc::not_found, "import_not_found",
                fmt::format("{} has nothing at that address ({}).", url.host, status)
            );
        if (status == 401 || status == 403)
            return failed(
                Errc::forbidden, "import_denied",
                fmt::format(
                    "{} does not give it out ({}). Use a signed address that is still good.",
                    url.host, status
                )
            );
        if (status == 408 || status == 429 || status >= 500)
            return failed(
                Errc::unavailable, "import_busy", fmt::format("{} answers {}.", url.host, status)
            );
        return failed(
            Errc::invalid, "import_denied",
            fmt::format("{} answers {} instead of a file.", url.host, status)
        );
    }

    /// Once for each answer that holds the file, before its first byte.
    Result<> begin(const bucket::Head& head) {
        if (began_) return {};
        began_ = true;
        if (auto coding = head.at("content-encoding"); !coding.empty() && coding != "identity")
            return failed(
                Errc::invalid, "import_denied",
                fmt::format(
                    "The server sends the file in the coding \"{}\", though none was asked for.",
                    coding.substr(0, 40)
                )
            );
        auto length = head.length().value_or(0);
        if (head.status == 206) {
            auto span = parse_content_range(head.at("content-range"));
            if (!span || span->from != bytes_)
                return failed(
                    Errc::invalid, "import_cut",
                    "The server goes on at another place than the one that was asked for."
                );
            whole_ = span->whole != 0 ? span->whole : bytes_ + length;
        } else {
            if (::ftruncate(file_, 0) != 0 || ::lseek(file_, 0, SEEK_SET) != 0)
                return failed(
                    Errc::internal, "disk_full",
                    fmt::format("What was fetched cannot be written: {}.", std::strerror(errno))
                );
            bytes_ = 0;
            hash_ = crypto::Sha256();
            whole_ = length;
            // A weak one does not promise the same bytes.
            mark_ = std::string(head.at("etag"));
            if (mark_.starts_with("W/") || mark_.find_first_of("\r\n") != std::string::npos ||
                head.at("accept-ranges") == "none")
                mark_.clear();
            if (mark_.empty() && head.at("accept-ranges") == "bytes")
                mark_ = std::string(head.at("last-modified"));
        }
        return whole_ > rules_.max_bytes ? too_large(whole_) : Result<>();
    }

    Result<> too_large(std::uint64_t bytes) const {
        return failed(
            Errc::invalid, "import_too_large",
            fmt::format(
                "The file has {} {} MiB and there is room for {} MiB: free more on this server's "
                "disk.",
                bytes == whole_ ? "" : "at least", bytes >> 20, rules_.max_bytes >> 20
            )
        );
    }

    Result<> take(const bucket::Head& head, std::string_view part) {
        if (head.status != 200 && head.status != 206) {
            // Pages that say why not: read to their end for the sake of the status, not longer.
            refused_bytes_ += part.size();
            if (refused_bytes_ <= 1 << 20) return {};
            return failed(
                Errc::invalid, "import_denied",
                fmt::format("The server answers {} instead of a file.", head.status)
            );
        }
        FAIRLEAD_CHECK(begin(head));
        if (bytes_ + part.size() > rules_.max_bytes) return too_large(bytes_ + part.size());
        for (auto rest = part; !rest.empty();) {
            auto written = ::write(file_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0)
                return failed(
                    Errc::internal, "disk_full",
                    fmt::format("What was fetched cannot be written: {}.", std::strerror(errno))
                );
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        hash_.add(part);
        bytes_ += part.size();
        if (progress_) progress_(bytes_, whole_);
        return {};
    }

    int file_;
    const FetchRules& rules_;
    const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
    const std::stop_token& stop_;
    std::uint64_t bytes_ = 0, whole_ = 0, refused_bytes_ = 0;
    std::string mark_; ///< what If-Range wants; empty: it cannot go on
    bool began_ = false;
    crypto::Sha256 hash_;
};

} // namespace

Result<> permit_address(
    const std::string& host, const IpAddress& address, const std::vector<IpNetwork>& networks
) {
    if (address.is_public()) return {};
    for (const auto& network : networks)
        if (network.holds(address)) return {};
    return failed(
        Errc::forbidden, "import_address_refused",
        fmt::format(
            "{} is at {}, which is not on the internet, and nothing is fetched from there. Whoever "
            "administers this server can allow it under \"networks\" in its policy file.",
            host, address.text()
        )
    );
}

Result<Fetched> fetch(
    const SourceUrl& url, int file, const FetchRules& rules,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress, const std::stop_token& stop
) {
    return Fetch(file, rules, progress, stop).run(url);
}

} // namespace fairlead::imports
