import { describe, expect, test } from "vitest";

import { cfImage, imgTag, srcset } from "../../src/options/snippets";

describe("snippets", () => {
  test("the options object has the shapes of the specification's table", () => {
    const object = (options: Record<string, string>) => cfImage(options).object;
    expect(object({ width: "250", height: "100", fit: "cover", gravity: "0.5x0.2" })).toEqual({
      width: 250,
      height: 100,
      fit: "cover",
      gravity: { x: 0.5, y: 0.2 },
    });
    expect(object({ gravity: "face", zoom: "0.5" })).toEqual({ gravity: "face", zoom: 0.5 });
    expect(object({ "trim.top": "20", "trim.right": "30", "trim.bottom": "20", "trim.left": "0" })).toEqual({
      trim: { top: 20, right: 30, bottom: 20, left: 0 },
    });
    expect(object({ trim: "border" })).toEqual({ trim: "border" });
    const members = { "trim.border.color": "#000000", "trim.border.tolerance": "5", "trim.border.keep": "10" };
    const trimmed = { trim: { border: { color: "#000000", tolerance: 5, keep: 10 } } };
    expect(object(members)).toEqual(trimmed);
    expect(object({ trim: "border", ...members })).toEqual(trimmed);
    expect(object({ ...members, trim: "border" })).toEqual(trimmed);
    expect(object({ quality: "low" })).toEqual({ quality: "low" });
    expect(object({ anim: "false", format: "webp", metadata: "none" })).toEqual({ anim: false, format: "webp", metadata: "none" });
    expect(object({ "border.width": "10", "border.color": "#fff" })).toEqual({ border: { width: 10, color: "#fff" } });
    expect(object({ gravity: "0x1", "gravity.mode": "box-center" })).toEqual({ gravity: { x: 0, y: 1, mode: "box-center" } });
    expect(object({ "draw.0.url": "https://e.example/a.png", "draw.0.opacity": "0.5", "draw.0.repeat": "true" })).toEqual({
      draw: [{ url: "https://e.example/a.png", opacity: 0.5, repeat: true }],
    });
  });

  test("what an object cannot say is named", () => {
    const { object, left } = cfImage({ width: "auto", onerror: "redirect", height: "10" });
    expect(object).toEqual({ height: 10 });
    expect(left).toEqual(["width", "onerror"]);
  });

  test("an img tag has CSS pixels and escaped attributes", () => {
    expect(imgTag('/a"b&c', { width: 800, height: 600 }, 2)).toBe(
      '<img src="/a&quot;b&amp;c" width="400" height="300" alt="" loading="lazy" decoding="async">',
    );
  });

  test("a srcset keeps the shape of the box and never exceeds the source", () => {
    const text = srcset({ width: "400", height: "300", dpr: "2", fit: "cover" }, "/a.jpg", "https://e.example", 1000);
    expect(text).toContain("https://e.example/cdn-cgi/image/width=320,height=240,fit=cover/a.jpg 320w");
    expect(text).toContain("width=960,height=720,fit=cover/a.jpg 960w");
    expect(text).not.toContain("1280w");
    expect(text).not.toContain("dpr");
  });
});
