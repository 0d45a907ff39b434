// Debian's Chromium, without the parts that draw its own windows, against the real controller: what a person sees, and what the page may not do meanwhile.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { admin, type Controller, controllerName } from "./controller.ts";
import { artifacts, folder, root } from "./paths.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const program = "/usr/bin/chromium-headless-shell";

export type Look = "light" | "dark" | "phone";
export const looks: Look[] = ["light", "dark", "phone"];

export interface Person {
  email: string;
  password: string;
}

export class Web {
  /** What no page may do: requests to elsewhere, refusals by the content policy, errors in scripts. */
  readonly complaints: string[] = [];
  /** Requests that came to nothing; some do (a page is left), but they explain a page that does not come. */
  readonly failed: string[] = [];
  #browser: Browser;
  #contexts: BrowserContext[] = [];

  #door: Door;

  private constructor(browser: Browser, door: Door, readonly controller: Controller) {
    this.#browser = browser;
    this.#door = door;
  }

  static async open(controller: Controller): Promise<Web> {
    if (!existsSync(program)) throw new Error(`${program} is missing: packaging/deps test installs it`);
    const door = await Door.open(controller);
    const browser = await chromium.launch({
      executablePath: join(root, "tests/system/tools/browser"),
      env: { ...process.env, FAIRLEAD_BROWSER: program, FAIRLEAD_BROWSER_PORT: String(controller.port), FAIRLEAD_BROWSER_SOCKET: door.path },
      args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        // Trusts the controller's own key and no other. (To overlook a certificate page by page is too late for the first connections.)
        `--ignore-certificate-errors-spki-list=${controller.pin}`,
        "--disable-component-update", "--disable-sync", `--host-resolver-rules=MAP ${controllerName} 127.0.0.1`,
      ],
    });
    return new Web(browser, door, controller);
  }

  get origin(): string {
    return `https://${controllerName}:${this.controller.port}`;
  }

  /** A window of a person of their own. */
  async window(look: Look = "light"): Promise<Page> {
    const phone = look === "phone";
    const screen = phone ? screens.phone : screens.desktop;
    const context = await this.#browser.newContext({
      baseURL: this.origin,
      colorScheme: look === "dark" ? "dark" : "light",
      viewport: screen,
      screen,
      isMobile: phone,
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(45_000); // says what is missing; how fast it comes is another matter
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${this.origin}/`) && !url.startsWith("blob:")) this.complaints.push(`request to ${url}`);
    });
    page.on("requestfailed", (request) => this.failed.push(`${request.url()}: ${request.failure()?.errorText ?? ""}`));
    page.on("pageerror", (error) => this.complaints.push(`error on ${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (/Content.Security.Policy|Refused to/i.test(message.text())) this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    return page;
  }

  /** A window in which somebody, else the administrator, is signed in, by the form. */
  async signedIn(look: Look = "light", who: Person = admin): Promise<Page> {
    const page = await this.window(look);
    await page.goto("/signin");
    await signIn(page, who).catch((error: unknown) => {
      if (error instanceof Error) error.message += `\n  requests that failed: ${this.failed.slice(-20).join("\n    ") || "none"}`;
      throw error;
    });
    return page;
  }

  /** A window that nobody looks at any more still follows events and takes its share of the machine. */
  async closeWindows(): Promise<void> {
    await Promise.allSettled(this.#contexts.splice(0).map((context) => context.close()));
  }

  async close(): Promise<void> {
    await this.closeWindows();
    await this.#browser.close();
    this.#door.close();
  }
}

/** The way out of the browser's own network: a Unix socket that leads to the controller. */
class Door {
  private constructor(readonly path: string, private readonly server: Server) {}

  static async open({ address, port }: Controller): Promise<Door> {
    const path = join(mkdtempSync(join(tmpdir(), "fairlead-door-")), "socket");
    const server = createServer((inside) => {
      const outside = connect(port, address);
      inside.pipe(outside).pipe(inside);
      inside.on("error", () => outside.destroy()).on("close", () => outside.destroy());
      outside.on("error", () => inside.destroy()).on("close", () => inside.destroy());
    });
    await new Promise<void>((done, failed) => server.once("error", failed).listen(path, done));
    return new Door(path, server);
  }

  close(): void {
    this.server.close();
    rmSync(join(this.path, ".."), { recursive: true, force: true });
  }
}

export async function signIn(page: Page, who: Person = admin): Promise<void> {
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(/\/o\//);
}

const debuggers = new WeakMap<Page, Promise<CDPSession>>();

/** One per page, never detached: the end of any takes a page's virtual authenticators with it. */
export function debuggerOf(page: Page): Promise<CDPSession> {
  const held = debuggers.get(page) ?? page.context().newCDPSession(page);
  debuggers.set(page, held);
  return held;
}

/** Serious and critical findings of axe on what is shown, one line each. */
export async function axe(page: Page): Promise<string[]> {
  // Mantine names a dialog right after it has drawn it; one that stays without is for axe to tell.
  const unnamed = page.locator("[role=dialog]:not([aria-labelledby], [aria-label])").first();
  await unnamed.waitFor({ state: "detached", timeout: 2_000 }).catch(() => {});
  const run = `${axeSource};axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .flatMap((v) => v.nodes.map((n) => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary)))`;
  // By the debugger, which the page's content policy does not bind.
  const session = await debuggerOf(page);
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value as string[];
}

/** What changes slowly on a page, though every window asks for less motion; axe finds its colours half way. */
function moving(page: Page): Promise<string[]> {
  return page.evaluate(`document.getAnimations()
    .filter((change) => change instanceof CSSTransition && change.effect.getComputedTiming().duration > 1)
    .map((change) => change.transitionProperty + " of " + change.effect.target.className)`) as Promise<string[]>;
}

const screens = { desktop: { width: 1280, height: 900 }, phone: { width: 375, height: 812 } };

/** Shows a window in another theme, or as on a phone, without loading the page anew. */
export async function show(page: Page, look: Look): Promise<void> {
  const scheme = look === "dark" ? "dark" : "light";
  const screen = look === "phone" ? screens.phone : screens.desktop;
  await page.emulateMedia({ colorScheme: scheme });
  await (await debuggerOf(page)).send("Emulation.setDeviceMetricsOverride", {
    ...screen, screenWidth: screen.width, screenHeight: screen.height, deviceScaleFactor: 1, mobile: look === "phone",
  });
  await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
  // Twice: what a change of the screen changed in the page is drawn, too.
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
}

/** The whole page as it is shown: Playwright's own pictures of whole pages go back to the size that it knows of, a desk's. */
async function picture(page: Page): Promise<Buffer> {
  const shown = await debuggerOf(page);
  const { cssContentSize: { width, height } } = await shown.send("Page.getLayoutMetrics");
  const { data } = await shown.send("Page.captureScreenshot", { captureBeyondViewport: true, clip: { x: 0, y: 0, width, height, scale: 1 } });
  return Buffer.from(data, "base64");
}

/**
 * Looks at what is shown in both themes and as on a phone: nothing serious by axe, nothing wider than the screen, nothing that moves. Leaves
 * the window as it is at a desk. `shot` names the pictures that are kept.
 */
export async function looksGood(page: Page, what: string, shot?: string): Promise<void> {
  for (const look of looks) {
    await show(page, look);
    assert.deepEqual(await moving(page), [], `${look} ${what} moves`);
    assert.deepEqual(await axe(page), [], `${look} ${what}`);
    assert.ok((await overflow(page)) <= 1, `${look} ${what} is wider than the window`);
    if (shot) writeFileSync(join(folder(artifacts), `${shot}-${look}.png`), await picture(page));
  }
  await show(page, "light");
}

/** How far the page is wider than the screen; a phone's window grows with what does not fit, its screen does not. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - Math.min(window.innerWidth, screen.width)") as Promise<number>;
}
