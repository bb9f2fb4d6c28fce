import { describe, expect, test } from "vitest";

import { readError, readTiming, readWarnings } from "../../src/server";
import { bytes, duration, share } from "../../src/text";

describe("what answers say about themselves", () => {
  test("the error text is code and message", () => {
    expect(readError(403, "ERROR 9413: The image is too large: 20 megapixels\n")).toEqual({
      code: 9413,
      status: 403,
      message: "The image is too large: 20 megapixels",
    });
    expect(readError(502, "<html>Bad gateway</html>")).toEqual({ code: 0, status: 502, message: "The server gave no reason." });
    expect(readError(429, "slow down")).toEqual({ code: 0, status: 429, message: "slow down" });
  });

  test("several warnings come in one joined header", () => {
    expect(readWarnings('cf-images 299 "unknown option: a, b", cf-images 299 "dpr > 2 should never be used"')).toEqual([
      "unknown option: a, b",
      "dpr > 2 should never be used",
    ]);
    expect(readWarnings('cf-images 299 "a \\"quoted\\" key"')).toEqual(['a "quoted" key']);
    expect(readWarnings(null)).toEqual([]);
  });

  test("the timing of a transform is read", () => {
    expect(readTiming("internal=ok/m q=3 n=317+85 c=17+38 v=1 l=9")).toEqual({ queue: 3, fetch: 402, transform: 17, encode: 38 });
    expect(readTiming("err=9401")).toBeUndefined();
  });
});

describe("numbers for people", () => {
  test("bytes, durations and shares", () => {
    expect([0, 999, 1000, 62_449, 99_949, 999_949, 1_250_740, 100_000_000].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "62.4 kB",
      "99.9 kB",
      "1000 kB",
      "1.25 MB",
      "100 MB",
    ]);
    expect([84.4, 999.4, 1000, 12_340].map(duration)).toEqual(["84 ms", "999 ms", "1.0 s", "12.3 s"]);
    expect([share(1, 3), share(1, 20), share(3, 2)]).toEqual(["33 %", "5.0 %", "150 %"]);
  });
});
