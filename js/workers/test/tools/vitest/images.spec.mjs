// A user's test, inside the runtime.
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

it("turns a picture", async () => {
  const bytes = Uint8Array.from(atob(env.PICTURE), (character) => character.charCodeAt(0));
  const result = await env.IMAGES.input(new Blob([bytes]).stream()).transform({ rotate: 90 }).transform({ flip: "h" }).output({ format: "rgba" });
  const [red, green, blue, white] = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [255, 255, 255, 255],
  ];
  const pixels = [...new Uint8Array(await result.response().arrayBuffer())];
  expect(pixels).toEqual([...red, ...blue, ...green, ...white]);
});
