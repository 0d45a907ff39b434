#include "agent/odoo/login.hpp"
#include "agent/odoo/serve.hpp"
#include "common/crypto/hash.hpp"
#include "common/json/json.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::odoo;
namespace fs = std::filesystem;

namespace {

/// What of Odoo the script touches; users and sessions are what a test needs of them.
constexpr const char* server = R"(class CommonServer:
    def __init__(self, app):
        self.app = app
    def stop(self):
        pass
def preload_registries(names):
    pass
)";
constexpr const char* registry = R"(import contextlib
class Registry:
    def __init__(self, name):
        self.name = name
    def check_signaling(self):
        return self
    @contextlib.contextmanager
    def cursor(self):
        yield self
)";
constexpr const char* api = R"(class User:
    id, login, active, share = 7, "admin", True, False
    def exists(self):
        return True
    def _compute_session_token(self, sid):
        return "token of " + sid
class Users:
    def browse(self, uid):
        return User()
    def context_get(self):
        return {"lang": "en_US"}
class Environment:
    def __init__(self, cr, uid, context):
        self.cr, self.uid = cr, uid
    def __getitem__(self, model):
        return Users()
)";
constexpr const char* sessions = R"(class Session(dict):
    sid = "new-session"
class Store:
    saved = []
    def new(self):
        return Session()
    def save(self, session):
        self.saved.append(session)
class Root:
    session_store = Store()
root = Root()
)";
constexpr const char* finalize = R"(
class Final(Session):
    def finalize(self, env):
        self.pop("pre_login")
        self.update(uid=self.pop("pre_uid"), finalized=env.uid)
Store.new = lambda self: Final()
def get_default_session():
    return {"db": None}
)";

/// Calls the server's application as its program says, and tells status and headers.
constexpr const char* calls = R"(import io
from odoo import http
from odoo.service.server import CommonServer

def main():
    app = CommonServer(lambda environ, start: ["Odoo"]).app
    def call(method, body="", path="/fairlead/login", **more):
        got = []
        environ = dict(REQUEST_METHOD=method, PATH_INFO=path, CONTENT_LENGTH=str(len(body)), **more)
        environ["wsgi.input"] = io.BytesIO(body.encode())
        page = app(environ, lambda status, headers: got.extend([status[:3], dict(headers)]))
        return got + [page[0].decode()]
    exec(open("program").read(), dict(call=call, app=app, http=http))
)";

struct Stand {
    explicit Stand(const std::string& version = "19, 0", bool finalizes = true) {
        i.source = folder.path();
        i.python = "/usr/bin/python3";
        i.config = "/none";
        i.data = folder.path() / "data";
        i.database = "fl-shop";
        i.serve = folder.path() / "serve.py";
        fs::create_directories(i.data);
        fs::create_directories(login_folder(i));
        for (const auto* package : {"odoo", "odoo/service", "odoo/modules"})
            write(std::string(package) + "/__init__.py", "");
        write("odoo/service/server.py", server);
        write("odoo/modules/registry.py", registry);
        write("odoo/api.py", api);
        write("odoo/http.py", std::string(sessions) + (finalizes ? finalize : ""));
        write("odoo/tools.py", "config = {\"proxy_mode\": True}\n");
        write("odoo/release.py", "version_info = (" + version + ")\n");
        write("odoo/cli.py", calls);
        write("odoo/sql_db.py", "");
        write("serve.py", serve_script(i));
    }
    void write(const std::string& name, std::string_view text) {
        auto file = folder.path() / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void link(const std::string& token, std::int64_t expires_ms = 99'999'999'999'999) {
        LoginFile file{"op_1", 7, "admin", expires_ms, "ann@example.org", "Ticket 4711"};
        write("logins/" + crypto::sha256(token).hex(), json::encode(file));
    }
    std::string say(const std::string& program) {
        write("program", program);
        Command command;
        command.argv = {
            "/bin/sh", "-c",
            "cd '" + folder.path().string() + "' && exec python3 serve.py 2>errors || cat errors"};
        auto said = run_ok(command);
        REQUIRE(said);
        return *said;
    }

    store::TemporaryFolder folder;
    Installation i;
};

const std::string token(43, 'T');
const std::string opens = "call('POST', 'token=" + token + "')";

} // namespace

