import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, fileName, harmlessStyle, isPicture, openMail } from "./mail";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a message of several parts is taken apart", async () => {
  const mail = await openMail(
    bytes(
      [
        "From: =?utf-8?q?Caf=C3=A9?= <shop@example.org>",
        "Subject: Order",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="x"',
        "",
        "--x",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Hello",
        "--x",
        "Content-Type: text/html; charset=utf-8",
        "",
        '<p>Hello <img src="cid:logo"></p>',
        "--x",
        "Content-Type: image/png",
        "Content-ID: <logo>",
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: inline; filename="../../logo.png"',
        "",
        "iVBORw0KGgo=",
        "--x--",
      ].join("\r\n"),
    ),
  );
  assert.equal(mail.problem, "");
  assert.match(mail.text, /Hello/);
  assert.match(mail.html, /cid:logo/);
  assert.equal(mail.attachments.length, 1);
  assert.equal(mail.attachments[0]!.name, "_.._logo.png");
  assert.equal(mail.attachments[0]!.content.length, 8);
  assert.equal(mail.pictures.get("logo"), "data:image/png;base64,iVBORw0KGgo=");
  assert.ok(mail.headers.some((one) => one.name === "Subject" && one.value === "Order"));
});

test("a message that is broken in any way is opened all the same", async () => {
  const open = "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n";
  for (const text of [
    "",
    "\r\n\r\n",
    "no header at all",
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    `Content-Type: multipart/mixed; boundary=x\r\n\r\n${open.repeat(500)}`,
    "Content-Type: text/html; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
    `${"X".repeat(100_000)}: y\r\n\r\n`,
    "Subject: =?utf-8?b?////?=\r\n\r\n\xff\xfe",
  ]) {
    const mail = await openMail(bytes(text));
    assert.ok(mail.raw.length === bytes(text).length);
    assert.ok(mail.attachments.length <= 500);
  }
});

test("an SVG is no picture, and no picture is as large as it likes", async () => {
  assert.ok(isPicture("data:image/png;base64,AAAA"));
  assert.ok(!isPicture("data:image/svg+xml;base64,AAAA"));
  assert.ok(!isPicture("data:text/html;base64,AAAA"));
  assert.ok(!isPicture("https://example.org/a.png"));
  assert.ok(!isPicture(`data:image/png;base64,${"A".repeat(8_000_000)}`));
  const mail = await openMail(bytes("Content-Type: image/svg+xml\r\nContent-ID: <x>\r\nContent-Disposition: attachment; filename=a.svg\r\n\r\n<svg/>"));
  assert.equal(mail.pictures.size, 0);
});

test("names of files have no path and nothing hidden in them", () => {
  assert.equal(fileName("a/b\\c.pdf", 0), "a_b_c.pdf");
  assert.equal(fileName(".bashrc", 0), "bashrc");
  assert.equal(fileName("invoice\u202Efdp.exe\u0000", 0), "invoicefdp.exe");
  assert.equal(fileName(null, 2), "attachment-3");
  assert.equal(fileName("x".repeat(500), 0).length, 150);
});

test("a style may say how something looks, and fetch nothing", () => {
  assert.equal(harmlessStyle("color: red; font-size:12px"), "color: red; font-size:12px");
  for (const css of [
    "background: url(http://10.0.0.1/x)",
    "background-image: image-set('http://10.0.0.1/x' 1x)",
    "background: \\75rl(http://10.0.0.1)",
    "background: u/**/rl(x)",
    "width: expression(alert(1))",
    "behavior: x",
    "position: fixed",
    "--x: y",
    "color: var(--x)",
    "list-style: URL('http://10.0.0.1')",
    "content: 'x'",
  ])
    assert.equal(harmlessStyle(css), "", css);
});

test("the beginning of a message is text, whatever it is", () => {
  assert.equal(beginning(bytes("caf\u00e9"), 100), "caf\u00e9");
  assert.equal(beginning(new Uint8Array([0x63, 0xe9]), 100), "c\u00e9");
  assert.equal(beginning(bytes("caf\u00e9"), 4), "caf");
});
