import { describe, expect, test } from "vitest";

import { ORDER, encodeValue, parseOptions, parseState, printOptions, printState, transformPath, withOptions } from "../../src/options/grammar";
import { CONTROLS } from "../../src/options/table";

describe("option segments", () => {
  test("aliases and compact forms become full names", () => {
    expect(parseOptions("w=400,h=300,q=80,f=auto,g=face,face-zoom=0.5,scq=50")).toEqual({
      width: "400",
      height: "300",
      quality: "80",
      format: "auto",
      gravity: "face",
      zoom: "0.5",
      "slow-connection-quality": "50",
    });
    expect(parseOptions("border=4,draw.url=a,draw.1.url=b,trim=color,trim.color=red,trim.tolerance=3")).toEqual({
      "border.width": "4",
      "draw.0.url": "a",
      "draw.1.url": "b",
      trim: "border",
      "trim.border.color": "red",
      "trim.border.tolerance": "3",
    });
    expect(parseOptions("gravity.x=0.25,gravity.y=1,gravity.mode=box-center")).toEqual({ gravity: "0.25x1", "gravity.mode": "box-center" });
  });

  test("trim with one, two and four values names the sides clockwise from the top", () => {
    const sides = (top: string, right: string, bottom: string, left: string) => ({
      "trim.top": top,
      "trim.right": right,
      "trim.bottom": bottom,
      "trim.left": left,
    });
    expect(parseOptions("trim=7")).toEqual(sides("7", "7", "7", "7"));
    expect(parseOptions("trim=7;9")).toEqual(sides("7", "9", "7", "9"));
    expect(parseOptions("trim=20;30;0.1;0")).toEqual(sides("20", "30", "0.1", "0"));
  });

  test("the last of equal keys wins, empty items are skipped, keys ignore case", () => {
    expect(parseOptions("w=1,,Width=2,,fit,=x")).toEqual({ width: "2" });
  });

  test("values are encoded so that they survive the grammar and the URL", () => {
    expect(encodeValue("rgb(240,40,145)")).toBe("rgb(240%2C40%2C145)");
    expect(encodeValue("#ff0000")).toBe("%23ff0000");
    expect(encodeValue("https://a.example/b c.png?x=1%20")).toBe("https:%2F%2Fa.example%2Fb%20c.png%3Fx=1%2520");
    expect(encodeValue("é")).toBe("%C3%A9");
    expect(printOptions({ background: "rgb(1,2,3)", width: "5" })).toBe("width=5,background=rgb(1%2C2%2C3)");
  });

  test("every control's values survive being written and read", () => {
    expect(CONTROLS.length).toBeGreaterThan(40);
    for (const control of CONTROLS) {
      expect(control.examples.length, control.key).toBeGreaterThan(0);
      for (const example of control.examples) {
        expect(parseOptions(printOptions({ [control.key]: example })), `${control.key}=${example}`).toEqual({ [control.key]: example });
      }
    }
  });

  test("every control has a place in the written order", () => {
    for (const { key } of CONTROLS) {
      expect(ORDER, key).toContain(key.startsWith("draw.") ? "draw" : key);
    }
  });

  test("all controls together survive", () => {
    const all = Object.fromEntries(CONTROLS.map((control) => [control.key, control.examples[0] ?? ""]));
    expect(parseOptions(printOptions(all))).toEqual(all);
  });

  test("setting nothing removes", () => {
    expect(withOptions({ width: "1", height: "2" }, { width: undefined, height: "", fit: "pad" })).toEqual({ fit: "pad" });
  });
});

describe("addresses", () => {
  test("a path and an absolute source make the URL of the specification", () => {
    expect(transformPath({ width: "80" }, "/uploads/a.jpg")).toBe("/cdn-cgi/image/width=80/uploads/a.jpg");
    expect(transformPath({ width: "80" }, "https://e.example/a.jpg?v=1")).toBe("/cdn-cgi/image/width=80/https://e.example/a.jpg?v=1");
    expect(transformPath({}, "/a.jpg")).toBe("/a.jpg");
  });

  test("the page's state survives its address", () => {
    for (const source of ["/-/samples/lake.jpg", "https://e.example/a.jpg?v=1"]) {
      for (const options of [{}, { width: "80", background: "#fff" }, { "draw.0.url": "https://x.example/y.png" }]) {
        expect(parseState(`#${printState(options, source)}`)).toEqual({ options, source });
      }
    }
    expect(parseState("")).toBeUndefined();
    expect(parseState("#w=80")).toBeUndefined();
  });
});