TEST_SUITE("agent/odoo/login") {

    TEST_CASE("a link signs in once, by a session that Odoo made [stand-in for Odoo]") {
        bool finalizes = true;
        std::string version = "19, 0", place = "/odoo",
                    saved = "[{'db': None, 'uid': 7, 'finalized': 7}]";
        SUBCASE("as Odoo is today") {}
        SUBCASE("of Odoo's own cloud") {
            version = "'saas~17', 2";
            place = "/web";
        }
        SUBCASE("before there was a common end of signing in") {
            finalizes = false;
            version = "15, 0";
            place = "/web";
            saved = "[{'db': 'fl-shop', 'login': 'admin', 'uid': 7, 'context': {'lang': 'en_US'}, "
                    "'session_token': 'token of new-session'}]";
        }
        Stand stand(version, finalizes);
        stand.link(token);
        auto said = stand.say(
            "s, h, b = " + opens + "\nprint(s, h['Location'], h['Set-Cookie'])\n" +
            "print(h['Cache-Control'], "
            "h['Referrer-Policy'])\nprint(http.root.session_store.saved)\n"
            "s, h, b = " +
            opens + "\nprint(s, 'Set-Cookie' in h, 'used already' in b)\n"
        );
        CHECK(
            said == "303 " + place +
                        " session_id=new-session; Path=/; HttpOnly; SameSite=Lax\n"
                        "no-store no-referrer\n" +
                        saved + "\n410 False True\n"
        );
        // Also for the next process.
        CHECK(stand.say("print(" + opens + "[0])") == "410\n");
    }

    TEST_CASE("the cookie goes by https alone where the request came by it") {
        Stand stand;
        stand.link(token);
        CHECK(
            stand.say(
                "print(call('POST', 'token=" + token +
                "', HTTP_X_FORWARDED_PROTO='https')[1]['Set-Cookie'])"
            ) == "session_id=new-session; Path=/; HttpOnly; SameSite=Lax; Secure\n"
        );
    }

    TEST_CASE("what is old, unknown, not whole or sent by another site signs nobody in") {
        Stand stand;
        stand.link(token, 1);
        auto said = stand.say(
            "def told(*args, **more):\n    s, h, b = call(*args, **more)\n"
            "    print(s, 'Set-Cookie' in h, 'Fairlead console' in b)\n"
            "told('POST', 'token=" +
            token +
            "')\n"
            "told('POST', 'token=" +
            std::string(43, 'U') +
            "')\n"
            "told('POST', 'token=..%2F..%2Fetc')\ntold('POST', '')\ntold('PUT', '')\n"
            "told('POST', 'token=" +
            token +
            "', HTTP_SEC_FETCH_SITE='cross-site')\n"
            "print(http.root.session_store.saved)\n"
        );
        CHECK(
            said == "410 False True\n403 False True\n400 False False\n400 False False\n"
                    "405 False False\n403 False False\n[]\n"
        );
        CHECK_FALSE(fs::exists(used_login_folder(stand.i)));
    }

    TEST_CASE("a user who is not who was chosen any more is not signed in, and the link is used up"
    ) {
        Stand stand;
        stand.link(token);
        std::string change;
        SUBCASE("renamed") {
            change = "login = 'other'";
        }
        SUBCASE("archived") {
            change = "active = False";
        }
        SUBCASE("no internal user") {
            change = "share = True";
        }
        stand.write("odoo/api.py", std::string(api) + "User." + change + "\n");
        CHECK(
            stand.say("print(" + opens + "[0], " + opens + "[0], http.root.session_store.saved)") ==
            "403 410 []\n"
        );
    }

    TEST_CASE("looking at a link uses none up, and the page holds nothing of it") {
        Stand stand;
        stand.link(token);
        auto said = stand.say(
            "s, h, b = call('GET')\nprint(s, 'default-src \\'none\\'' in "
            "h['Content-Security-Policy'], "
            "'sha256-' in h['Content-Security-Policy'], 'method=\"post\"' in b)\nprint(" +
            opens + "[0])\n"
        );
        CHECK(said == "200 True True True\n303\n");
    }

    TEST_CASE("everything else is Odoo's") {
        Stand stand;
        auto said = stand.say("print(app(dict(PATH_INFO='/fairlead/login/'), None), "
                              "app(dict(PATH_INFO='/web'), None))");
        CHECK(said == "['Odoo'] ['Odoo']\n");
    }

    TEST_CASE("a login is no part of a statement") {
        auto query = user_query("x'; DROP TABLE res_users; --");
        CHECK(query.find("DROP") == std::string::npos);
        CHECK(query.find("decode('78273b2044524f50") != std::string::npos);
        CHECK(users_query(501).find("LIMIT 501") != std::string::npos);
    }
}
