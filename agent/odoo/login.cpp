#include "agent/odoo/login.hpp"

#include "agent/odoo/python_text.hpp"
#include "common/crypto/encoding.hpp"

#include <fmt/core.h>

namespace fairlead::odoo {
namespace {

/// Odoo's own code makes the session, in the process that will look at it: what a session is
/// differs between versions, and what a module changed of it counts too.
constexpr std::string_view functions = R"python(

LOGIN_SCRIPT = (
    "var t=location.hash.slice(1),f=document.forms[0];"
    "history.replaceState(null,'',location.pathname);"
    "if(t){f.elements.token.value=t;f.submit()}else{document.body.className='none'}"
)
LOGIN_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222}"
    "#none{display:none}.none #none{display:block}.none #wait{display:none}"
)


class LinkRefused(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def digest_for_policy(text):
    import base64
    import hashlib

    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def link_page(body):
    return (
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log in to Odoo</title>"
        "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">"
        "<style>" + LOGIN_STYLE + "</style></head><body>" + body + "</body></html>"
    ).encode()


def answer_page(start_response, status, body, more=()):
    page = link_page(body)
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page))),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        (
            "Content-Security-Policy",
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; script-src "
            + digest_for_policy(LOGIN_SCRIPT) + "; style-src " + digest_for_policy(LOGIN_STYLE),
        ),
    ]
    start_response(status, headers + list(more))
    return [page]


def ask_for_token(start_response):
    """The token is behind the # of the address, which is in no request and in no log: the page sends it
    on by itself. So a program that only looks at links, as mail filters do, uses none up."""
    return answer_page(
        start_response,
        "200 OK",
        "<p id=\"wait\">Signing in&hellip;</p><p id=\"none\">This address holds no link. Open the whole link that the "
        "Fairlead console shows, with everything behind the # sign.</p>"
        "<noscript><p>This page needs JavaScript, as Odoo does.</p></noscript>"
        "<form method=\"post\" action=\"" + LOGIN_PATH + "\"><input type=\"hidden\" name=\"token\"></form>"
        "<script>" + LOGIN_SCRIPT + "</script>",
    )


def token_of(environ):
    import re
    from urllib.parse import parse_qs

    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    # What is too long is read too, as far as anybody means well: it must not be left in the connection.
    body = environ["wsgi.input"].read(min(max(length, 0), 65536))
    if len(body) > 1000:
        body = b""
    # Only the page above posts here.
    if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") not in ("same-origin", "none"):
        raise LinkRefused("403 Forbidden", "Another site sent this request. Open the link itself.")
    token = parse_qs(body.decode("ascii", "replace")).get("token", [""])[0]
    if not re.match(r"^[A-Za-z0-9_-]{43}\Z", token):
        raise LinkRefused("400 Bad Request", "This link is not whole. Copy all of it.")
    return token


