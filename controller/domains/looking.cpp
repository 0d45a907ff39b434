#include "controller/domains/looking.hpp"

#include "common/crypto/hash.hpp"
#include "controller/domains/names.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::domains {
namespace {

using namespace std::chrono_literals;

constexpr auto record_time = 10s, file_time = 7s;

Looked found(Method method) {
    return {Finding::found, method, "", ""};
}

Looked missing(std::string code, std::string message) {
    return {Finding::missing, Method::none, std::move(code), std::move(message)};
}

/// The controller's own way out, of which nobody else can be blamed.
bool ours(const Error& error) {
    return error.code() == "egress_missing" || error.code() == "outbound_busy";
}

/// No server answered as one that speaks TLS for this name.
bool no_https(const Error& error) {
    return error.code() == "outbound_tls" || error.code() == "outbound_unreachable" ||
           error.code() == "outbound_cut";
}

Looked failed(const Error& error) {
    auto code = error.code().empty() ? std::string("outbound_failed") : error.code();
    return {
        ours(error) ? Finding::unknown : Finding::missing, Method::none, std::move(code),
        error.message()};
}

Looked judge_file(const Domain& domain, const outbound::Answer& answer, std::string_view scheme) {
    auto where = fmt::format("{}://{}{}", scheme, domain.name, file_path(domain));
    if (answer.status != 200)
        return missing(
            "file_missing",
            fmt::format(
                "{} answers {}, not 200 with the file.{}", where, answer.status,
                answer.status >= 300 && answer.status < 400 ? " Redirects are not followed." : ""
            )
        );
    std::string_view text = answer.body;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    if (text != file_text(domain))
        return missing(
            "file_differs",
            fmt::format("{} answers something else than the file's one line.", where)
        );
    return found(Method::file);
}

/// A web server said itself that the file is not there.
bool answered(const Looked& file) {
    return file.code == "file_missing" || file.code == "file_differs";
}

} // namespace

std::string record_value(const Domain& domain) {
    return "fairlead-domain=" + domain.token;
}

std::string file_path(const Domain& domain) {
    return "/.well-known/fairlead-challenge/" + domain.token;
}

std::string file_text(const Domain& domain) {
    auto digest =
        crypto::sha256(fmt::format("fairlead-domain/{}/{}", base_of(domain.name), domain.token));
    return "fairlead-domain=" + digest.hex();
}

Looked OutsideLooker::look_at_record(const Domain& domain) {
    std::string host(base_of(domain.name));
    auto texts = challenges_.records(host, std::chrono::steady_clock::now() + record_time);
    if (!texts) {
        auto looked = failed(texts.error());
        looked.finding = Finding::unknown;
        return looked;
    }
    auto name = fmt::format("{}{}", challenge_label, host);
    if (texts->empty())
        return missing("record_missing", fmt::format("{} has no TXT record of Fairlead.", name));
    if (std::ranges::find(*texts, record_value(domain)) == texts->end())
        return missing(
            "record_differs",
            fmt::format(
                "{} has a TXT record of Fairlead with another value: it is of another claim, or "
                "one that is over.",
                name
            )
        );
    return found(Method::dns);
}

Looked OutsideLooker::look_at_file(const Domain& domain) {
    outbound::Request request;
    request.url = fmt::format("https://{}{}", domain.name, file_path(domain));
    request.headers.add("user-agent", "Fairlead-Domains/1");
    request.headers.add("accept", "text/plain, */*");
    request.limit = file_time;
    request.body_bytes = 4096;
    auto secure = outbound_.send(request);
    if (secure) return judge_file(domain, *secure, "https");
    if (!no_https(secure.error())) return failed(secure.error());
    auto plain = challenges_.plain_file(
        domain.name, domain.token, std::chrono::steady_clock::now() + file_time
    );
    if (!plain) return failed(ours(plain.error()) ? plain.error() : secure.error());
    // One that leads to https says that https is where to look, and that was done.
    if (plain->status >= 300 && plain->status < 400) return failed(secure.error());
    return judge_file(domain, *plain, "http");
}

Looked OutsideLooker::look(const Domain& domain) {
    auto record = look_at_record(domain);
    if (record.finding == Finding::found || is_wildcard(domain.name)) return record;
    auto file = look_at_file(domain);
    if (file.finding == Finding::found) return file;
    // What cannot be known of one of them is not known of both; but a proof by file that the name's
    // own server does not give out is gone, whatever its name servers do.
    bool gone = domain.method == Method::file && answered(file);
    if (record.finding == Finding::unknown && !gone) return record;
    if (file.finding == Finding::unknown) {
        // A proof by record needs no file.
        return domain.method == Method::dns ? record : file;
    }
    auto both = domain.method == Method::file ? file : record;
    both.message = record.message + " " + file.message;
    return both;
}

} // namespace fairlead::domains
