// Made-up recordings of terminals.
import type { ServerResponse } from "node:http";
import type { Recording } from "../src/api/types";

const ids = ["term_01JD8Q4M3N7V5X2K9B6T0W1YHZ", "term_01JD8Q4M3N7V5X2K9B6T0W1YHY"];

/** The list. */
export function answerRecordings(response: ServerResponse): null {
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  ids.forEach((id, i) => {
    const began = Date.now() - (i + 1) * 26 * 3600_000;
    const one: Recording = { id, user: "deploy", columns: 80, rows: 24, began_ms: began, wrote_ms: began + 34_500, bytes: 2600 };
    response.write(`${JSON.stringify(one)}\n`);
  });
  response.end();
  return null;
}

/** Somebody looks at a disk, thinks, and looks again. */
export function answerReplay(response: ServerResponse): null {
  response.writeHead(200, { "content-type": "application/x-asciicast", "cache-control": "no-store" });
  const line = (value: unknown) => response.write(`${JSON.stringify(value)}\n`);
  line({ version: 2, width: 80, height: 24, timestamp: Math.floor(Date.now() / 1000), title: `${ids[0]}, deploy` });
  let at = 0.2;
  const show = (text: string, after = 0.08) => line([(at += after), "o", text]);
  for (const [command, answer, pause] of [["df -h /", "/dev/vda1  40G  \x1b[1;31m38G\x1b[0m  2G  95% /", 30], ["df -h /", "/dev/vda1  40G  \x1b[1;32m12G\x1b[0m  28G  30% /", 1]] as const) {
    show("deploy@fra-1:~$ ");
    for (const letter of command) show(letter);
    show(`\r\n${answer}\r\n`, 0.3);
    at += pause;
  }
  line([at, "r", "100x30"]);
  show("exit\r\n");
  response.end();
  return null;
}
