// What users write with env.IMAGES, through the adapter: the pixels that come out are worked out by hand.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { atEnd, startCalotype } from "./support/calotype.mjs";
import { BLUE, flat, fromLetters, GREEN, letters, noise, pngSize, RED } from "./support/pictures.mjs";
import { startWorkerd } from "./support/workerd.mjs";

// A request's body holds several pictures: their lengths stand in the query, the pictures follow each other.
const cases = {
  async chain(images, request) {
    const { searchParams } = new URL(request.url);
    const bytes = new Uint8Array(await request.arrayBuffer());
    let at = 0;
    const parts = searchParams
      .get("lengths")
      .split(",")
      .map((length) => bytes.slice(at, (at += Number(length))));
    const build = ({ part, text, steps = [], encoding }) => {
      const source = () => new Blob([encoding === "base64" ? btoa(String.fromCharCode(...parts[part])) : parts[part]]).stream();
      let chain = text ? images.text(text.content, text) : images.input(source(), encoding ? { encoding } : undefined);
      for (const step of steps) {
        if (step.transform) chain = chain.transform(step.transform);
        else chain = chain.draw(step.draw.steps ? build(step.draw) : new Blob([parts[step.draw.part]]).stream(), step.options);
      }
      return chain;
    };
    const recipe = JSON.parse(searchParams.get("recipe"));
    const result = await build(recipe).output(recipe.output);
    if (recipe.asBase64) return new Response(result.image({ encoding: "base64" }));
    return result.response();
  },
  async twice(images, request) {
    const chain = images.input(request.body);
    await chain.output({ format: "image/png" });
    await chain.output({ format: "image/png" });
  },
  async drawnIntoTwo(images, request) {
    const bytes = await request.arrayBuffer();
    const stream = () => new Blob([bytes]).stream();
    const layer = images.input(stream());
    images.input(stream()).draw(layer);
    images.input(stream()).draw(layer);
  },
  async broken(images) {
    let sent = false;
    const source = new ReadableStream({
      pull(controller) {
        if (sent) return controller.error(new Error("boom"));
        sent = true;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    await images.input(source).output({ format: "image/png" });
  },
  async tooLarge(images) {
    await images.input(new Blob([new Uint8Array(110e6)]).stream()).output({ format: "image/png" });
  },
};

/** Serves one font; everything else is not there. */
async function startFonts(t) {
  const folder = dirname(createRequire(import.meta.url).resolve("@fontsource-variable/geist/package.json"));
  const font = readFileSync(join(folder, "files", "geist-latin-wght-normal.woff2"));
  const server = createServer((request, response) => (request.url === "/font.woff2" ? response.end(font) : response.writeHead(404).end()));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${server.address().port}`;
}

let run;
test.before(async (t) => {
  // Fonts come from a server of the test, which is on a private address.
  const { socket } = await startCalotype(t, ["--allow-private", "--allow-origin", "any"]);
  const worker = await startWorkerd(t, { socket, cases });
  run = (recipe, pictures) =>
    worker.run("chain", Buffer.concat(pictures), { recipe: JSON.stringify(recipe), lengths: pictures.map((picture) => picture.length).join() });
  run.case = worker.run;
});

const rgba = { format: "rgba" };
const picture = async (recipe, pictures, width) => letters((await run({ part: 0, output: rgba, ...recipe }, pictures)).bytes, width);

test("transforms run in the order they are written", async () => {
  const source = flat(40, 20, RED);
  const size = async (...transforms) => {
    const steps = transforms.map((transform) => ({ transform }));
    return pngSize((await run({ part: 0, steps, output: { format: "image/png" } }, [source])).bytes);
  };
  assert.deepEqual(await size({ rotate: 90 }, { width: 10 }), [10, 20]);
  assert.deepEqual(await size({ width: 10 }, { rotate: 90 }), [5, 10]);
  assert.deepEqual(await size({ width: 20 }, { width: 40, fit: "contain" }), [40, 20]);
  assert.deepEqual(await size({ rotate: 90 }, { rotate: 90 }, { rotate: 90 }), [20, 40]);
});

test("turns and mirrors are exact, in a chain too", async () => {
  const source = fromLetters(["rg", "bw"]);
  const turn = (...transforms) => picture({ steps: transforms.map((transform) => ({ transform })) }, [source], 2);
  assert.deepEqual(await turn({ rotate: 90 }), ["br", "wg"]);
  assert.deepEqual(await turn({ rotate: 90 }, { rotate: 90 }), ["wb", "gr"]);
  assert.deepEqual(await turn({ flip: "h" }), ["gr", "wb"]);
  assert.deepEqual(await turn({ flip: "h" }, { rotate: 90 }), ["wg", "br"]);
  assert.deepEqual(await turn({ rotate: 90 }, { flip: "h" }), ["rb", "gw"]);
});

test("a cut takes the part that was named", async () => {
  const source = fromLetters(["rrgg", "rrgg", "bbww", "bbww"]);
  const cut = (transform, width) => picture({ steps: [{ transform }] }, [source], width);
  assert.deepEqual(await cut({ trim: { left: 2, top: 2 } }, 2), ["ww", "ww"]);
  assert.deepEqual(await cut({ trim: { left: 1, top: 1, width: 2, height: 2 } }, 2), ["rg", "bw"]);
});

test("a layer that has layers of its own is whole before it is drawn", async () => {
  const inner = { draw: { part: 2, steps: [] }, options: { top: 1, left: 1 } };
  const outer = { draw: { part: 1, steps: [inner] }, options: { bottom: 0, right: 0 } };
  const base = flat(6, 5, RED);
  assert.deepEqual(await picture({ steps: [outer] }, [base, flat(4, 3, BLUE), flat(2, 1, GREEN)], 6), ["rrrrrr", "rrrrrr", "rrbbbb", "rrbggb", "rrbbbb"]);
});

test("what follows a drawing changes the drawing too, what came before does not", async () => {
  const draw = { draw: { part: 1 }, options: { top: 0, left: 0 } };
  const turn = { transform: { rotate: 90 } };
  const pictures = [flat(3, 2, RED), flat(1, 1, BLUE)];
  assert.deepEqual(await picture({ steps: [draw, turn] }, pictures, 2), ["rb", "rr", "rr"]);
  assert.deepEqual(await picture({ steps: [turn, draw] }, pictures, 2), ["br", "rr", "rr"]);
});

test("layers are drawn in their order, tiled and mixed as told", async () => {
  const base = flat(4, 2, RED);
  const [blue, green] = [flat(2, 1, BLUE), flat(1, 1, GREEN)];
  const both = [{ draw: { part: 1 }, options: { top: 0, left: 1 } }, { draw: { part: 2 }, options: { top: 0, left: 2 } }];
  assert.deepEqual(await picture({ steps: both }, [base, blue, green], 4), ["rbgr", "rrrr"]);
  assert.deepEqual(await picture({ steps: both.toReversed() }, [base, blue, green], 4), ["rbbr", "rrrr"]);
  const tiled = (repeat) => picture({ steps: [{ draw: { part: 1 }, options: { repeat, top: 0, left: 0 } }] }, [base, green], 4);
  assert.deepEqual(await tiled("x"), ["gggg", "rrrr"]);
  assert.deepEqual(await tiled("y"), ["grrr", "grrr"]);
  assert.deepEqual(await tiled(true), ["gggg", "gggg"]);
  const { bytes } = await run({ part: 0, steps: [{ draw: { part: 1 }, options: { opacity: 0.5 } }], output: rgba }, [flat(1, 1, RED), flat(1, 1, BLUE)]);
  assert.ok(Math.abs(bytes[0] - 127.5) <= 1 && bytes[1] === 0 && Math.abs(bytes[2] - 127.5) <= 1 && bytes[3] === 255, String([...bytes]));
});

test("a text is a canvas and a layer, in its colour", async (t) => {
  const fonts = await startFonts(t);
  const text = { content: "I", font: { url: `${fonts}/font.woff2` }, size: 48, color: "#00f" };
  const canvas = await run({ text, output: { format: "image/png" } }, [Buffer.alloc(0)]);
  const [width, height] = pngSize(canvas.bytes);
  assert.ok(width > 0 && height > width, `an I of ${width} by ${height}`);

  const { bytes } = await run({ part: 0, steps: [{ draw: { text, steps: [{ transform: { rotate: 90 } }] }, options: { top: 0, left: 0 } }], output: rgba }, [flat(100, 80, RED)]);
  const pixels = Array.from({ length: 100 * 80 }, (_, n) => [...bytes.subarray(n * 4, n * 4 + 4)]);
  const blue = pixels.flatMap((pixel, n) => (String(pixel) === String(BLUE) ? [[n % 100, Math.floor(n / 100)]] : []));
  const [xs, ys] = [blue.map(([x]) => x), blue.map(([, y]) => y)];
  const wide = Math.max(...xs) - Math.min(...xs);
  const high = Math.max(...ys) - Math.min(...ys);
  assert.ok(blue.length > 20 && wide > 2 * high, `an I that lies, ${wide} by ${high}`);
  assert.deepEqual(pixels.at(-1), RED);

  await assert.rejects(run({ text: { ...text, font: { url: `${fonts}/none.ttf` } }, output: rgba }, [Buffer.alloc(0)]), { code: 9410 });
});

test("every output format is what it says", async () => {
  const source = flat(16, 16, GREEN);
  for (const [format, type, head] of [
    ["image/jpeg", "image/jpeg", /^\xff\xd8\xff/],
    ["image/png", "image/png", /^\x89PNG/],
    ["image/gif", "image/gif", /^GIF89a/],
    ["image/webp", "image/webp", /^RIFF....WEBP/s],
    ["image/avif", "image/avif", /^....ftypavif/s],
    ["rgb", "application/octet-stream", /^\x00\xff\x00\x00\xff\x00/],
    ["rgba", "application/octet-stream", /^\x00\xff\x00\xff\x00\xff\x00\xff/],
  ]) {
    const result = await run({ part: 0, output: { format } }, [source]);
    assert.equal(result.type, type);
    assert.match(result.bytes.toString("latin1"), head, format);
    assert.equal(Number(result.headers.get("content-length")), result.bytes.length, "the length is known");
  }
});

test("quality may be a number, a fraction or a word", async () => {
  const source = noise(64, 64);
  const bytes = async (quality) => (await run({ part: 0, output: { format: "image/jpeg", quality } }, [source])).bytes;
  assert.deepEqual(await bytes("low"), await bytes(35));
  assert.deepEqual(await bytes("high"), await bytes(90));
  assert.ok((await bytes(10)).length < (await bytes(62.5)).length);
  assert.ok((await bytes(62.5)).length < (await bytes(95)).length);
  await assert.rejects(bytes("rubbish"), { code: 9432 });
});

test("base64 goes in and comes out", async () => {
  const source = fromLetters(["rg", "bw"]);
  const { bytes } = await run({ part: 0, encoding: "base64", output: rgba, asBase64: true }, [source]);
  assert.deepEqual(letters(Buffer.from(bytes.toString(), "base64"), 2), ["rg", "bw"]);
});

test("what cannot be done is refused with the number that says why", async () => {
  const source = flat(4, 4, RED);
  const refuses = async (code, recipe, pictures = [source]) => {
    await assert.rejects(run({ part: 0, output: rgba, ...recipe }, pictures), (error) => {
      assert.equal(error.code, code, JSON.stringify([recipe, error]));
      assert.match(error.message, new RegExp(`^IMAGES_TRANSFORM_ERROR ${code}: .*\\S$`));
      return true;
    });
  };
  const transform = (options) => ({ steps: [{ transform: options }] });
  await refuses(9412, {}, [Buffer.from("no image")]);
  await refuses(9412, {}, [Buffer.alloc(0)]);
  await refuses(9432, transform({ width: -1 }));
  await refuses(9432, transform({ rotate: 45 }));
  await refuses(9432, transform({ fit: "foo" }));
  await refuses(9432, transform({ imageIndex: 9 }));
  await refuses(9432, { output: {} });
  await refuses(9432, { output: { format: "image/tiff" } });
  await refuses(9432, { steps: [{ draw: { part: 0 }, options: { left: 1, right: 1 } }] });
  await refuses(9432, { steps: [{ draw: { part: 0 }, options: { targetImageIndex: 1 } }] });
  await assert.rejects(run.case("twice", source), { code: 9525 });
  await assert.rejects(run.case("drawnIntoTwo", source), { code: 9525 });
});

test("a source that breaks is never taken for a whole picture", async () => {
  await assert.rejects(run.case("broken"), { code: 9523 });
});

test("a source that is too large is refused, and the refusal is heard", async () => {
  await assert.rejects(run.case("tooLarge"), (error) => error.code === 9413 && /^IMAGES_TRANSFORM_ERROR 9413: /.test(error.message));
});
