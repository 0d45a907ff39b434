#include "agent/host/git_failure.hpp"

#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::host {
namespace {

/// The lines that say something: not progress, and not what git advises programmers.
std::string last_words(std::string_view output) {
    std::string text;
    while (!output.empty()) {
        auto line = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(output.size(), line.size() + 1));
        bool telling = line.starts_with("fatal: ") || line.starts_with("error: ") ||
                       line.starts_with("remote: ") || line.starts_with("ssh: ") ||
                       line.find("ermission denied") != std::string_view::npos ||
                       line.starts_with("Load key") || line.starts_with("Connection ");
        if (telling && line != "error: ")
            text += (text.empty() ? "" : "; ") + std::string(utf8::cut(line, 300));
    }
    text.resize(utf8::cut(text, 600).size());
    while (text.ends_with('.')) text.pop_back(); // whoever shows it ends the sentence
    return text;
}

/// "git.example.org" of "ssh://git@git.example.org:22/x", "git@git.example.org:x" and https.
std::string host_in(std::string_view url) {
    if (auto scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('/'));
    if (auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
    if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
    return std::string(url.substr(0, url.find(':')));
}

} // namespace

Error explain_fetch(
    const std::string& url, const std::string& branch, bool with_credential, std::string_view output
) {
    auto says = [&](std::string_view text) { return output.find(text) != std::string_view::npos; };
    auto error = [](Errc kind, const char* code, std::string message) {
        return Error(kind, std::move(message)).with_code(code);
    };
    if (says("couldn't find remote ref"))
        return error(
            Errc::not_found, "branch_missing",
            fmt::format("The repository {} has no branch \"{}\".", url, branch)
        );
    if (says("No space left on device"))
        return error(
            Errc::unavailable, "disk_full",
            fmt::format("The disk became full while fetching {}.", url)
        );
    if (says("REMOTE HOST IDENTIFICATION HAS CHANGED") || says("Host key verification failed"))
        return error(
            Errc::unavailable, "git_host_key_changed",
            fmt::format(
                "The git server {} shows another host key than when it was first used, so nothing "
                "was sent to it: {}",
                host_in(url), url
            )
        );
    // git starts it through a shell, which has its own words.
    if (says("cannot run ssh") || says("ssh: not found") || says("ssh: command not found"))
        return error(
            Errc::unavailable, "ssh_missing",
            fmt::format("{} needs ssh, and this server has no ssh client.", url)
        );
    auto words = last_words(output);
    if (says("Load key "))
        return error(
            Errc::invalid, "git_key_unusable",
            fmt::format("The ssh key for {} cannot be used: {}", url, words)
        );
    if (says("Authentication failed") || says("could not read Username") ||
        says("could not read Password") || says("Permission denied (") ||
        says("returned error: 401") || says("returned error: 403"))
        return error(
            Errc::forbidden, "git_denied",
            fmt::format(
                "The git server {}, {}: {}",
                with_credential ? "refused the credential" : "wants a credential and none is set",
                url, words
            )
        );
    if (says("not found") || says("does not appear to be a git repository") ||
        says("returned error: 404"))
        return error(
            Errc::not_found, "git_repository_missing",
            fmt::format(
                "The git server shows no repository at {}{}: {}", url,
                with_credential ? " to this credential" : "", words
            )
        );
    if (says("certificate"))
        return error(
            Errc::unavailable, "git_certificate",
            fmt::format("This server does not trust the certificate of {}: {}", url, words)
        );
    if (words.empty()) words = output.substr(output.size() > 600 ? output.size() - 600 : 0);
    while (words.ends_with('\n')) words.pop_back();
    return error(
        Errc::unavailable, "git_unreachable", fmt::format("Cannot fetch {}: {}", url, words)
    );
}

std::string cure_of(std::string_view code, const std::string& url, const std::string& branch) {
    if (code == "branch_missing")
        return fmt::format(
            "Push the branch \"{}\", or name another one in the project or the environment.", branch
        );
    if (code == "disk_full") return "Free some space on the disk of /var/lib/fairlead.";
    if (code == "git_host_key_changed")
        return fmt::format(
            "Ask the owner of {0} whether its key was changed. If so, run this on the server: "
            "ssh-keygen -R '{0}' -f /var/lib/fairlead/git/known_hosts (for another port than 22: "
            "'[{0}]:PORT').",
            host_in(url)
        );
    if (code == "ssh_missing") return "Install openssh-client on the server.";
    if (code == "git_key_unusable") return "Store a private key without a passphrase (OpenSSH).";
    if (code == "git_denied")
        return "Store a token or deploy key that may read this repository, and choose it in the "
               "project.";
    if (code == "git_repository_missing")
        return "Check the address; a private repository also looks like this to a credential that "
               "may not read it.";
    if (code == "git_certificate")
        return "Install the certificate of that authority on the server (update-ca-certificates).";
    return "Check the address, and that this server reaches it.";
}

} // namespace fairlead::host
