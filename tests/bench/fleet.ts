// Drives bench-fleet: thousands of fake agents in a process of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { built } from "../system/lib/paths.ts";

export interface Percentiles {
  count: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

export interface Linked {
  seconds: number;
  online: number;
  failed: number;
  failure: string;
  resumed: number;
  dial: Percentiles;
  outage: Percentiles;
}

export class Fleet {
  #child: ChildProcess;
  #answers: ((line: string) => void)[] = [];
  #ended: string | undefined;

  constructor() {
    this.#child = spawn(built("tests/bench/bench-fleet"), [], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#answers.shift()?.(line));
    this.#child.once("close", (code, signal) => {
      this.#ended = `bench-fleet ended: ${code ?? signal}`;
      for (const answer of this.#answers.splice(0)) answer(JSON.stringify({ error: this.#ended }));
    });
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** One command line, see fleet/main.cpp. */
  async ask<T = unknown>(...words: (string | number)[]): Promise<T> {
    if (this.#ended) throw new Error(this.#ended);
    const line = await new Promise<string>((done) => {
      this.#answers.push(done);
      this.#child.stdin!.write(`${words.join(" ")}\n`);
    });
    const said = JSON.parse(line) as T & { error?: string };
    if (said.error) throw new Error(`bench-fleet ${words[0]}: ${said.error}`);
    return said;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}
