#include "controller/certificates/uacme.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "controller/certificates/bridge.hpp"
#include "controller/certificates/hook.hpp"
#include "controller/certificates/words.hpp"
#include "controller/certificates/workplace.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::certificates {
namespace {

tl::unexpected<Error> failed(std::string_view code, std::string message) {
    return fail(Error(Errc::unavailable, std::move(message)).with_code(std::string(code)));
}

} // namespace

struct Uacme::Run {
    Workplace place;
    std::unique_ptr<Bridge> bridge;
};

Result<egress::Place> place_of(const std::string& directory) {
    auto wrong = [&] {
        return fail(
            Errc::invalid,
            "\"" + directory.substr(0, 300) + "\" is no https address of an ACME directory."
        );
    };
    constexpr std::string_view scheme = "https://";
    if (!directory.starts_with(scheme) || directory.size() > longest_directory ||
        !std::ranges::all_of(directory, [](char c) { return c > ' ' && c < 0x7f; }))
        return wrong();
    auto end = std::min(directory.find_first_of("/?#", scheme.size()), directory.size());
    auto place = egress::parse_place(directory.substr(scheme.size(), end - scheme.size()));
    if (!place) return wrong();
    return place;
}

Result<Uacme::Run> Uacme::prepare(const Account& account) const {
    FAIRLEAD_TRY(place, Workplace::make(parts_.base));
    auto keys = place.path() / "private";
    if (::mkdir(keys.c_str(), 0700) != 0)
        return fail(
            Errc::internal, "The folder " + keys.string() + " cannot be made.", std::strerror(errno)
        );
    FAIRLEAD_CHECK(write_file(keys / "key.pem", account.key_pem.reveal(), 0600));
    Run run{std::move(place), nullptr};
    if (parts_.way) {
        FAIRLEAD_TRY(to, place_of(account.directory));
        auto until = std::chrono::steady_clock::now() + parts_.limit;
        FAIRLEAD_TRY(bridge, Bridge::open(*parts_.way, to, until));
        run.bridge = std::move(bridge);
    }
    return run;
}

/// Everything that it said, when it ended well.
Result<std::string> Uacme::end(
    const Run& run, std::vector<std::string> words, const Account& account,
    const std::stop_token& stop, Well also
) const {
    Command command;
    command.argv = {parts_.program, "-v", "-n", "-a", account.directory, "-c", "."};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.folder = run.place.path().string();
    command.environment = {{"HOME", command.folder}, {hook_variable, HookServer::socket_name}};
    if (run.bridge)
        command.environment.emplace_back("https_proxy", std::string(run.bridge->url().reveal()));
    command.deadline = parts_.limit;
    command.output_limit = most_output;
    command.stop = stop;
    auto ended = fairlead::run(command);
    if (!ended && ended.error().kind() == Errc::not_found)
        return failed(
            "acme_client_missing", "This controller's operator has to install " + parts_.program +
                                       ", which asks for certificates: apt-get install uacme."
        );
    if (!ended) return fail(ended.error());
    if (ended->stopped) return failed("stopped", "The controller was stopped.");
    if (ended->ok() || (also && also(ended->output))) return std::move(ended->output);
    if (ended->timed_out)
        return failed(
            "acme_timeout", "The certificate authority did not come to an end within " +
                                std::to_string(parts_.limit.count()) + " s."
        );
    auto why = failure_in(ended->output, account.directory);
    // What the client saw of it is an answer of the bridge.
    if (auto shut = run.bridge ? run.bridge->failure() : std::nullopt;
        shut && why.code() == "acme_unreachable")
        return failed(
            shut->code() == "egress_missing" ? "egress_missing" : "acme_unreachable",
            "The certificate authority at " + account.directory +
                " cannot be reached: " + shut->message()
        );
    return fail(std::move(why));
}

Result<> Uacme::enrol(const Account& account, const std::stop_token& stop) {
    FAIRLEAD_TRY(run, prepare(account));
    std::vector<std::string> words{"-y"};
    // It takes the key as an argument alone. It is of use for one registration, which is this one.
    if (parts_.external) {
        words.emplace_back("-e");
        words.push_back(parts_.external->key_id + ":" + std::string(parts_.external->key.reveal()));
    }
    words.insert(words.end(), {"new", account.contact});
    FAIRLEAD_TRY(said, end(run, words, account, stop, &is_registered));
    if (!is_registered(said)) return {};
    // Known there since before, perhaps with another contact.
    FAIRLEAD_CHECK(end(run, {"update", account.contact}, account, stop));
    return {};
}

Result<std::string>
Uacme::issue(const Account& account, const Order& order, const std::stop_token& stop) {
    FAIRLEAD_TRY(run, prepare(account));
    FAIRLEAD_CHECK(write_file(run.place.path() / "csr.pem", order.csr_pem, 0600));
    FAIRLEAD_TRY(hook, HookServer::open(run.place.path().string(), parts_.challenges, order.name));
    // -o: no question to an OCSP responder, which would be another place to reach.
    FAIRLEAD_CHECK(end(run, {"-o", "-f", "-h", parts_.hook, "issue", "csr.pem"}, account, stop));
    auto chain = read_file(run.place.path() / "csr-cert.pem", largest_chain);
    if (!chain)
        return failed(
            "acme_bad_certificate", "The certificate authority sent no certificate, or one of more "
                                    "than 64 KiB."
        );
    return chain;
}

} // namespace fairlead::certificates
