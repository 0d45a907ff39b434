#include "controller/api/call.hpp"
#include "controller/install/routes.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace fairlead;
using namespace fairlead::install;

namespace {

const std::string pin = "sha256//2Kt92a7KFAFhShSNhu1sTOym/qopBSrPYdisaLXg1pM=";

/// A folder as packaging/release makes it, with the real template.
struct Folder {
    std::filesystem::path path;

    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "install-XXXXXX").string();
        path = ::mkdtemp(name.data());
        std::filesystem::create_directory(path / "packages");
        write(
            "SHA256SUMS", std::string(64, 'a') + "  fairlead-agent_0.1.0_amd64.deb\n" +
                              std::string(64, 'b') + " *other.tar.gz\n"
        );
        write("SHA256SUMS.sig", std::string(64, '\0'));
        write("signing-key.pub", "key");
        write("fairlead-agent_0.1.0_amd64.deb", "package");
        write("unlisted.deb", "no");
        std::filesystem::copy(
            FAIRLEAD_SOURCE_DIR "/packaging/install.sh", packages() / "install.sh"
        );
        std::ofstream(path / "secret") << "secret";
    }
    ~Folder() { std::filesystem::remove_all(path); }

    std::filesystem::path packages() const { return path / "packages"; }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(packages() / name) << content;
    }
};

api::Response get(const api::RouteTable& table, const std::string& path) {
    api::Request request;
    request.path = path;
    auto match = table.find(api::Method::get, path);
    api::Response refused;
    refused.status = 404;
    if (!match) return refused;
    auto response = match->route->handler(api::Call(request, match->parameters, {}, std::nullopt));
    if (response) return *response;
    if (response.error().kind() != Errc::not_found) refused.status = 503;
    refused.body = response.error().message();
    return refused;
}

} // namespace

