// Made-up captured mail.
import type { ServerResponse } from "node:http";
import type { CapturedMail, MailSettings } from "../src/api/types";

const subjects = ["Quotation S00042", "Reset your password", "Invoice INV/2026/0007 is due", "New message in the channel Sales", "Your order has been shipped"];

export const mailSettings: MailSettings = { available: true, capture: true, captured: true, keep_days: 14, keep_messages: 10_000, keep_bytes: 2 * 1024 ** 3 };

const began = Date.now();
const all: CapturedMail[] = Array.from({ length: 137 }, (_, n) => {
  const at = began - n * 17 * 60_000;
  const to = `customer${n % 9}@example.org`;
  return {
    id: `${at}-${n.toString(16).padStart(12, "0")}`,
    at: new Date(at).toISOString(),
    bytes: 2000 + n * 731,
    sender: "bounce@shop.example",
    recipients: [to],
    recipient_count: 1,
    from: "Shop <shop@shop.example>",
    to,
    subject: subjects[n % subjects.length]!,
  };
});

export function answerMailList(query: URLSearchParams, response: ServerResponse): null {
  const search = (query.get("search") ?? "").toLowerCase();
  const found = all.filter((one) => (!query.get("before") || one.id < query.get("before")!) && `${one.subject} ${one.to}`.toLowerCase().includes(search));
  const page = found.slice(0, Number(query.get("limit") ?? 50));
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  for (const one of page) response.write(`${JSON.stringify(one)}\n`);
  const more = page.length < found.length;
  response.end(`${JSON.stringify({ end: more ? "lines" : "done", messages: all.length, bytes: 9_400_000, next: more ? page.at(-1)!.id : "" })}\n`);
  return null;
}

const html = `<div style="max-width: 560px; margin: 0 auto; font-family: Arial"><h2 style="color: #714b67">Your quotation</h2><p>Dear customer, here it is.</p>
<table style="width: 100%; border-collapse: collapse"><tr><td style="border: 1px solid #ccc; padding: 8px">Chair</td><td style="border: 1px solid #ccc; padding: 8px">120.00</td></tr></table>
<p><a href="https://shop.example/my/orders/42" style="background: #714b67; color: #fff; padding: 8px 16px; text-decoration: none">View it</a> <img src="https://tracker.example/pixel.png" alt="a pixel"></p>
<script>document.body.textContent = "ran"</script></div>`;

export function answerMail(id: string, response: ServerResponse): null {
  const mail = all.find((one) => one.id === id) ?? all[0]!;
  response.writeHead(200, { "content-type": "application/octet-stream", "cache-control": "no-store" });
  response.end(
    [
      `From: ${mail.from}`,
      `To: ${mail.to}`,
      `Subject: ${mail.subject}`,
      "MIME-Version: 1.0",
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "--b",
      'Content-Type: multipart/alternative; boundary="a"',
      "",
      "--a",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "Dear customer, here it is: https://shop.example/my/orders/42",
      "--a",
      "Content-Type: text/html; charset=utf-8",
      "",
      html,
      "--a--",
      "--b",
      "Content-Type: application/pdf",
      'Content-Disposition: attachment; filename="quotation.pdf"',
      "Content-Transfer-Encoding: base64",
      "",
      "JVBERi0xLjQK",
      "--b--",
    ].join("\r\n"),
  );
  return null;
}