def take_link(token):
    """What the link means; nobody takes it after this. A link of another environment is not in this one's
    folder, so it is one that nobody knows here."""
    import hashlib
    import json

    name = hashlib.sha256(token.encode()).hexdigest()
    again = " Ask for a new one in the Fairlead console, on the environment's page."
    try:
        with open(os.path.join(LOGINS, name), encoding="utf-8") as file:
            link = json.load(file)
    except FileNotFoundError:
        raise LinkRefused("403 Forbidden", "There is no such link to this Odoo." + again)
    used = os.path.join(USED_LOGINS, name)
    if os.path.exists(used):
        raise LinkRefused("410 Gone", "This link was used already: each works once." + again)
    if time.time() * 1000 >= link["expires_ms"]:
        raise LinkRefused("410 Gone", "This link is too old." + again)
    os.makedirs(USED_LOGINS, mode=0o700, exist_ok=True)
    forget_used_links()
    try:
        mark = os.open(used, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise LinkRefused("410 Gone", "This link was used already: each works once." + again)
    # Before anybody is signed in: also a power cut leaves it used.
    os.fsync(mark)
    os.close(mark)
    folder = os.open(USED_LOGINS, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return link


def major_version():
    """A version of Odoo's own cloud has words in it: "saas~17"."""
    import re

    from odoo import release

    return int(re.search(r"[0-9]+", str(release.version_info[0])).group())


def forget_used_links():
    for entry in os.scandir(USED_LOGINS):
        try:
            if entry.stat(follow_symlinks=False).st_mtime < time.time() - 86400:
                os.unlink(entry.path)
        except OSError:
            pass


def make_session(link):
    """As Odoo makes one when a password was right, for a user who still is who was chosen. Whoever has a
    second factor in Odoo is not asked for it."""
    import contextlib
    import inspect

    from odoo import api, http
    from odoo.modules.registry import Registry

    threading.current_thread().dbname = DATABASE
    registry = Registry(DATABASE)
    registry = registry.check_signaling() or registry
    with contextlib.ExitStack() as open_things:
        if major_version() < 15:
            open_things.enter_context(api.Environment.manage())
        cr = open_things.enter_context(registry.cursor())
        user = api.Environment(cr, 1, dict())["res.users"].browse(link["uid"])
        if not user.exists() or user.login != link["login"] or not user.active or user.share:
            raise LinkRefused(
                "403 Forbidden",
                "The user of this link is gone, was renamed, or is no internal user any more.",
            )
        env = api.Environment(cr, user.id, dict())
        store = http.root.session_store
        session = store.new()
        if hasattr(http, "get_default_session"):
            session.update(http.get_default_session())
        finalize = getattr(session, "finalize", None)
        if finalize and "env" in inspect.signature(finalize).parameters:
            session["pre_login"] = user.login
            session["pre_uid"] = user.id
            finalize(env)
        else:
            session.update(dict(
                db=DATABASE, login=user.login, uid=user.id,
                context=dict(env["res.users"].context_get()),
                session_token=user._compute_session_token(session.sid),
            ))
        store.save(session)
    return session.sid, "/odoo" if major_version() >= 18 else "/web"


def came_by_https(environ):
    from odoo.tools import config

    if config["proxy_mode"] and environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[0].strip() == "https":
        return True
    return environ.get("wsgi.url_scheme") == "https"


def answer_link(environ, start_response):
    import logging

    log = logging.getLogger("fairlead.login")
    method = environ.get("REQUEST_METHOD")
    try:
        if method == "GET":
            return ask_for_token(start_response)
        if method != "POST":
            raise LinkRefused("405 Method Not Allowed", "A link is opened in a browser.")
        link = take_link(token_of(environ))
        try:
            sid, place = make_session(link)
        except LinkRefused:
            raise
        except Exception:
            log.exception("nobody was signed in by the link of %s", link["by"])
            raise LinkRefused(
                "500 Internal Server Error",
                "Odoo could not sign you in; its log says why. The link is used up: ask for a new one.",
            )
    except LinkRefused as refused:
        log.warning("a link to log in was refused: %s", refused)
        return answer_page(start_response, refused.status, "<p>" + str(refused) + "</p>")
    log.info("%s logged in as %s by a one-time link: %s", link["by"], link["login"], link["reason"])
    # It ends with the browser; Odoo ends it after a week without use.
    cookie = "session_id=" + sid + "; Path=/; HttpOnly; SameSite=Lax"
    if came_by_https(environ):
        cookie += "; Secure"
    return answer_page(
        start_response, "303 See Other", "<p>Signed in.</p>", [("Location", place), ("Set-Cookie", cookie)]
    )


def answer_links():
    from odoo.service.server import CommonServer

    begin = getattr(CommonServer, "__init__", None)
    if begin is object.__init__:
        return  # this version makes its servers in another way

    def begin_with_links(self, app):
        def answer(environ, start_response):
            if environ.get("PATH_INFO") == LOGIN_PATH:
                return answer_link(environ, start_response)
            return app(environ, start_response)

        begin(self, answer)

    CommonServer.__init__ = begin_with_links
)python";

std::string query(std::string_view condition, std::size_t limit) {
    return fmt::format(
        "SELECT json_build_object('id', u.id, 'login', u.login, 'name', coalesce(p.name, "
        "u.login))::text"
        " FROM res_users u JOIN res_partner p ON p.id = u.partner_id"
        " WHERE u.active AND u.share = false AND u.login IS NOT NULL{}"
        " ORDER BY u.login <> 'admin', p.name, u.id LIMIT {}",
        condition, limit
    );
}

} // namespace

std::filesystem::path login_folder(const Installation& i) {
    return i.data.parent_path() / "logins";
}

std::filesystem::path used_login_folder(const Installation& i) {
    return i.data / "used-logins";
}

std::string login_script(const Installation& i) {
    return fmt::format(
               "LOGIN_PATH = {}\nLOGINS = {}\nUSED_LOGINS = {}\nDATABASE = {}\n",
               python_text(login_path), python_text(login_folder(i).string()),
               python_text(used_login_folder(i).string()), python_text(i.database)
           ) +
           std::string(functions);
}

std::string users_query(std::size_t limit) {
    return query("", limit);
}

std::string user_query(std::string_view login) {
    // By its bytes: a text that comes from afar is no part of a statement.
    return query(
        fmt::format(
            " AND u.login = convert_from(decode('{}', 'hex'), 'UTF8')", crypto::hex_encode(login)
        ),
        2
    );
}

} // namespace fairlead::odoo
