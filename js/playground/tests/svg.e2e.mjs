// SVGs as they leave the server, in a real browser: opened as a document, and within <object> and <img>, with and without
// the server's Content-Security-Policy. Nothing may run, ask for anything, or lead anywhere. The filter alone must hold;
// the policy is the second wall. Opened unfiltered, many of the files do fire: so the test sees what it looks for.
//
//   CALOTYPE_URL     address of the server, for example http://127.0.0.1:8080
//   CALOTYPE_SHARED  folder of the corpus, whose hostile SVGs are opened too; without it, they are left out
//   CHROMIUM         the browser; the first of chromium, google-chrome and chromium-browser in /usr/bin when unset

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { attacks } from "./svg-attacks.mjs";

const BROWSER =
  process.env.CHROMIUM ??
  ["chromium", "google-chrome", "chromium-browser"].map((name) => `/usr/bin/${name}`).find((path) => existsSync(path)) ??
  "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const server = process.env.CALOTYPE_URL;
const left = server ? false : "CALOTYPE_URL is not set";
if (left && process.env.CI === "true") throw new Error("CALOTYPE_URL must be set on CI");

const SITE = "http://svg.test";
let browser;

before(async () => {
  if (left) return;
  browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: FLAGS });
});

after(() => browser?.close());

/** What the server makes of a file: the body and the policy, or the code of the refusal. */
async function filtered(bytes) {
  const taken = await fetch(`${server}/-/upload`, { method: "POST", body: bytes, headers: { "content-type": "image/svg+xml" } });
  if (taken.status !== 201) return { refused: await taken.text() };
  const { url: source } = await taken.json();
  const answer = await fetch(`${server}/cdn-cgi/image/format=auto${source}`);
  if (!answer.ok) return { refused: await answer.text() };
  assert.equal(answer.headers.get("content-type"), "image/svg+xml");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /^default-src 'none'/);
  return { body: Buffer.from(await answer.arrayBuffer()), policy };
}

const tags = {
  object: (file) => `<object data="${file}" type="image/svg+xml" width="200" height="200"></object>`,
  img: (file) => `<img src="${file}" width="200" height="200">`,
};

/**
 * Opens files in the browser and gives everything that they did beside being shown: one after the other as documents, or
 * all in one page.
 */
