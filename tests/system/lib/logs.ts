// A reader of a server's logs, as the console is one.
import { type IncomingMessage } from "node:http";
import { request } from "node:https";
import { type Api, ApiError, type Problem } from "./api.ts";
import { within } from "./wait.ts";

export interface Entry {
  at: string;
  level: string;
  from: string;
  text: string;
  cursor: string;
  pid?: number;
}

export interface Read {
  entries: Entry[];
  end: { end: string; message?: string } | undefined;
}

/** The answer's head; its body is not read yet. */
export async function openLog(api: Api, path: string): Promise<IncomingMessage> {
  const { address, port, name, ca } = api.endpoint;
  return new Promise((done, fail) => {
    const asked = request({ host: address, port, servername: name, ca, path, method: "GET", agent: false, headers: { Host: new URL(api.origin).host, Cookie: api.cookie } }, done);
    asked.on("error", fail);
    asked.end();
  });
}

/** One reading while it goes on. */
export class Tail {
  entries: Entry[] = [];
  end: Read["end"];
  /** The connection is over; "broken" where the body was cut off. */
  over: "" | "whole" | "broken" = "";
  #rest = "";
  #wake: (() => void)[] = [];

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines.filter(Boolean)) {
        const said = JSON.parse(line) as Entry & { end?: string };
        if (said.end === undefined) this.entries.push(said);
        else this.end = { ...said, end: said.end };
      }
      this.#news();
    });
    response.on("end", () => this.#ends("whole"));
    response.on("error", () => this.#ends("broken"));
    response.on("aborted", () => this.#ends("broken"));
  }

  /** Throws an ApiError where it is refused. */
  static async open(api: Api, path: string): Promise<Tail> {
    const response = await openLog(api, path);
    if (response.statusCode === 200) return new Tail(response);
    let text = "";
    for await (const piece of response.setEncoding("utf8")) text += piece as string;
    throw new ApiError(response.statusCode ?? 0, JSON.parse(text) as Problem, `GET ${path}`);
  }

  pause(): void {
    this.response.pause();
  }
  resume(): void {
    this.response.resume();
  }
  close(): void {
    this.response.destroy();
  }
  has(text: string): boolean {
    return this.entries.some((one) => one.text.includes(text));
  }
  async until(what: string, ms: number, done: () => boolean): Promise<void> {
    await within(what, ms, async () => {
      while (!done()) await new Promise<void>((wake) => this.#wake.push(wake));
    });
  }
  shows(text: string, ms = 30_000): Promise<void> {
    return this.until(`the log shows ${text}`, ms, () => this.has(text));
  }
  ends(ms = 30_000): Promise<void> {
    return this.until("the log ends", ms, () => this.over !== "");
  }

  #ends(how: "whole" | "broken"): void {
    this.over ||= how;
    this.#news();
  }
  #news(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** A reading that ends by itself. */
export async function readLog(api: Api, path: string): Promise<Read> {
  const tail = await Tail.open(api, path);
  await tail.ends(60_000);
  return { entries: tail.entries, end: tail.end };
}