TEST_SUITE("controller/install") {

    TEST_CASE(
        "the script carries the controller's address and pin, and nothing else is changed in it"
    ) {
        Folder folder;
        Packages packages(folder.packages());
        auto script = packages.script({"https://[2001:db8::1]:8443", pin, ""});

        REQUIRE(script);
        CHECK(script->find("\ncontroller='https://[2001:db8::1]:8443'") != std::string::npos);
        CHECK(script->find("\npin='" + pin + "'") != std::string::npos);
        CHECK(script->find("@CONTROLLER_") == std::string::npos);
        CHECK(script->find("\nmain \"$@\"\n") == script->size() - 11);
    }

    TEST_CASE("an address or a pin that could end its quotes is refused") {
        Folder folder;
        Packages packages(folder.packages());
        for (std::string url :
             {"", "http://a.example", "https://", "https://a.example/", "https://a'; reboot; '",
              "https://a b", "https://a.example:", "https://a@b", "https://a\nb"}) {
            CAPTURE(url);
            CHECK(packages.script({url, "", ""}).error().kind() == Errc::invalid);
        }
        for (std::string bad :
             {"sha256//", "sha256//abc",
              "md5//2Kt92a7KFAFhShSNhu1sTOym/qopBSrPYdisaLXg1pM=", "sha256//'; reboot; '", "x"}) {
            CAPTURE(bad);
            CHECK(packages.script({"https://a.example", bad, ""}).error().kind() == Errc::invalid);
        }
    }

    TEST_CASE("a template without its placeholders is not handed out") {
        Folder folder;
        for (std::string text :
             {"", "controller='@CONTROLLER_URL@'",
              "'@CONTROLLER_URL@' '@CONTROLLER_URL@' '@CONTROLLER_PIN@'"}) {
            folder.write("install.sh", text);
            CHECK(
                Packages(folder.packages()).script({"https://a.example", "", ""}).error().kind() ==
                Errc::internal
            );
        }
    }

    TEST_CASE("only the files of the release are handed out, whatever the path says") {
        Folder folder;
        Packages packages(folder.packages());
        CHECK(packages.file("SHA256SUMS.sig").value() == std::string(64, '\0'));
        CHECK(packages.file("fairlead-agent_0.1.0_amd64.deb").value() == "package");
        for (const std::string& name : std::vector<std::string>{
                 "", ".", "..", "../secret", "/etc/passwd", "unlisted.deb", "install.sh",
                 "agent_0.1.0_amd64.deb", "fairlead-agent_0.1.0_amd64.deb/", "-rf", ".hidden",
                 "packages", std::string(200, 'a')}) {
            CAPTURE(name);
            CHECK(packages.file(name).error().kind() == Errc::not_found);
        }
        CHECK(
            packages.file(std::string_view("SHA256SUMS\0x", 12)).error().kind() == Errc::not_found
        );
    }

    TEST_CASE(
        "agents are offered the package for dpkg, with the sums that name it as they are signed"
    ) {
        Folder folder;
        Packages packages(folder.packages());
        auto offer = packages.offer();
        REQUIRE(offer);
        CHECK(offer->version == "0.1.0");
        CHECK(offer->package == "fairlead-agent_0.1.0_amd64.deb");
        CHECK(offer->sha256 == std::string(64, 'a'));
        CHECK(offer->sums == packages.file("SHA256SUMS").value());
        CHECK(offer->signature.size() == 88); // base64 of 64 bytes
        // What is put there later is offered at once.
        folder.write("SHA256SUMS", std::string(64, 'c') + "  fairlead-agent_0.2.0_amd64.deb\n");
        CHECK(packages.offer()->version == "0.2.0");
        folder.write("SHA256SUMS", std::string(64, 'b') + "  fairlead-agent-0.2.0.tar.gz\n");
        CHECK(packages.offer().error().kind() == Errc::unavailable);
    }

    TEST_CASE("a package is handed out in parts, and nothing else is") {
        Folder folder;
        Packages packages(folder.packages());
        const std::string name = "fairlead-agent_0.1.0_amd64.deb";
        auto first = packages.part(name, 0, 4);
        REQUIRE(first);
        CHECK(first->data == "pack");
        CHECK(first->size == 7);
        CHECK(packages.part(name, 4, 4)->data == "age");
        CHECK(packages.part(name, 7, 4).error().kind() == Errc::not_found);
        CHECK(packages.part(name, SIZE_MAX, 4).error().kind() == Errc::not_found);
        CHECK(packages.part("../secret", 0, 4).error().kind() == Errc::not_found);
        CHECK(packages.part("install.sh", 0, 4).error().kind() == Errc::not_found);
    }

    TEST_CASE("a package over 16 MiB is not read into memory") {
        Folder folder;
        std::filesystem::resize_file(
            folder.packages() / "fairlead-agent_0.1.0_amd64.deb", largest_package + 1
        );
        CHECK(
            Packages(folder.packages()).file("fairlead-agent_0.1.0_amd64.deb").error().kind() ==
            Errc::unavailable
        );
    }

    TEST_CASE("a controller without packages says what to do, and not where it looked") {
        Packages packages("/nonexistent/packages");
        for (const auto& error :
             {packages.script({"https://a.example", "", ""}).error(),
              packages.file("SHA256SUMS").error(), packages.file("a.deb").error()}) {
            CHECK(error.kind() == Errc::unavailable);
            CHECK(error.message().find("packaging/release") != std::string::npos);
            CHECK(error.message().find("nonexistent") == std::string::npos);
        }
    }

    TEST_CASE("the three routes are open to all and follow the face of the controller") {
        Folder folder;
        Packages packages(folder.packages());
        api::RouteTable table;
        Face face{"https://a.example", "", ""};
        add_install_routes(table, packages, [&] { return face; });

        CHECK(get(table, "/ca.pem").status == 404);
        face = {"https://b.example", pin, "-----BEGIN CERTIFICATE-----\n"};
        CHECK(get(table, "/ca.pem").body == face.ca_pem);
        CHECK(get(table, "/install.sh").body.find("'https://b.example'") != std::string::npos);
        CHECK(get(table, "/install.sh").content_type == "text/x-shellscript; charset=utf-8");
        CHECK(get(table, "/agent/fairlead-agent_0.1.0_amd64.deb").body == "package");
        CHECK(get(table, "/agent/..%2Fsecret").status == 404);
        CHECK(get(table, "/agent/%2e%2e/secret").status == 404);
        for (const auto& route : table.routes()) CHECK(route.permission == api::open_to_all);
    }

    TEST_CASE("the command to paste holds the certificate against the pin before the script is read"
    ) {
        CHECK(
            enroll_command({"https://a.example", "", ""}, "flt_x") ==
            "curl -fsSL https://a.example/install.sh | sudo bash -s -- --token flt_x"
        );
        CHECK(
            enroll_command({"https://a.example", pin, ""}, "flt_x") ==
            "curl -fsSLk --pinnedpubkey " + pin +
                " https://a.example/install.sh | sudo bash -s -- --token flt_x --pin " + pin
        );
        CHECK(pin_of(crypto::sha256("")) == "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