async function misdeeds(bodies, policy, wrapper) {
  const context = await browser.newContext({ viewport: { width: 240, height: 240 } });
  const deeds = [];
  const files = bodies.map((_, index) => `${SITE}/${index}.svg`);
  try {
    await context.route("**/*", async (route) => {
      const url = route.request().url();
      const index = files.indexOf(url);
      if (index >= 0) {
        const headers = { "content-type": "image/svg+xml", "x-content-type-options": "nosniff" };
        if (policy) headers["content-security-policy"] = policy;
        return route.fulfill({ status: 200, headers, body: bodies[index] });
      }
      if (url === `${SITE}/page.html`) {
        const body = `<!doctype html><body style="margin:0">${files.map(tags[wrapper]).join("")}`;
        return route.fulfill({ status: 200, contentType: "text/html", body });
      }
      if (url !== `${SITE}/favicon.ico`) deeds.push(`asks ${url.slice(0, 80)}`);
      return route.abort();
    });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.text().includes("RAN") && message.type() === "log") deeds.push("runs");
    });
    page.on("pageerror", (error) => deeds.push(`runs into ${error.message}`));
    page.on("dialog", (dialog) => {
      deeds.push(`says ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    context.on("page", (other) => {
      if (other !== page) deeds.push("opens a window");
    });
    const known = [...files, `${SITE}/page.html`, "about:blank", ""];
    page.on("framenavigated", (frame) => {
      if (!known.includes(frame.url().split("#")[0])) deeds.push(`goes to ${frame.url().slice(0, 80)}`);
    });
    const starts = wrapper === "document" ? files : [`${SITE}/page.html`];
    for (const start of starts) {
      await page.goto(start, { waitUntil: "load" }).catch((error) => deeds.push(`does not load: ${error.message.split("\n")[0]}`));
      // Everything that waits for a pointer or for the keyboard; two frames for what is animated.
      await page.mouse.click(100, 100).catch(() => {});
      await page.keyboard.press("Tab").catch(() => {});
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))).catch(() => {});
      await page.mouse.click(20, 20).catch(() => {});
      await page.evaluate(() => new Promise((done) => setTimeout(done, 30))).catch(() => {});
    }
  } finally {
    await context.close();
  }
  return deeds;
}

const bytesOf = (attack) => attack.bytes ?? Buffer.from(attack.text);

test("unfiltered, the attacks fire, so that this test can see them", { skip: left }, async () => {
  const quiet = [];
  for (const attack of attacks.filter((attack) => attack.fires)) {
    const deeds = await misdeeds([bytesOf(attack)], null, "document");
    if (deeds.length === 0) quiet.push(attack.name);
  }
  assert.deepEqual(quiet, [], "these are no attacks as they stand");
  assert.ok(attacks.filter((attack) => attack.fires).length > 40);
});

/** Filters files and opens what comes of them in every way: as documents, and in <object> and <img>, without and with the policy. */
async function check(files, t) {
  const opened = [];
  let policy;
  for (const { name, bytes } of files) {
    const result = await filtered(bytes);
    if (result.refused === undefined) {
      opened.push({ name, body: result.body });
      policy = result.policy;
    } else {
      assert.match(result.refused, /^ERROR 9(412|413|516|520)/, `${name}: ${result.refused}`);
    }
  }
  t.diagnostic(`${opened.length} opened in six ways, ${files.length - opened.length} refused`);
  const found = [];
  for (const wall of [null, policy]) {
    for (const wrapper of ["document", "object", "img"]) {
      let deeds = await misdeeds(opened.map(({ body }) => body), wall, wrapper);
      if (deeds.length && wrapper !== "img") {
        // Which was it?
        deeds = [];
        for (const { name, body } of opened) {
          const own = await misdeeds([body], wall, wrapper);
          if (own.length) deeds.push(`${name}: ${own.join(", ")}`);
        }
        if (deeds.length === 0) deeds.push("one of the files, in company");
      }
      found.push(...deeds.map((deed) => `as ${wrapper}${wall ? " under the policy" : ""}, ${deed}`));
    }
  }
  assert.deepEqual(found, []);
  return opened.length;
}

test("filtered, no attack runs, asks or leads anywhere", { skip: left }, async (t) => {
  const opened = await check(attacks.map((attack) => ({ name: attack.name, bytes: bytesOf(attack) })), t);
  assert.ok(opened > 70);
});

const corpus = process.env.CALOTYPE_SHARED && path.join(process.env.CALOTYPE_SHARED, "corpus", "svg-hostile");

test("no hostile file of the corpus does either", { skip: left || (corpus ? false : "CALOTYPE_SHARED names no corpus") }, async (t) => {
  const files = [];
  for (const folder of await readdir(corpus)) {
    for (const file of await readdir(path.join(corpus, folder))) {
      files.push({ name: `${folder}/${file}`, bytes: await readFile(path.join(corpus, folder, file)) });
    }
  }
  await check(files, t);
});

/** The mean difference, of 255, between an SVG as the browser draws it and a picture of it, on white. */
async function difference(page, svg, png) {
  const urls = [`data:image/svg+xml;base64,${svg.toString("base64")}`, `data:image/png;base64,${png.toString("base64")}`];
  return page.evaluate(async ([svg, png]) => {
    const load = async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image;
    };
    const [drawing, picture] = await Promise.all([load(svg), load(png)]);
    const [width, height] = [picture.naturalWidth, picture.naturalHeight];
    const pixels = (image) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      context.fillStyle = "white";
      context.fillRect(0, 0, width, height);
      context.drawImage(image, 0, 0, width, height);
      return context.getImageData(0, 0, width, height).data;
    };
    const [a, b] = [pixels(drawing), pixels(picture)];
    let sum = 0;
    for (let index = 0; index < a.length; index += 1) sum += Math.abs(a[index] - b[index]);
    return sum / (width * height * 3);
  }, urls);
}

/** An SVG and what `svg=raster` makes of it. */
async function drawn(bytes, options = "") {
  const taken = await fetch(`${server}/-/upload`, { method: "POST", body: bytes });
  assert.equal(taken.status, 201, await taken.clone().text());
  const { url } = await taken.json();
  const answer = await fetch(`${server}/cdn-cgi/image/svg=raster,f=png-force${options}${url}`);
  if (!answer.ok) return { refused: await answer.text() };
  return { png: Buffer.from(await answer.arrayBuffer()) };
}

const drawings = {
  shapes: '<rect x="10" y="10" width="80" height="60" rx="8" fill="#369"/><circle cx="140" cy="60" r="40" fill="none" stroke="#c33" stroke-width="6" stroke-dasharray="12 6"/><path d="M10 180C60 100 120 190 190 120" fill="none" stroke="green" stroke-width="5" stroke-linecap="round"/>',
  gradients: '<linearGradient id="a" x2="1" y2="1"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient><radialGradient id="b"><stop stop-color="white"/><stop offset="1" stop-color="teal" stop-opacity=".2"/></radialGradient><rect width="100" height="200" fill="url(#a)"/><rect x="100" width="100" height="200" style="fill:url(#b)"/>',
  masks: '<clipPath id="c"><circle cx="70" cy="70" r="60"/></clipPath><mask id="m"><rect width="200" height="200" fill="#888"/><circle cx="140" cy="140" r="40" fill="white"/></mask><rect width="200" height="140" fill="orange" clip-path="url(#c)"/><rect y="60" x="60" width="140" height="140" fill="purple" mask="url(#m)"/>',
  styles: '<style>.a{fill:#080}#b{stroke:#008;stroke-width:4}rect.c{opacity:.5}</style><g><rect class="a" width="90" height="90"/><rect id="b" class="c" x="60" y="60" width="90" height="90" fill="gold"/></g><use href="#b" transform="rotate(20 100 100) scale(.5)"/>',
  patterns: '<pattern id="p" width="20" height="20" patternUnits="userSpaceOnUse"><rect width="10" height="10" fill="#444"/><circle cx="15" cy="15" r="4" fill="#e80"/></pattern><rect width="200" height="200" fill="url(#p)"/>',
  filters: '<filter id="f"><feGaussianBlur stdDeviation="6"/></filter><filter id="s"><feDropShadow dx="4" dy="4" stdDeviation="3"/></filter><rect x="30" y="30" width="60" height="60" fill="red" filter="url(#f)"/><rect x="110" y="110" width="60" height="60" fill="lime" filter="url(#s)"/>',
  nested: '<svg x="20" y="20" width="100" height="50" viewBox="0 0 10 10" preserveAspectRatio="xMinYMid slice"><circle cx="5" cy="5" r="5"/></svg><g opacity=".5" transform="skewX(10)"><rect x="100" y="100" width="60" height="60"/></g>',
};

test("drawings are those of the browser", { skip: left }, async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const sizes = { own: "", larger: ",w=500", smaller: ",w=60" };
  for (const [name, content] of Object.entries(drawings)) {
    const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200">${content}</svg>`);
    for (const [size, options] of Object.entries(sizes)) {
      const { png, refused } = await drawn(svg, options);
      assert.equal(refused, undefined, name);
      const mean = await difference(page, svg, png);
      assert.ok(mean < 2, `${name} at its ${size} size: ${mean.toFixed(2)}`);
    }
  }
});

const benign = process.env.CALOTYPE_SHARED && path.join(process.env.CALOTYPE_SHARED, "corpus", "svg");

test("files of the corpus are drawn as in the browser", { skip: left || (benign ? false : "CALOTYPE_SHARED names no corpus") }, async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const [other, means] = [[], []];
  for (const folder of await readdir(benign)) {
    for (const file of (await readdir(path.join(benign, folder))).filter((name) => name.endsWith(".svg"))) {
      const bytes = await readFile(path.join(benign, folder, file));
      // Letters depend on the fonts that a browser brings.
      if (bytes.includes("<text") || !bytes.includes("http://www.w3.org/2000/svg")) continue;
      const { png, refused } = await drawn(bytes);
      if (refused) continue;
      const mean = await difference(page, bytes, png).catch((error) => error.message.split("\n")[0]);
      means.push(mean);
      if (!(mean < 3)) other.push(`${folder}/${file}: ${typeof mean === "number" ? mean.toFixed(1) : mean}`);
    }
  }
  t.diagnostic(`${means.length - other.length} of ${means.length} within 3 of 255 on the mean; otherwise: ${other.join("; ")}`);
  assert.ok(other.length * 8 < means.length, other.join("\n"));
});
