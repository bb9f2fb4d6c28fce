// The API reference in a real browser against a running server.
//
//   CALOTYPE_URL, CALOTYPE_ACCOUNT, CALOTYPE_TOKEN   as scripts/with-server.sh sets them
//   SCREENSHOTS                                      folder for screenshots; none are kept when it is unset
//   CHROMIUM                                         the browser; the first of chromium, google-chrome and chromium-browser in /usr/bin when unset
//
// Without CALOTYPE_URL the test is left out, unless CI is set, where that is a failure.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { chromium } from "playwright-core";

const BROWSER =
  process.env.CHROMIUM ??
  ["chromium", "google-chrome", "chromium-browser"].map((name) => `/usr/bin/${name}`).find((path) => existsSync(path)) ??
  "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const { CALOTYPE_URL: server, CALOTYPE_ACCOUNT: account, CALOTYPE_TOKEN: token, SCREENSHOTS: screenshots } = process.env;
const left = server ? false : "CALOTYPE_URL is not set";
if (left && process.env.CI === "true") throw new Error("CALOTYPE_URL must be set on CI");

test("every operation is listed, and one is tried with a token", { skip: left }, async (t) => {
  const browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: FLAGS });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(server).origin) problems.push(`asks ${url.origin}`);
  });
  const shoot = async (name) => {
    if (!screenshots) return;
    await mkdir(screenshots, { recursive: true });
    await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
  };

  await page.goto(`${server}/client/v4/docs/`);
  const nav = page.locator(".nav-bar");
  const { paths } = await (await fetch(`${server}/client/v4/openapi.json`)).json();
  const operations = Object.values(paths).flatMap((methods) => Object.entries(methods).filter(([method]) => method !== "parameters"));
  await nav.getByText("Upload an image").first().waitFor();
  const listed = await nav.locator(".nav-bar-path").allInnerTexts();
  assert.equal(listed.length, operations.length);
  const summaries = operations.map(([, operation]) => operation.summary).sort();
  assert.deepEqual(listed.map((text) => text.trim()).sort(), summaries);

  await nav.getByText("Authentication", { exact: true }).click();
  const entry = page.locator(".api-key-input").first();
  await entry.fill(token);
  await shoot("reference-authentication");
  await entry.press("Enter");
  await nav.getByText("How many images there are, and may be").click();
  await page.locator("#request-param-account_id").fill(account);
  await page.getByText("EXECUTE", { exact: true }).click();
  const request = page.locator("api-request");
  await request.getByText('"allowed"').first().waitFor();
  await shoot("reference-stats");
  assert.match(await request.innerText(), /Response Status: OK \(200\)/);
  assert.deepEqual(problems, []);
});
