#include "agent/host/git_failure.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::host;

TEST_SUITE("agent/host/git_failure") {

    TEST_CASE("git's own words become a code, a sentence with the address, and a cure") {
        const std::string https = "https://git.example/acme/shop.git",
                          ssh = "ssh://git@git.example:2222/acme/shop.git";
        struct Row {
            const char* output;
            std::string url;
            bool with_credential;
            const char* code;
            const char* says;
            const char* cure;
        };
        const Row rows[] = {
            {"fatal: couldn't find remote ref refs/heads/19.0\n", https, false, "branch_missing",
             "no branch \"19.0\"", "Push the branch"},
            {"remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://g/'\n",
             https, true, "git_denied", "refused the credential", "Store a token"},
            {"error: unable to read askpass response from '/bin/false'\nfatal: could not read "
             "Username for 'https://git.example': terminal prompts disabled\n",
             https, false, "git_denied", "wants a credential and none is set", "Store a token"},
            {"git@git.example: Permission denied (publickey).\nfatal: Could not read from remote "
             "repository.\n",
             ssh, true, "git_denied", "Permission denied (publickey)", "deploy key"},
            {"@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification "
             "failed.\nfatal: Could not read from remote repository.\n",
             ssh, true, "git_host_key_changed", "git.example shows another host key",
             "ssh-keygen -R 'git.example'"},
            {"Load key \"/run/k\": error in libcrypto\ngit@git.example: Permission denied "
             "(publickey).\n",
             ssh, true, "git_key_unusable", "cannot be used", "without a passphrase"},
            {"sh: 1: ssh: not found\nfatal: Could not read from remote repository.\n", ssh, true,
             "ssh_missing", "no ssh client", "openssh-client"},
            {"fatal: repository 'https://git.example/acme/shop.git/' not found\n", https, true,
             "git_repository_missing", "to this credential", "Check the address"},
            {"fatal: unable to access 'x': server certificate verification failed. CAfile: none\n",
             https, false, "git_certificate", "does not trust", "update-ca-certificates"},
            {"error: file write error: No space left on device\nfatal: fetch-pack: invalid "
             "index-pack output\n",
             https, false, "disk_full", "disk became full", "Free some space"},
            {"fatal: unable to access 'x': Could not resolve host: git.example\n", https, false,
             "git_unreachable", "Could not resolve host", "reaches it"},
            {"", https, false, "git_unreachable", "Cannot fetch", "reaches it"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.output);
            auto error = explain_fetch(row.url, "19.0", row.with_credential, row.output);
            CHECK(error.code() == row.code);
            CAPTURE(error.message());
            CHECK(error.message().find(row.says) != std::string::npos);
            CHECK(error.message().find("git.example") != std::string::npos);
            CHECK(cure_of(error.code(), row.url, "19.0").find(row.cure) != std::string::npos);
        }
    }

    TEST_CASE("what git says is kept short") {
        auto error = explain_fetch(
            "https://git.example/x", "b", false, "fatal: " + std::string(5000, 'x') + "\n"
        );
        CHECK(error.message().size() < 800);
    }
}
