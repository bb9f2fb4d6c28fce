// The playground in a real browser against a running server.
//
//   CALOTYPE_URL     address of the server, for example http://127.0.0.1:8080
//   SCREENSHOTS      folder for screenshots; none are kept when it is unset
//   CHROMIUM         the browser; the first of chromium, google-chrome and chromium-browser in /usr/bin when unset
//
// Run with `npm run test:e2e`. Without CALOTYPE_URL the tests are left out, unless CI is set, where that is a failure.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";

import { chromium } from "playwright-core";

const BROWSER =
  process.env.CHROMIUM ??
  ["chromium", "google-chrome", "chromium-browser"].map((name) => `/usr/bin/${name}`).find((path) => existsSync(path)) ??
  "/usr/bin/chromium";

const server = process.env.CALOTYPE_URL;
const screenshots = process.env.SCREENSHOTS;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const left = server ? false : "CALOTYPE_URL is not set";
if (left && process.env.CI === "true") throw new Error("CALOTYPE_URL must be set on CI");

let browser;

before(async () => {
  if (left) return;
  if (screenshots) await mkdir(screenshots, { recursive: true });
  // Every launch has an empty profile of its own.
  browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: FLAGS });
});

after(() => browser?.close());

/** A fresh page on the playground; fails the test on script errors and on requests that leave the server. */
async function open(t, hash = "", { width = 1440, height = 900, dark = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(server).origin) problems.push(`asks ${url.origin}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) problems.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(`${server}/-/${hash}`);
  return page;
}

async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]') && !document.querySelector("[data-loading]"));
}

const text = (page, id) => page.getByTestId(id).innerText();

async function shoot(page, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}

/** The picture on the stage as the browser decoded it. */
const natural = (page) => page.locator(".sheet img").first().evaluate((image) => [image.naturalWidth, image.naturalHeight]);

/** A PNG of 24x16 pixels, red on the left and blue on the right. */
function smallPng() {
  const [width, height] = [24, 16];
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (1 + width * 3) + 1 + x * 3 + (x < width / 2 ? 0 : 2)] = 255;
  }
  const crc = (bytes) => {
    let c = ~0;
    for (const byte of bytes) {
      c ^= byte;
      for (let k = 0; k < 8; k += 1) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    }
    return ~c >>> 0;
  };
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

test("it opens on a sample and shows the result, its facts and its plan", { skip: left }, async (t) => {
  const page = await open(t);
  await page.locator(".sheet img").waitFor();
  await page.getByTestId("canonical").waitFor();
  await settled(page);
  assert.equal(await text(page, "size"), "1200 × 800");
  assert.equal(await text(page, "status"), "200");
  assert.equal(await text(page, "canonical"), "width=1200,format=auto");
  assert.deepEqual(await natural(page), [1200, 800]);
  assert.equal(await page.locator(".thumb:not(.own)").count(), 5);
  await shoot(page, "desktop-light");
});

test("controls, option string and address follow one another", { skip: left }, async (t) => {
  const page = await open(t, "#width=600/-/samples/lake.jpg");
  await page.locator(".sheet img").waitFor();
  await page.getByLabel("Height in pixels").fill("300");
  await page.getByRole("radio", { name: "Cover" }).check({ force: true });
  await page.waitForFunction(() => document.querySelector('[data-testid="size"]')?.textContent === "600 × 300");
  await settled(page);
  assert.deepEqual(await natural(page), [600, 300]);
  assert.equal(await page.locator("#raw").inputValue(), "width=600,height=300,fit=cover");
  assert.equal(new URL(page.url()).hash, "#width=600,height=300,fit=cover/-/samples/lake.jpg");
  assert.equal(await text(page, "snippet"), `${server}/cdn-cgi/image/width=600,height=300,fit=cover/-/samples/lake.jpg`);

  await page.locator("#raw").fill("w=320,f=webp,q=40");
  await page.locator("#raw").blur();
  assert.equal(await page.locator("#raw").inputValue(), "width=320,format=webp,quality=40");
  assert.equal(await page.getByLabel("Width in pixels").inputValue(), "320");
  await page.waitForFunction(() => document.querySelector('[data-testid="format"]')?.textContent === "WebP");
  await settled(page);
  assert.deepEqual(await natural(page), [320, 213]);
});

test("the cut is drawn on the original, and a click moves it", { skip: left }, async (t) => {
  const page = await open(t, "#width=400,height=400,fit=cover,format=auto/-/samples/lake.jpg", { dark: true });
  await page.getByRole("radio", { name: "Original" }).check({ force: true });
  await page.locator(".original .cut rect").waitFor();
  const box = await page.locator(".original").boundingBox();
  await page.mouse.click(box.x + box.width * 0.75, box.y + box.height * 0.25);
  await page.waitForFunction(() => /gravity=0\.7\d?x0\.2\d?/.test(document.querySelector("#raw").value));
  await settled(page);
  await shoot(page, "desktop-dark-cut");
  await page.locator(".focal").focus();
  await page.keyboard.press("Shift+ArrowLeft");
  await page.waitForFunction(() => /gravity=0\.6\d?x0\.2/.test(document.querySelector("#raw").value));
});

test("before and after lie in one place", { skip: left }, async (t) => {
  const page = await open(t, "#width=700,saturation=0,format=auto,quality=20/-/samples/still-life.jpg");
  await page.getByRole("radio", { name: "Compare" }).check({ force: true });
  await page.locator(".compare .before").waitFor();
  await settled(page);
  const sizes = await page.locator(".compare img").evaluateAll((images) => images.map((image) => [image.naturalWidth, image.naturalHeight]));
  assert.deepEqual(sizes, [
    [700, 525],
    [700, 525],
  ]);
  await shoot(page, "desktop-compare");
});

test("an error stands where the picture is, and the last good picture stays", { skip: left }, async (t) => {
  const page = await open(t, "#width=500/-/samples/poster.png");
  await page.locator(".sheet img").waitFor();
  await settled(page);
  await page.locator("#raw").fill("width=500,blur=300");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /9401[\s\S]*HTTP 400/);
  assert.equal(await text(page, "status"), "400");
  assert.match(await text(page, "refusal"), /^9401/);
  assert.deepEqual(await natural(page), [500, 700]);
  await shoot(page, "desktop-error");
  await page.locator("#raw").fill("width=400");
  await alert.waitFor({ state: "detached" });
  assert.deepEqual(await natural(page), [400, 560]);
});

test("a source that does not exist is named by its code", { skip: left }, async (t) => {
  const page = await open(t, "#width=100/-/samples/nothing.jpg");
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /9404[\s\S]*HTTP 404/);
});

test("a dropped file becomes a source like any other", { skip: left }, async (t) => {
  const page = await open(t);
  await page.locator(".sheet img").waitFor();
  const data = await page.evaluateHandle((bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], "small.png", { type: "image/png" }));
    return transfer;
  }, [...smallPng()]);
  await page.dispatchEvent("body", "dragenter", { dataTransfer: data });
  await page.locator(".drop.on").waitFor();
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
  await page.waitForFunction(() => document.querySelector("#source").value.startsWith("/-/upload/"));
  await page.locator("#raw").fill("width=12,format=png-force");
  await page.waitForFunction(() => document.querySelector(".sheet img")?.naturalWidth === 12);
  await settled(page);
  assert.deepEqual(await natural(page), [12, 8]);
  assert.match(await text(page, "snippet"), /\/cdn-cgi\/image\/width=12,format=png-force\/-\/upload\/[^/]+$/);
});

test("a file that is no picture is refused in place", { skip: left }, async (t) => {
  const page = await open(t);
  await page.locator(".sheet img").waitFor();
  await page.locator('input[type="file"]').setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  const problem = page.locator(".problem");
  await problem.waitFor();
  assert.match(await problem.innerText(), /9412/);
  assert.equal(await page.locator("#source").inputValue(), "/-/samples/lake.jpg");
});

test("the keyboard reaches every control", { skip: left }, async (t) => {
  const page = await open(t);
  await page.locator(".sheet img").waitFor();
  await page.getByRole("button", { name: "Light & colour" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("slider", { name: "Brightness" }).focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#raw").inputValue(), /brightness=1\.05/);
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea")]
      .filter((element) => element.checkVisibility() && !(element.getAttribute("aria-label") || element.labels?.length || element.textContent.trim() || element.querySelector("img[alt]:not([alt=''])")))
      .map((element) => element.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(unnamed, []);
});

test("every group fits a phone without scrolling sideways", { skip: left }, async (t) => {
  for (const [width, dark] of [
    [390, false],
    [360, true],
  ]) {
    const page = await open(t, "#width=auto,height=500,fit=cover,gravity=0.2x0.4,trim=border,border.width=4,draw.0.url=https:%2F%2Fexample.com%2Fa%2Fvery%2Flong%2Faddress%2Fthat%2Fdoes%2Fnot%2Fbreak.png/-/samples/still-life.jpg", { width, height: 844, dark });
    await page.locator(".panel").waitFor();
    const closed = page.locator('.group h2 [aria-expanded="false"]');
    while ((await closed.count()) > 0) await closed.first().press("Enter");
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    }
    await page.evaluate(() => scrollTo(0, 0));
    await shoot(page, `phone-${width}${dark ? "-dark" : ""}-all`);
  }
  const page = await open(t, "", { width: 390, height: 844 });
  await page.locator(".sheet img").waitFor();
  await settled(page);
  await shoot(page, "phone-390");
});
