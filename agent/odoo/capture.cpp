#include "agent/odoo/capture.hpp"

#include <fmt/core.h>

namespace fairlead::odoo {

std::string capture_script(const MailSink& sink) {
    // User and password are a slug and hexadecimal digits.
    auto head = fmt::format(
        R"(# Written by Fairlead for each release: what this environment would send by SMTP stays on this server.
HOST, PORT = "127.0.0.1", {}
USER, PASSWORD = "{}", "{}"
)",
        sink.port, sink.user, sink.password
    );
    return head + R"(

def capture(smtplib):
    import socket

    SMTP = smtplib.SMTP
    login, mail, starttls = SMTP.login, SMTP.mail, SMTP.starttls

    def get_socket(self, host, port, timeout):
        if timeout is not None and not timeout:
            raise ValueError("Non-blocking socket (timeout=0) is not supported")
        return socket.create_connection((HOST, PORT), timeout)

    def enter(self):
        if getattr(self, "_fairlead_entered", None) is not self.sock:
            login(self, USER, PASSWORD)
            self._fairlead_entered = self.sock
        return 235, b"2.7.0 captured"

    def enter_as(self, user, password, *, initial_response_ok=True):
        return enter(self)

    def no_tls(self, *args, **named):
        self.ehlo_or_helo_if_needed()
        return 220, b"2.0.0 captured"

    def enter_and_mail(self, sender, options=()):
        self.ehlo_or_helo_if_needed()
        enter(self)
        return mail(self, sender, options)

    SMTP._get_socket = get_socket
    SMTP.login = enter_as
    SMTP.starttls = no_tls
    SMTP.mail = enter_and_mail
    for name in ("SMTP_SSL", "LMTP"):
        kind = getattr(smtplib, name, None)
        if kind is not None:
            kind._get_socket = get_socket
    if hasattr(smtplib, "LMTP"):
        smtplib.LMTP.connect = SMTP.connect
        smtplib.LMTP.ehlo_msg = "ehlo"


def begin():
    import sys

    if "smtplib" in sys.modules:
        return capture(sys.modules["smtplib"])

    class Finder:
        """Not imported here: what replaces parts of Python, as gevent does, wants to be first."""

        @staticmethod
        def find_spec(name, path=None, target=None):
            if name != "smtplib":
                return None
            import importlib.util

            sys.meta_path.remove(Finder)
            spec = importlib.util.find_spec(name)
            load = spec.loader.exec_module

            def load_and_capture(module):
                load(module)
                capture(module)

            spec.loader.exec_module = load_and_capture
            return spec

    sys.meta_path.insert(0, Finder)


begin()
)";
}

} // namespace fairlead::odoo
